"""A working folder whose `events` hold a month, put there without ingest, for benchmarks of what comes after."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from monetization_pipeline.customers.changes import change_of
from monetization_pipeline.customers.merge import merge_changes
from monetization_pipeline.customers.models import EntityKind
from monetization_pipeline.datasets import COMPANIES, EVENTS, SUBSCRIPTIONS, USERS, WHOLE
from monetization_pipeline.lake.ingest_log import IngestedFile, TouchedDay, add_to_log, read_log
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.steps.events import BY_SUBSCRIPTION, BY_USER
from monetization_pipeline.steps.pipeline import Home, Pipeline
from monetization_pipeline.steps.tables import fingerprint_of, write_rows

FIRST_DAY = date(2025, 6, 1)
DAYS = 30
MONTH = "2025-06"

CATALOG = """
meters:
  - {meter_id: calls, event_type: api_call, filter: "status < 400", aggregation: count}
  - {meter_id: tokens, aggregation: sum, value: metadata.tokens}
  - {meter_id: tokens_by_model, aggregation: sum, value: metadata.tokens, dimensions: [metadata.model]}
  - {meter_id: peak, aggregation: max, value: metadata.tokens}
  - {meter_id: posts, event_type: api_call, filter: "verb = 'POST' and route like '/v1/%'", aggregation: count}
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

_DAY = """
    SELECT md5((i * 7919)::VARCHAR) AS event_id, 'api_call' AS event_type, NULL AS action_name,
        $start + to_microseconds(CAST((i - $first) * 86400000000 // $events AS BIGINT)) AS occurred_at,
        'company_' || CASE WHEN $skewed AND i % 10 < 9 THEN 0 ELSE hash(i) % $companies END AS company_id,
        'user_' || (i % 40000) AS user_id, NULL AS subscription_id, NULL AS session_token,
        CASE WHEN i % 5 = 0 THEN 'POST' ELSE 'GET' END AS verb, '/v1/items/' || (i % 5000) AS uri,
        '/v1/items' AS route, CASE WHEN i % 50 = 0 THEN 500 ELSE 200 END AS status, 35 AS duration_ms,
        NULL AS request_size, NULL AS response_size, NULL AS api_version, 1 AS weight, NULL AS blocked_by,
        '{"tokens":' || (i % 4000) || ',"model":"' || ['small', 'medium', 'large'][i % 3 + 1] || '"}' AS metadata,
        $start AS received_at, 'api' AS source, 'bench' AS file, i AS line, 1 AS record,
        CAST(hash(i) >> 1 AS BIGINT) AS identity_hash, CAST(hash(i) >> 1 AS BIGINT) AS content_hash,
        CAST($start AT TIME ZONE 'UTC' AS DATE) AS occurred_on
    FROM range($first, $first + $events) AS series(i)"""


def make_month(root: Path, events: int, companies: int = 15_000, *, skewed: bool = False) -> Pipeline:
    """A working folder with `events` events over June 2025, one subscription for each company."""
    (root / "catalog").mkdir(parents=True)
    (root / "catalog" / "catalog.yaml").write_text(CATALOG)
    pipeline = Pipeline(Home(root))
    _add_customers(pipeline, companies)
    for index in range(DAYS):
        _add_day(pipeline, FIRST_DAY + timedelta(days=index), events // DAYS, companies, skewed=skewed)
    return pipeline


def _add_day(pipeline: Pipeline, day: date, events: int, companies: int, *, skewed: bool) -> None:
    table = pipeline.lake.table(EVENTS)
    claim = table.claim([day.isoformat()])
    path = table.new_path(day.isoformat())
    start = datetime.combine(day, datetime.min.time(), UTC)
    parameters = {
        "start": start,
        "first": (day - FIRST_DAY).days * events,
        "events": events,
        "companies": companies,
        "skewed": skewed,
    }
    columns = ", ".join(f'"{name}"' for name in EVENTS.schema.names)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'").fetchall()
        connection.execute(
            f"COPY (SELECT {columns} FROM ({_DAY}) ORDER BY company_id) TO '{path}' (FORMAT parquet, COMPRESSION zstd)",
            parameters,
        ).fetchall()
    with pipeline.engine.session() as session:
        fingerprint = fingerprint_of(session, EVENTS, [path])
    facts = {BY_SUBSCRIPTION: 0, BY_USER: 0}
    state = PartitionState(fingerprint, events, inputs={"raw_events": fingerprint}, code_version="1", facts=facts)
    table.replace(claim, [NewFile(path, day.isoformat(), events)], {day.isoformat(): state})
    touched = (TouchedDay(day, events, fingerprint),)
    file = IngestedFile("api", fingerprint, day.isoformat(), start, "bench", raw_events=events, days=touched)
    add_to_log(pipeline.lake, read_log(pipeline.lake), [file])


def _add_customers(pipeline: Pipeline, companies: int) -> None:
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
        path = table.new_path()
        write_rows(spec, [{name: getattr(entity, name) for name in spec.schema.names} for entity in entities], path)
        table.replace(claim, [NewFile(path, WHOLE, len(entities))], {WHOLE: PartitionState("", len(entities))})
