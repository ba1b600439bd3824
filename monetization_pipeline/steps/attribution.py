"""Who is charged what when, as relations of a session: what daily_usage joins events with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import pyarrow as pa

from monetization_pipeline.catalog.models import Catalog, pricing_map
from monetization_pipeline.customers.attribution import Charging, charging, user_companies
from monetization_pipeline.customers.models import Subscription, User
from monetization_pipeline.customers.terms import (
    subscription_terms,
    term_fingerprints,
    user_terms,
    whole_fingerprint,
)
from monetization_pipeline.datasets import INSTANT
from monetization_pipeline.engines.base import Session
from monetization_pipeline.metering.charged import mask_columns, mask_values
from monetization_pipeline.periods import Period, days_of_month, local_days
from monetization_pipeline.steps.customers import read_subscriptions, read_users
from monetization_pipeline.steps.month_terms import MonthTerms
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.zones import company_zones

_EVER, _NEVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)

_CHARGE_COLUMNS = (
    ("company_id", pa.string()),
    ("zone", pa.string()),
    ("subscription_id", pa.string()),
    ("plan_id", pa.string()),
    ("segment_start", INSTANT),
    ("segment_end", INSTANT),
    ("period_start", INSTANT),
    ("period_end", INSTANT),
    ("from_at", INSTANT),
    ("to_at", INSTANT),
)
_ZONE_DAYS = pa.schema(
    [
        ("zone", pa.string()),
        ("usage_on", pa.date32()),
        ("from_at", INSTANT),
        ("to_at", INSTANT),
    ]
)
#: Sets of meters of a piece, as `_sets_of` gives them.
_SETS = ("priced", "charged", "company", "ambiguous")


@dataclass(frozen=True)
class Attribution:
    """What is known of customers, as far as it decides who is charged."""

    catalog: Catalog
    subscriptions: Sequence[Subscription]
    users: Sequence[User]
    zones: Mapping[str, str]
    seller_zone: str

    @classmethod
    def read(cls, pipeline: Pipeline, catalog: Catalog) -> "Attribution":
        """From the lake."""
        subscriptions, users = read_subscriptions(pipeline), read_users(pipeline)
        return cls(catalog, subscriptions, users, company_zones(pipeline), pipeline.seller.zone)

    def zone_of(self, company_id: str) -> str:
        """The zone of a company's months and days: its own, else the seller's (rule 1)."""
        return self.zones.get(company_id, self.seller_zone)

    @cached_property
    def months(self) -> MonthTerms:
        """What subscriptions say in each billing month."""
        return MonthTerms(self.subscriptions, self.catalog, self.zone_of)

    def event_days(self, month: str) -> list[date]:
        """The event days (UTC) that a billing period spans in the zones in use (see `zones.event_days`)."""
        return days_of_month({*self.zones.values(), self.seller_zone}, month)

    def charges(self, window: Period) -> list[Charging]:
        """Charging rows of a window."""
        return charging(self.subscriptions, pricing_map(self.catalog), window, self.zone_of)


def window_of(days: Sequence[date]) -> Period:
    """The UTC time from the first day's start to the last day's end."""
    first, last = min(days), max(days)
    return Period(datetime.combine(first, time.min, UTC), datetime.combine(last + timedelta(days=1), time.min, UTC))


def register(session: Session, attribution: Attribution, window: Period) -> None:
    """Make the relations of customers that `metering.charged` and `metering.daily` read, for a window."""
    rows = attribution.charges(window)
    session.register("charging_rows", _charging_table(rows))
    session.register("charging_sets", _sets_table(rows, [meter.meter_id for meter in attribution.catalog.meters]))
    session.run("""
        CREATE TEMP TABLE charges AS
        SELECT * EXCLUDE (set_no) FROM charging_rows JOIN charging_sets USING (set_no)""")
    session.register("zone_days", _zone_days({row.zone for row in rows}, window))
    session.run(_CUTS, [window.start, window.end])
    users = [
        {
            "user_id": row.user_id,
            "company_id": row.company_id,
            "from_at": row.from_at or _EVER,
            "to_at": row.to_at or _NEVER,
        }
        for row in user_companies(attribution.users, window)
    ]
    schema = pa.schema(
        [("user_id", pa.string()), ("company_id", pa.string()), ("from_at", INSTANT), ("to_at", INSTANT)]
    )
    session.register("user_companies", pa.Table.from_pylist(users, schema))
    current = [
        {"subscription_id": row.subscription_id, "company_id": row.company_id}
        for row in attribution.subscriptions
        if row.valid_to is None
    ]
    schema = pa.schema([("subscription_id", pa.string()), ("company_id", pa.string())])
    session.register("subscription_companies", pa.Table.from_pylist(current, schema))


def day_windows(days: Sequence[date]) -> list[Period]:
    """The UTC time of each day, in order."""
    return [window_of([day]) for day in sorted(days)]


def charge_fingerprints(known: Attribution, days: Sequence[date]) -> Mapping[date, str]:
    """By UTC day: what of the subscriptions decides who is charged for what on that day."""
    plans = {entry.plan_id for entry in pricing_map(known.catalog)}
    terms = subscription_terms(known.subscriptions, plans, known.zone_of)
    return dict(zip(sorted(days), term_fingerprints(terms, day_windows(days)), strict=True))


def user_fingerprints(known: Attribution, days: Sequence[date]) -> Mapping[date, str]:
    """By UTC day: which users belong to which companies."""
    return dict(zip(sorted(days), term_fingerprints(user_terms(known.users), day_windows(days)), strict=True))


def subscription_fingerprint(known: Attribution) -> str:
    """Which company each subscription that an event may name belongs to."""
    return whole_fingerprint(
        (row.subscription_id, row.company_id) for row in known.subscriptions if row.valid_to is None
    )


def _zone_days(zones: Iterable[str], window: Period) -> pa.Table:
    """The local days of each zone."""
    rows = [
        {"zone": zone, "usage_on": usage_on, "from_at": local.start, "to_at": local.end}
        for zone in sorted(zones)
        for usage_on, local in local_days(window, zone)
    ]
    return pa.Table.from_pylist(rows, _ZONE_DAYS)


def _sets_of(row: Charging) -> tuple[frozenset[str], ...]:
    return (row.priced, row.charged, row.company_charged, row.company_ambiguous)


def _charging_table(rows: Sequence[Charging]) -> pa.Table:
    numbers = _set_numbers(rows)
    columns = {name: pa.array([getattr(row, name) for row in rows], kind) for name, kind in _CHARGE_COLUMNS}
    columns["row_no"] = pa.array(range(len(rows)), pa.int32())
    columns["is_first"] = pa.array([row.first for row in rows], pa.bool_())
    columns["set_no"] = pa.array([numbers[_sets_of(row)] for row in rows], pa.int32())
    return pa.table(columns)


def _sets_table(rows: Sequence[Charging], meters: Sequence[str]) -> pa.Table:
    """The sets of meters that pieces have, as masks (see `metering.charged`)."""
    numbers = _set_numbers(rows)
    columns: dict[str, pa.Array] = {"set_no": pa.array(list(numbers.values()), pa.int32())}
    for position, name in enumerate(_SETS):
        masks = [mask_values([meter_id in sets[position] for meter_id in meters]) for sets in numbers]
        for number, column in enumerate(mask_columns(name, len(meters))):
            columns[column] = pa.array([mask[number] for mask in masks], pa.int64())
    return pa.table(columns)


def _set_numbers(rows: Sequence[Charging]) -> dict[tuple[frozenset[str], ...], int]:
    numbers: dict[tuple[frozenset[str], ...], int] = {}
    for row in rows:
        numbers.setdefault(_sets_of(row), len(numbers))
    return numbers


# Midnights of UTC cut nothing: events are grouped by UTC day anyway.
_CUTS = """
    CREATE TEMP TABLE cuts AS
    WITH places AS (SELECT DISTINCT company_id, zone FROM charges),
    bounds AS (
        SELECT company_id, unnest([from_at, to_at]) AS bound FROM charges
        UNION SELECT company_id, from_at FROM places JOIN zone_days USING (zone)),
    inside AS (
        SELECT company_id, bound, date_trunc('day', bound AT TIME ZONE 'UTC') AS day FROM bounds
        WHERE bound > CAST(? AS TIMESTAMPTZ) AND bound < CAST(? AS TIMESTAMPTZ)
            AND bound AT TIME ZONE 'UTC' <> date_trunc('day', bound AT TIME ZONE 'UTC')),
    parts AS (
        SELECT company_id, bound, day FROM inside
        UNION SELECT company_id, day AT TIME ZONE 'UTC', day FROM inside)
    SELECT company_id, bound AS from_at,
        coalesce(lead(bound) OVER (PARTITION BY company_id, day ORDER BY bound),
            (day + INTERVAL 1 DAY) AT TIME ZONE 'UTC') AS to_at
    FROM parts"""
