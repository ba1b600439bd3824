"""Companies, users and subscriptions read from the lake."""

from collections.abc import Mapping

from monetization_pipeline.customers.models import Company, Subscription, User
from monetization_pipeline.datasets import COMPANIES, SUBSCRIPTIONS, USERS
from monetization_pipeline.lake.disk import read
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.rows import read_rows


def current_companies(lake: Lake) -> Mapping[str, Company]:
    """The current record of each company, by its id."""
    rows = read_rows(lake.table(COMPANIES).files())
    return {row["company_id"]: Company(**row) for row in rows if row["valid_to"] is None}


def read_users(lake: Lake) -> list[User]:
    """Current and earlier versions of all users."""
    return [User(**row) for row in read_rows(lake.table(USERS).files())]


def read_subscriptions(lake: Lake) -> list[Subscription]:
    """Current and earlier versions of all subscriptions."""
    return [Subscription(**row) for row in read_rows(lake.table(SUBSCRIPTIONS).files())]


def company_zones(lake: Lake) -> Mapping[str, str]:
    """The zone of each company that has one of its own: that of its current record, which holds for all time."""
    zones: dict[str, str] = {}
    for file in lake.table(COMPANIES).files():
        rows = read(file, ["company_id", "time_zone", "valid_to"])
        columns = (rows[name].to_pylist() for name in ("company_id", "time_zone", "valid_to"))
        zones.update({company: zone for company, zone, until in zip(*columns, strict=True) if zone and until is None})
    return zones
