"""What a run knows of customers and catalog, each read at first use and once, however many steps ask."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from monetization_pipeline.catalog.loading import load_catalog
from monetization_pipeline.catalog.models import Catalog, pricing_map
from monetization_pipeline.customers.attribution import Charging, charging
from monetization_pipeline.customers.models import Company, Subscription, User
from monetization_pipeline.customers.month_terms import MonthTerms
from monetization_pipeline.lake.entities import (
    company_zones,
    current_companies,
    read_subscriptions,
    read_users,
)
from monetization_pipeline.metering.meters import meter_problems
from monetization_pipeline.periods import Period, days_of_month
from monetization_pipeline.steps.pipeline import Pipeline


@dataclass(frozen=True)
class Customers:
    """Companies, users and subscriptions as the lake has them."""

    pipeline: Pipeline

    @cached_property
    def subscriptions(self) -> Sequence[Subscription]:
        """Current and earlier versions of all subscriptions."""
        return read_subscriptions(self.pipeline.lake)

    @cached_property
    def users(self) -> Sequence[User]:
        """Current and earlier versions of all users."""
        return read_users(self.pipeline.lake)

    @cached_property
    def companies(self) -> Mapping[str, Company]:
        """The current record of each company, by its id."""
        return current_companies(self.pipeline.lake)

    @cached_property
    def zones(self) -> Mapping[str, str]:
        """The zone of each company that has one of its own."""
        return company_zones(self.pipeline.lake)

    def zone_of(self, company_id: str | None) -> str:
        """The zone of a company's months and days: its own, else the seller's (rule 1)."""
        return self.zones.get(company_id or "", self.pipeline.seller.zone)

    @cached_property
    def zones_in_use(self) -> frozenset[str]:
        """The seller's zone and every company's own."""
        return frozenset(self.zones.values()) | {self.pipeline.seller.zone}

    def event_days(self, month: str) -> list[date]:
        """The event days (UTC) that a billing period spans in the zones in use: what its usage is made from."""
        return days_of_month(self.zones_in_use, month)


@dataclass(frozen=True)
class Known:
    """Customers and a catalog together: what decides who is charged how much."""

    customers: Customers
    read: Callable[[], Catalog]

    @classmethod
    def now(cls, pipeline: Pipeline) -> "Known":
        """What is in the lake and in `catalog/`. A catalog that is broken shows once it is needed (CatalogError)."""
        return cls(Customers(pipeline), lambda: read_catalog(pipeline))

    @classmethod
    def by(cls, pipeline: Pipeline, catalog: Catalog) -> "Known":
        """What is in the lake, and a catalog that is at hand."""
        return cls(Customers(pipeline), lambda: catalog)

    @cached_property
    def catalog(self) -> Catalog:
        """Meters and plans."""
        return self.read()

    @cached_property
    def months(self) -> MonthTerms:
        """What subscriptions say in each billing month."""
        return MonthTerms(self.customers.subscriptions, self.catalog, self.customers.zone_of)

    def charges(self, window: Period) -> list[Charging]:
        """Charging rows of a window."""
        return charging(self.customers.subscriptions, pricing_map(self.catalog), window, self.customers.zone_of)


def read_catalog(pipeline: Pipeline) -> Catalog:
    """Meters and plans as the user wrote them. Raises CatalogError with all problems, each with its place."""
    return load_catalog(pipeline.home.catalog, meter_problems)
