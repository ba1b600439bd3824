"""daily_usage → usage of a billing period: a quantity for each subscription, period, meter, grouping and group."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import pyarrow as pa

from monetization_pipeline.catalog.models import Aggregation, Catalog, pricing_map
from monetization_pipeline.customers.activity import billable
from monetization_pipeline.customers.values import EPOCH
from monetization_pipeline.datasets import DAILY_USAGE, INSTANT, USAGE
from monetization_pipeline.datasets.arrow import named_types
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.rows import fingerprint_of
from monetization_pipeline.lake.state import PartitionState, code_version
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.metering.judged import Inputs
from monetization_pipeline.metering.merge import (
    merged_sql,
    meter_sets,
    month_states_sql,
    named_sets_sql,
    nothing_merged_sql,
    unique_sql,
    usage_sql,
)
from monetization_pipeline.metering.meters import meters_sql
from monetization_pipeline.periods import end_within
from monetization_pipeline.rating.due import usage_periods
from monetization_pipeline.steps import charges
from monetization_pipeline.steps.catalogs import metering_digests
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

CODE_VERSION = code_version(USAGE.name, 2)

_UNIT_SCHEMA = pa.schema(
    [
        ("company_id", pa.string()),
        ("subscription_id", pa.string()),
        ("plan_id", pa.string()),
        ("segment_start", INSTANT),
        ("segment_end", INSTANT),
        ("period_start", INSTANT),
        ("period_end", INSTANT),
        ("meter_id", pa.string()),
        ("grouping", pa.string()),
    ]
)

_SETS_SCHEMA = pa.schema([("named", pa.string()), ("meter_id", pa.string())])


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """What has a usage row in a billing period: one meter and grouping of one subscription's period."""

    company_id: str
    subscription_id: str
    plan_id: str
    segment_start: datetime
    segment_end: datetime | None
    period_start: datetime
    period_end: datetime
    meter_id: str
    grouping: str


def units_of(known: Known, month: str) -> list[Unit]:
    """Every unit of a billing period, in order (rule 16: each has a row, ungrouped ones also without an event)."""
    groupings: dict[str, list[tuple[str, str]]] = {}
    for entry in pricing_map(known.catalog):
        pair = (entry.meter_id, json.dumps(entry.group_by))
        if pair not in groupings.setdefault(entry.plan_id, []):
            groupings[entry.plan_id].append(pair)
    return [
        Unit(
            subscription.company_id,
            subscription.subscription_id,
            subscription.plan_id,
            subscription.start_at or EPOCH,
            end_within(subscription.end_at, period),
            period.start,
            period.end,
            meter_id,
            grouping,
        )
        for subscription in billable(known.customers.subscriptions)
        if subscription.plan_id is not None
        for period in usage_periods(subscription, month, known.customers.zone_of(subscription.company_id))
        for meter_id, grouping in groupings.get(subscription.plan_id, ())
    ]


def expected_states(pipeline: Pipeline, known: Known, months: Sequence[str]) -> Mapping[str, PartitionState]:
    """By billing period: what `usage` would be made from now."""
    return {month: _expected(pipeline, known, month) for month in months}


def _expected(pipeline: Pipeline, known: Known, month: str) -> PartitionState:
    days = pipeline.lake.table(DAILY_USAGE).states()
    inputs = {
        f"daily_usage/{day}": f"{days[day.isoformat()].fingerprint} {_origin(days[day.isoformat()], known.catalog)}"
        for day in known.customers.event_days(month)
        if day.isoformat() in days
    }
    inputs["subscriptions"] = known.months.metered(month)
    return PartitionState("", 0, inputs=inputs, digests=metering_digests(known.catalog), code_version=CODE_VERSION)


def build(pipeline: Pipeline, known: Known, months: Sequence[str]) -> Mapping[str, PartitionState]:
    """Make `usage` of billing periods, one after another. Raises ConcurrentCommitError."""
    return {month: _build(pipeline, known, month) for month in months}


def _build(pipeline: Pipeline, known: Known, month: str) -> PartitionState:
    table = pipeline.lake.table(USAGE)
    claim = table.claim([month])
    expected = _expected(pipeline, known, month)
    units, days = units_of(known, month), known.customers.event_days(month)
    address = table.new_path(month)
    with pipeline.engine.session() as session:
        session.register("units", _unit_table(units))
        merged = _merge(pipeline, session, known, units, days)
        rows = session.write(usage_sql("units", merged, month), address, USAGE.schema)
        fingerprint = fingerprint_of(session, USAGE, [address])
    state = replace(expected, fingerprint=fingerprint, rows=rows)
    table.replace(claim, [NewFile(address, month, rows)], {month: state})
    return state


def _keys(days: Sequence[date]) -> list[str]:
    return [day.isoformat() for day in days]


def _origin(state: PartitionState, catalog: Catalog) -> str:
    """What a day's states were made from, where unique counts (which read the events themselves) depend on it."""
    if all(meter.aggregation is not Aggregation.UNIQUE_COUNT for meter in catalog.meters):
        return ""
    return hashlib.sha256(json.dumps(state.inputs, sort_keys=True).encode()).hexdigest()


def _merge(pipeline: Pipeline, session: Session, known: Known, units: Sequence[Unit], days: Sequence[date]) -> str:
    """Make `merged`, quantity and events of each group; a statement a meter and grouping, to bound the memory."""
    pairs = sorted({(unit.meter_id, unit.grouping) for unit in units})
    latest = any(meter.aggregation is Aggregation.LATEST for meter in known.catalog.meters)
    session.view("daily_usage", DAILY_USAGE.schema, pipeline.lake.table(DAILY_USAGE).files(_keys(days)))
    session.keep("month_states", month_states_sql("daily_usage", latest=latest))
    texts = [text for (text,) in session.rows(named_sets_sql("month_states"))]
    session.register("meter_sets", _sets_table(meter_sets(texts)))
    session.keep("merged", nothing_merged_sql("daily_usage"))
    events: Inputs | None = None
    for meter_id, grouping in pairs:
        aggregation, names = _aggregation(known, meter_id), json.loads(grouping)
        if aggregation is Aggregation.UNIQUE_COUNT:
            events = events or _events(pipeline, session, known, days)
            sql = unique_sql(events, _position(known, meter_id), names)
        else:
            sql = merged_sql(meter_id, aggregation, names, "month_states", "meter_sets")
        session.append("merged", sql)
    return "merged"


def _events(pipeline: Pipeline, session: Session, known: Known, days: Sequence[date]) -> Inputs:
    meters = meters_sql(known.catalog)
    payers = charges.register(session, known, charges.window_of(days))
    return charges.open_events(pipeline, session, meters, payers, _keys(days))


def _position(known: Known, meter_id: str) -> int:
    return [meter.meter_id for meter in known.catalog.meters].index(meter_id)


def _sets_table(rows: Sequence[tuple[str, str]]) -> pa.Table:
    return pa.Table.from_pylist([{"named": text, "meter_id": meter_id} for text, meter_id in rows], _SETS_SCHEMA)


def _aggregation(known: Known, meter_id: str) -> Aggregation:
    return next(meter.aggregation for meter in known.catalog.meters if meter.meter_id == meter_id)


def _unit_table(units: Sequence[Unit]) -> pa.Table:
    return pa.table(
        {name: pa.array([getattr(unit, name) for unit in units], kind) for name, kind in named_types(_UNIT_SCHEMA)},
        schema=_UNIT_SCHEMA,
    )
