"""A working folder whose `events` hold a month, put there without ingest, for benchmarks of what comes after."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from monetization_pipeline.customers.changes import change_of
from monetization_pipeline.customers.merge import merge_changes
from monetization_pipeline.customers.models import EntityKind
from monetization_pipeline.datasets import COMPANIES, EVENTS, RAW_EVENTS, SUBSCRIPTIONS, USERS, WHOLE
from monetization_pipeline.engines.address import Address
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.ingest_log import IngestedFile, TouchedDay
from monetization_pipeline.lake.listing import add_to_log, read_log
from monetization_pipeline.lake.rows import fingerprint_of, write_rows
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.netting.copies import BY_SUBSCRIPTION, BY_USER
from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.road import row_of

FIRST_DAY = date(2025, 6, 1)
DAYS = 30
MONTH = "2025-06"
MONTH_DAYS = tuple(FIRST_DAY + timedelta(days=index) for index in range(DAYS))
_NUMBERED_FROM = date(2020, 1, 1)

_METERS = """
meters:
  - {meter_id: calls, event_type: api_call, filter: "status < 400", aggregation: count}
  - {meter_id: tokens, aggregation: sum, value: metadata.tokens}
  - {meter_id: tokens_by_model, aggregation: sum, value: metadata.tokens, dimensions: [metadata.model]}
  - {meter_id: peak, aggregation: max, value: metadata.tokens}
  - {meter_id: posts, event_type: api_call, filter: "verb = 'POST' and route like '/v1/%'", aggregation: count}
"""
_UNIQUE_METER = "  - {meter_id: users, aggregation: unique_count, value: user_id}"
_PLANS = """
plans:
  - plan_id: payg
    currency: USD
    interval: month
    prices:
      - {price_id: p_calls, meter: calls, model: per_unit, unit_amount: "0.001"}
      - {price_id: p_tokens, meter: tokens, model: per_unit, unit_amount: "0.000002"}
      - {price_id: p_model, meter: tokens_by_model, model: per_unit, unit_amount: "0.000001",
         group_by: [metadata.model]}
      - {price_id: p_peak, meter: peak, model: per_unit, unit_amount: "0.01"}
      - {price_id: p_posts, meter: posts, model: per_unit, unit_amount: "0.0005"}
"""
_UNIQUE_PRICE = '      - {price_id: p_users, meter: users, model: per_unit, unit_amount: "0.05"}'

# Parameters: start, first number, events, companies, skewed.
_DAY = """
    SELECT md5((i * 7919)::VARCHAR) AS event_id, 'api_call' AS event_type, NULL AS action_name,
        $1 + to_microseconds(CAST((i - $2) * 86400000000 // $3 AS BIGINT)) AS occurred_at,
        'company_' || CASE WHEN $5 AND i % 10 < 9 THEN 0 ELSE hash(i) % $4 END AS company_id,
        'user_' || (i % 40000) AS user_id, NULL AS subscription_id, NULL AS session_token,
        CASE WHEN i % 5 = 0 THEN 'POST' ELSE 'GET' END AS verb, '/v1/items/' || (i % 5000) AS uri,
        '/v1/items' AS route, CASE WHEN i % 50 = 0 THEN 500 ELSE 200 END AS status, 35 AS duration_ms,
        NULL AS request_size, NULL AS response_size, NULL AS api_version, 1 AS weight, NULL AS blocked_by,
        '{"tokens":' || (i % 4000) || ',"model":"' || ['small', 'medium', 'large'][i % 3 + 1] || '"}' AS metadata,
        NULL AS direction, '{}' AS unreadable,
        $1 AS received_at, 'api' AS source, 'bench' AS file, i AS line, 1 AS record,
        CAST(hash(i) >> 1 AS BIGINT) AS identity_hash, CAST(hash(i) >> 1 AS BIGINT) AS content_hash,
        CAST($1 AT TIME ZONE 'UTC' AS DATE) AS occurred_on
    FROM range($2, $2 + $3) AS series(i)"""


def make_month(
    root: Path, events: int, companies: int = 15_000, *, skewed: bool = False, raw: bool = False
) -> Pipeline:
    """A working folder with `events` events over June 2025, one subscription for each company.

    `skewed`: nine tenths of the events are one company's. `raw`: their raw events are there as well.
    """
    pipeline = pipeline_of(Settings(root))
    write_catalog(pipeline)
    add_customers(pipeline, companies)
    add_days(pipeline, MONTH_DAYS, Density(events // DAYS, companies, skewed=skewed), raw=raw)
    return pipeline


def write_catalog(pipeline: Pipeline, *, unique: bool = False) -> None:
    """Five meters and their prices; `unique`: and a sixth that counts users."""
    parts = (_METERS, _UNIQUE_METER, _PLANS, _UNIQUE_PRICE) if unique else (_METERS, _PLANS)
    pipeline.home.catalog.mkdir(parents=True, exist_ok=True)
    (pipeline.home.catalog / "catalog.yaml").write_text("".join(parts))


@dataclass(frozen=True, slots=True)
class Density:
    """Events of each day, and the companies that they are of; `skewed`: nine tenths are one company's."""

    events: int
    companies: int
    skewed: bool = False


def keys(days: Iterable[date]) -> list[str]:
    """Days as partitions are named."""
    return [day.isoformat() for day in days]


def add_days(pipeline: Pipeline, days: Sequence[date], density: Density, *, raw: bool) -> None:
    """Events of some days, each received on that day, in commits of its own; `raw`: and their raw events."""
    with pipeline.engine.session() as session:
        for day in days:
            _add_day(pipeline, session, day, density, raw=raw)


def _add_day(pipeline: Pipeline, session: Session, day: date, density: Density, *, raw: bool) -> None:
    table, events = pipeline.lake.table(EVENTS), density.events
    claim = table.claim([day.isoformat()])
    address = table.new_path(day.isoformat())
    start = datetime.combine(day, datetime.min.time(), UTC)
    columns = ", ".join(f'"{name}"' for name in EVENTS.schema.names)
    session.run(
        f"COPY (SELECT {columns} FROM ({_DAY}) ORDER BY company_id) TO '{address}' (FORMAT parquet, COMPRESSION zstd)",
        [start, (day - _NUMBERED_FROM).days * events, events, density.companies, density.skewed],
    )
    fingerprint = fingerprint_of(session, EVENTS, [address])
    facts = {BY_SUBSCRIPTION: 0, BY_USER: 0}
    inputs = {"raw_events": fingerprint}
    state = PartitionState(
        fingerprint, events, inputs=inputs, code_version=row_of(EVENTS.name).code_version, facts=facts
    )
    table.replace(claim, [NewFile(address, day.isoformat(), events)], {day.isoformat(): state})
    batch_id = f"{day:%Y%m%d}bench"
    if raw:
        _add_raw(pipeline, session, day, batch_id, address)
    touched = (TouchedDay(day, events, fingerprint),)
    file = IngestedFile("api", fingerprint, day.isoformat(), start, batch_id, raw_events=events, days=touched)
    add_to_log(pipeline.lake, read_log(pipeline.lake), [file])


def _add_raw(pipeline: Pipeline, session: Session, day: date, batch_id: str, events: Address) -> None:
    table = pipeline.lake.table(RAW_EVENTS)
    address = table.new_path(day.isoformat(), prefix=f"{batch_id}-")
    session.view("events", EVENTS.schema, [events])
    rows = session.write("SELECT *, occurred_on AS received_on FROM events", address, RAW_EVENTS.schema)
    table.append(batch_id, [NewFile(address, day.isoformat(), rows)])


def add_customers(pipeline: Pipeline, companies: int) -> None:
    """One subscription for each company."""
    at = datetime(2025, 1, 1, tzinfo=UTC)
    changes = [
        change_of(
            EntityKind.SUBSCRIPTION,
            {"subscription_id": f"sub_{index}", "company_id": f"company_{index}", "plan_id": "payg"},
            received_at=at,
            source="customers",
            file="bench",
            line=index + 1,
        )
        for index in range(companies)
    ]
    merged = merge_changes(changes)
    for spec, entities in ((COMPANIES, merged.companies), (USERS, merged.users), (SUBSCRIPTIONS, merged.subscriptions)):
        table = pipeline.lake.table(spec)
        claim = table.claim()
        address = table.new_path()
        write_rows(spec, [{name: getattr(entity, name) for name in spec.schema.names} for entity in entities], address)
        table.replace(claim, [NewFile(address, WHOLE, len(entities))], {WHOLE: PartitionState("", len(entities))})
