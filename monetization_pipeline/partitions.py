"""Dagster's three grids of partitions: received days, event days, billing periods. One time zone for all of them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg

from monetization_pipeline.periods import parse_month

#: Dagster maps days to periods only where both grids have the same zone.
ZONE = "UTC"

_RECEIVED = "r%Y-%m-%d"
_MONTH = "%Y-%m"

#: Which received days an event day is made from is not known before ingest: any of them, for Dagster.
ANY_RECEIVED_DAY = dg.AllPartitionMapping()


@dataclass(frozen=True, slots=True)
class Grids:
    """The three grids. Keys: `r2026-11-22`, `2026-11-22`, `2026-11`; today and this month are in them."""

    received_days: dg.DailyPartitionsDefinition
    event_days: dg.DailyPartitionsDefinition
    billing_periods: dg.MonthlyPartitionsDefinition


def grids_from(first_month: str) -> Grids:
    """The grids that start at a billing period such as `2020-01`. Raises PeriodKeyError."""
    year, month = parse_month(first_month)
    start = datetime(year, month, 1, tzinfo=UTC)
    return Grids(
        dg.DailyPartitionsDefinition(f"{start:{_RECEIVED}}", timezone=ZONE, fmt=_RECEIVED, end_offset=1),
        dg.DailyPartitionsDefinition(f"{start:%Y-%m-%d}", timezone=ZONE, end_offset=1),
        dg.MonthlyPartitionsDefinition(f"{start:{_MONTH}}", timezone=ZONE, fmt=_MONTH, end_offset=1),
    )


def days_of_period() -> dg.TimeWindowPartitionMapping:
    """Event days → billing period. An open period has days still to come; without the flag it could not be made."""
    return dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)


def received_key(day: date) -> str:
    """The partition key of a received day; the `r` keeps anybody from taking it for an event day."""
    return f"{day:{_RECEIVED}}"


def received_day(key: str) -> date:
    """The inverse of `received_key`."""
    return date.fromisoformat(key.removeprefix("r"))


def event_key(day: date) -> str:
    """The partition key of an event day."""
    return day.isoformat()


def event_day(key: str) -> date:
    """The inverse of `event_key`."""
    return date.fromisoformat(key)
