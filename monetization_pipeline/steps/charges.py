"""Who is charged what when, as relations of a session: what daily_usage joins events with."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa

from monetization_pipeline.catalog.models import pricing_map
from monetization_pipeline.customers.attribution import Charging, user_companies
from monetization_pipeline.customers.terms import (
    subscription_terms,
    term_fingerprints,
    user_terms,
    whole_fingerprint,
)
from monetization_pipeline.datasets import EVENTS, INSTANT
from monetization_pipeline.datasets.arrow import ArrowArray
from monetization_pipeline.engines.base import Session
from monetization_pipeline.metering.charged import mask_columns, mask_values
from monetization_pipeline.metering.judged import Inputs
from monetization_pipeline.metering.meters import MeterSql
from monetization_pipeline.metering.payers import Payers, charges_sql, cuts_sql
from monetization_pipeline.netting import copies
from monetization_pipeline.periods import Period, local_days
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

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

_USERS = pa.schema([("user_id", pa.string()), ("company_id", pa.string()), ("from_at", INSTANT), ("to_at", INSTANT)])
_SUBSCRIPTIONS = pa.schema([("subscription_id", pa.string()), ("company_id", pa.string())])

#: Sets of meters of a piece, as `_sets_of` gives them.
_SETS = ("priced", "charged", "company", "ambiguous")


def window_of(days: Sequence[date]) -> Period:
    """The UTC time from the first day's start to the last day's end."""
    first, last = min(days), max(days)
    return Period(datetime.combine(first, time.min, UTC), datetime.combine(last + timedelta(days=1), time.min, UTC))


def register(session: Session, known: Known, window: Period) -> Payers:
    """Make the relations that say who pays for what in a window."""
    made = Payers("charges", "cuts", "zone_days", "user_companies", "subscription_companies")
    rows = known.charges(window)
    session.register("charging_rows", _charging_table(rows))
    session.register("charging_sets", _sets_table(rows, [meter.meter_id for meter in known.catalog.meters]))
    session.keep(made.charges, charges_sql("charging_rows", "charging_sets"))
    session.register(made.zone_days, _zone_days({row.zone for row in rows}, window))
    session.keep(made.cuts, cuts_sql(made.charges, made.zone_days), [window.start, window.end])
    session.register(made.user_companies, _user_table(known, window))
    session.register(made.subscription_companies, _subscription_table(known))
    return made


def open_events(
    pipeline: Pipeline, session: Session, meters: Sequence[MeterSql], payers: Payers, keys: Sequence[str]
) -> Inputs:
    """Make the events of some days readable, to be metered."""
    table = pipeline.lake.table(EVENTS)
    session.view("events", EVENTS.schema, table.files(keys))
    facts = [state.facts for key in keys if (state := table.state(key)) is not None]
    complete = all(fact.get(name) == 0 for fact in facts for name in (copies.BY_USER, copies.BY_SUBSCRIPTION))
    return Inputs(meters, "events", payers, complete)


def day_windows(days: Sequence[date]) -> list[Period]:
    """The UTC time of each day, in order."""
    return [window_of([day]) for day in sorted(days)]


def charge_fingerprints(known: Known, days: Sequence[date]) -> Mapping[date, str]:
    """By UTC day: what of the subscriptions decides who is charged for what on that day."""
    plans = {entry.plan_id for entry in pricing_map(known.catalog)}
    terms = subscription_terms(known.customers.subscriptions, plans, known.customers.zone_of)
    return dict(zip(sorted(days), term_fingerprints(terms, day_windows(days)), strict=True))


def user_fingerprints(known: Known, days: Sequence[date]) -> Mapping[date, str]:
    """By UTC day: which users belong to which companies."""
    return dict(zip(sorted(days), term_fingerprints(user_terms(known.customers.users), day_windows(days)), strict=True))


def subscription_fingerprint(known: Known) -> str:
    """Which company each subscription that an event may name belongs to."""
    return whole_fingerprint(
        (row.subscription_id, row.company_id) for row in known.customers.subscriptions if row.valid_to is None
    )


def _zone_days(zones: Iterable[str], window: Period) -> pa.Table:
    """The local days of each zone."""
    rows = [
        {"zone": zone, "usage_on": usage_on, "from_at": local.start, "to_at": local.end}
        for zone in sorted(zones)
        for usage_on, local in local_days(window, zone)
    ]
    return pa.Table.from_pylist(rows, _ZONE_DAYS)


def _user_table(known: Known, window: Period) -> pa.Table:
    rows = [
        {
            "user_id": row.user_id,
            "company_id": row.company_id,
            "from_at": row.from_at or _EVER,
            "to_at": row.to_at or _NEVER,
        }
        for row in user_companies(known.customers.users, window)
    ]
    return pa.Table.from_pylist(rows, _USERS)


def _subscription_table(known: Known) -> pa.Table:
    rows = [
        {"subscription_id": row.subscription_id, "company_id": row.company_id}
        for row in known.customers.subscriptions
        if row.valid_to is None
    ]
    return pa.Table.from_pylist(rows, _SUBSCRIPTIONS)


def _sets_of(row: Charging) -> tuple[frozenset[str], ...]:
    return (row.priced, row.charged, row.company_charged, row.company_ambiguous)


def _charging_table(rows: Sequence[Charging]) -> pa.Table:
    numbers = _set_numbers(rows)
    columns: dict[str, ArrowArray] = {
        name: pa.array([getattr(row, name) for row in rows], kind) for name, kind in _CHARGE_COLUMNS
    }
    columns["row_no"] = pa.array(range(len(rows)), pa.int32())
    columns["is_first"] = pa.array([row.first for row in rows], pa.bool_())
    columns["set_no"] = pa.array([numbers[_sets_of(row)] for row in rows], pa.int32())
    return pa.table(columns)


def _sets_table(rows: Sequence[Charging], meters: Sequence[str]) -> pa.Table:
    """The sets of meters that pieces have, as masks (see `metering.charged`)."""
    numbers = _set_numbers(rows)
    columns: dict[str, ArrowArray] = {"set_no": pa.array(list(numbers.values()), pa.int32())}
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
