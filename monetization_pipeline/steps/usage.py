"""daily_usage → usage of a billing period: a quantity for each subscription, period, meter, grouping and group."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import pyarrow as pa

from monetization_pipeline.catalog.models import Aggregation, Catalog, pricing_map
from monetization_pipeline.customers.activity import active_span
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.customers.values import EPOCH
from monetization_pipeline.datasets import DAILY_USAGE, INSTANT, USAGE
from monetization_pipeline.engines.base import Session
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.metering.merge import METER_SETS, merged_sql, month_states_sql, unique_sql
from monetization_pipeline.metering.meters import meter_sql
from monetization_pipeline.periods import end_within
from monetization_pipeline.rating.planning import usage_periods
from monetization_pipeline.steps import attribution
from monetization_pipeline.steps.attribution import Attribution
from monetization_pipeline.steps.catalogs import metering_digests
from monetization_pipeline.steps.daily_usage import open_metered
from monetization_pipeline.steps.pipeline import CODE_VERSION, Pipeline
from monetization_pipeline.steps.tables import fingerprint_of

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


def billable(subscriptions: Sequence[Subscription]) -> list[Subscription]:
    """Current subscriptions that can be charged, with the start and end that hold for charging."""
    found: list[Subscription] = []
    for subscription in subscriptions:
        span = active_span(subscription) if subscription.valid_to is None and subscription.plan_id else None
        if span is not None:
            start = None if span.start == EPOCH else span.start
            found.append(replace(subscription, start_at=start, end_at=span.end))
    return sorted(found, key=lambda subscription: subscription.subscription_id)


def units_of(known: Attribution, month: str) -> list[Unit]:
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
        for subscription in billable(known.subscriptions)
        if subscription.plan_id is not None
        for period in usage_periods(subscription, month, known.zone_of(subscription.company_id))
        for meter_id, grouping in groupings.get(subscription.plan_id, ())
    ]


def expected_state(pipeline: Pipeline, known: Attribution, month: str) -> PartitionState:
    """What `usage` of a billing period would be made from now."""
    days = pipeline.lake.table(DAILY_USAGE).states()
    inputs = {
        f"daily_usage/{day}": f"{days[day.isoformat()].fingerprint} {_origin(days[day.isoformat()], known.catalog)}"
        for day in known.event_days(month)
        if day.isoformat() in days
    }
    inputs["subscriptions"] = known.months.metered(month)
    return PartitionState("", 0, inputs=inputs, digests=metering_digests(known.catalog), code_version=CODE_VERSION)


def build(pipeline: Pipeline, known: Attribution, month: str) -> PartitionState:
    """Make `usage` of a billing period. Raises ConcurrentCommitError."""
    table = pipeline.lake.table(USAGE)
    claim = table.claim([month])
    expected = expected_state(pipeline, known, month)
    units, days = units_of(known, month), known.event_days(month)
    path = table.new_path(month)
    with pipeline.engine.session() as session:
        session.register("units", _unit_table(units))
        session.view("daily_usage", DAILY_USAGE.schema, pipeline.lake.table(DAILY_USAGE).files(_keys(days)))
        _merge(pipeline, session, known, units, days)
        rows = session.write(_USAGE.format(month=month), path, USAGE.schema)
        fingerprint = fingerprint_of(session, USAGE, [path])
    state = replace(expected, fingerprint=fingerprint, rows=rows)
    table.replace(claim, [NewFile(path, month, rows)], {month: state})
    return state


def _keys(days: Sequence[date]) -> list[str]:
    return [day.isoformat() for day in days]


def _origin(state: PartitionState, catalog: Catalog) -> str:
    """What a day's states were made from, where unique counts (which read the events themselves) depend on it."""
    if all(meter.aggregation is not Aggregation.UNIQUE_COUNT for meter in catalog.meters):
        return ""
    return hashlib.sha256(json.dumps(state.inputs, sort_keys=True).encode()).hexdigest()


def _merge(
    pipeline: Pipeline, session: Session, known: Attribution, units: Sequence[Unit], days: Sequence[date]
) -> None:
    """Make `merged`: quantity and events of each group; a statement a meter and grouping, to bound the memory."""
    meters = [meter_sql(meter) for meter in known.catalog.meters]
    positions = {meter.meter.meter_id: index for index, meter in enumerate(meters)}
    pairs = sorted({(unit.meter_id, unit.grouping) for unit in units})
    unique = [pair for pair in pairs if _aggregation(known, pair[0]) is Aggregation.UNIQUE_COUNT]
    if unique:
        attribution.register(session, known, attribution.window_of(days))
        open_metered(pipeline, session, meters, _keys(days))
        session.run("""
            CREATE TEMP VIEW charge_keys AS
            SELECT row_no, subscription_id, segment_start, period_start FROM charges""")
    latest = any(meter.aggregation is Aggregation.LATEST for meter in known.catalog.meters)
    session.run(f"CREATE TEMP TABLE month_states AS {month_states_sql(latest=latest)}")
    session.run(f"CREATE TEMP TABLE meter_sets AS {METER_SETS}")
    session.run(f"CREATE TEMP TABLE merged AS {_NOTHING}")
    for meter_id, grouping in pairs:
        names = json.loads(grouping)
        if (meter_id, grouping) in unique:
            sql = unique_sql(meters, positions[meter_id], names)
        else:
            sql = merged_sql(meter_id, _aggregation(known, meter_id), names)
        session.run(f"INSERT INTO merged BY NAME SELECT *, {text_literal(grouping)} AS grouping FROM ({sql})")


def _aggregation(known: Attribution, meter_id: str) -> Aggregation:
    return next(meter.aggregation for meter in known.catalog.meters if meter.meter_id == meter_id)


def _unit_table(units: Sequence[Unit]) -> pa.Table:
    return pa.table(
        {field.name: pa.array([getattr(unit, field.name) for unit in units], field.type) for field in _UNIT_SCHEMA},
        schema=_UNIT_SCHEMA,
    )


_NOTHING = """
    SELECT subscription_id, segment_start, period_start, meters AS meter_id, '{}' AS "group", sum_value AS quantity,
        events, '[]' AS grouping
    FROM daily_usage WHERE false"""

_USAGE = """
    SELECT units.*, coalesce(merged."group", '{{}}') AS "group", coalesce(merged.quantity, 0) AS quantity,
        coalesce(merged.events, 0) AS events, '{month}' AS billing_period
    FROM units LEFT JOIN merged USING (subscription_id, segment_start, period_start, meter_id, grouping)
    WHERE units.grouping = '[]' OR merged.quantity IS NOT NULL
    ORDER BY units.company_id, units.subscription_id, units.period_start, units.meter_id, units.grouping, merged."group"
"""
