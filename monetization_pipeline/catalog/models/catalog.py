"""The catalog as a whole, and what metering knows of its prices."""

from dataclasses import dataclass
from typing import Literal

from monetization_pipeline.catalog.models.common import CatalogPart
from monetization_pipeline.catalog.models.meter import Meter
from monetization_pipeline.catalog.models.plan import Plan
from monetization_pipeline.catalog.models.price import MeterPrice


class Catalog(CatalogPart, frozen=True):
    """Everything a seller meters and sells. Ids are unique and every price's meter exists (`loading.load_catalog`)."""

    meters: tuple[Meter, ...] = ()
    plans: tuple[Plan, ...] = ()

    def meter(self, meter_id: str) -> Meter | None:
        """The meter of that id, or None."""
        return next((meter for meter in self.meters if meter.meter_id == meter_id), None)

    def plan(self, plan_id: str | None) -> Plan | None:
        """The plan of that id, or None."""
        return next((plan for plan in self.plans if plan.plan_id == plan_id), None)


@dataclass(frozen=True, slots=True, order=True)
class PricingEntry:
    """One row of the pricing map: this plan charges this meter, grouped like this (rule 4)."""

    plan_id: str
    interval: Literal["month"]
    price_id: str
    meter_id: str
    group_by: tuple[str, ...]


def pricing_map(catalog: Catalog) -> tuple[PricingEntry, ...]:
    """Which plan prices which meter, sorted: all that metering knows of prices."""
    return tuple(
        sorted(
            PricingEntry(plan.plan_id, plan.interval, price.price_id, price.meter, price.group_by)
            for plan in catalog.plans
            for price in plan.prices
            if isinstance(price, MeterPrice)
        )
    )
