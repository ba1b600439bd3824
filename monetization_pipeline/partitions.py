"""Dagster's three grids of partitions: received days, event days, billing periods. One time zone for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg

from monetization_pipeline.periods import parse_month
from monetization_pipeline.steps.road import Grid

#: Dagster maps days to periods only where both grids have the same zone.
ZONE = "UTC"

#: Event days, or received days, that one run makes at most, of a backfill too.
DAYS_AT_ONCE = 31

#: Tags by which Dagster knows the first and the last of several partitions that one run makes; it has no public names.
RANGE_START_TAG, RANGE_END_TAG = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

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


def partitions_of(grid: Grid, grids: Grids) -> dg.PartitionsDefinition | None:
    """The partitions of a grid as Dagster knows them."""
    return {
        Grid.RECEIVED_DAYS: grids.received_days,
        Grid.WHOLE: None,
        Grid.EVENT_DAYS: grids.event_days,
        Grid.BILLING_PERIODS: grids.billing_periods,
    }[grid]


def range_tags(keys: Sequence[str]) -> Mapping[str, str]:
    """Tags of a run for several consecutive partition keys; none where there is one key, or none."""
    return {RANGE_START_TAG: keys[0], RANGE_END_TAG: keys[-1]} if len(keys) > 1 else {}


def days_of_period() -> dg.TimeWindowPartitionMapping:
    """Event days → billing period. An open period has days still to come; without the flag it could not be made."""
    return dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)


def received_key(day: date) -> str:
    """The partition key of a received day; the `r` keeps anybody from taking it for an event day."""
    return f"{day:{_RECEIVED}}"


def received_day(key: str) -> date:
    """The received day of a partition key such as `r2026-11-22`."""
    return date.fromisoformat(key.removeprefix("r"))


def event_key(day: date) -> str:
    """The partition key of an event day."""
    return day.isoformat()


def event_day(key: str) -> date:
    """The event day of a partition key such as `2026-11-22`."""
    return date.fromisoformat(key)
