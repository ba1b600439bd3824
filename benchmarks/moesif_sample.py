"""Moesif-shaped events for benchmarks: deterministic, made by DuckDB in seconds."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from monetization_pipeline.steps.pipeline import Pipeline

_EVENTS = """
    SELECT {
        request: {
            time: strftime($start + to_microseconds((i - $first) * $step), '%Y-%m-%dT%H:%M:%S.%g') || 'Z',
            uri: 'https://api.example.test/v1/items/' || (i % 5000) || '?page=' || (i % 90),
            verb: CASE WHEN i % 5 = 0 THEN 'POST' ELSE 'GET' END,
            headers: {
                "Host": 'api.example.test', "Accept": 'application/json, text/plain, */*',
                "User-Agent": 'python-requests/2.34.2', "X-Request-Id": md5(i::VARCHAR)},
            ip_address: '10.' || (i % 200) || '.0.' || (i % 251)},
        response: {
            time: strftime($start + to_microseconds((i - $first) * $step + 35000), '%Y-%m-%dT%H:%M:%S.%g') || 'Z',
            status: CASE WHEN i % 50 = 0 THEN 500 WHEN i % 33 = 0 THEN 404 ELSE 200 END,
            headers: {"Content-Type": 'application/json; charset=utf-8', "Content-Length": (i % 9000)::VARCHAR}},
        user_id: 'user_' || (i % 40000),
        company_id: 'company_' || (hash(i) % $companies),
        transaction_id: md5((i * 7919)::VARCHAR),
        metadata: {
            tokens: i % 4000, model: ['small', 'medium', 'large'][i % 3 + 1],
            cost: ((i % 977) / 100)::DECIMAL(9,2)::VARCHAR},
        direction: 'Incoming', weight: 1} AS event
    FROM range($first, $first + $events) AS series(i)"""

JUNE = date(2025, 6, 1)


def write_moesif(
    path: Path, events: int, companies: int = 15_000, *, start: date = JUNE, days: int = 30, first: int = 0
) -> None:
    """`events` lines of NDJSON, evenly over some days; those numbered from another `first` have other ids."""
    parameters = {
        "start": datetime.combine(start, datetime.min.time()),
        "first": first,
        "events": events,
        "step": days * 86_400 * 1_000_000 // events,
        "companies": companies,
    }
    with duckdb.connect() as connection:
        lines = f"SELECT CAST(to_json(event) AS VARCHAR) FROM ({_EVENTS})"
        sql = f"COPY ({lines}) TO '{path}' (FORMAT csv, HEADER false, QUOTE '', DELIMITER E'\\x01')"
        connection.execute(sql, parameters)


def declare_source(pipeline: Pipeline) -> None:
    """Declare the source `api` in a working folder."""
    pipeline.home.sources.mkdir(parents=True, exist_ok=True)
    (pipeline.home.sources / "api.yaml").write_text("format: ndjson\nschema: moesif\n")


def land_moesif(pipeline: Pipeline, events: int, companies: int, *, start: date, days: int = 1, first: int) -> None:
    """The same as a file of the source `api` in landing, received now."""
    declare_source(pipeline)
    path = pipeline.home.root / "events.ndjson"
    write_moesif(path, events, companies, start=start, days=days, first=first)
    with path.open("rb") as content:
        pipeline.landing.place("api", path.name, content, datetime.now(UTC))
    path.unlink()
