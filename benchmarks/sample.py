"""Moesif-shaped events for benchmarks: deterministic, made by DuckDB in seconds."""

from pathlib import Path

import duckdb

_EVENTS = """
    SELECT {
        request: {
            time: strftime(TIMESTAMP '2025-06-01' + to_microseconds(i * $step), '%Y-%m-%dT%H:%M:%S.%g') || 'Z',
            uri: 'https://api.example.test/v1/items/' || (i % 5000) || '?page=' || (i % 90),
            verb: CASE WHEN i % 5 = 0 THEN 'POST' ELSE 'GET' END,
            headers: {
                "Host": 'api.example.test', "Accept": 'application/json, text/plain, */*',
                "User-Agent": 'python-requests/2.34.2', "X-Request-Id": md5(i::VARCHAR)},
            ip_address: '10.' || (i % 200) || '.0.' || (i % 251)},
        response: {
            time: strftime(TIMESTAMP '2025-06-01' + to_microseconds(i * $step + 35000), '%Y-%m-%dT%H:%M:%S.%g') || 'Z',
            status: CASE WHEN i % 50 = 0 THEN 500 WHEN i % 33 = 0 THEN 404 ELSE 200 END,
            headers: {"Content-Type": 'application/json; charset=utf-8', "Content-Length": (i % 9000)::VARCHAR}},
        user_id: 'user_' || (i % 40000),
        company_id: CASE WHEN i % 10 < 9 AND $skewed THEN 'company_0' ELSE 'company_' || (hash(i) % $companies) END,
        transaction_id: md5((i * 7919)::VARCHAR),
        metadata: {
            tokens: i % 4000, model: ['small', 'medium', 'large'][i % 3 + 1],
            cost: ((i % 977) / 100)::DECIMAL(9,2)::VARCHAR},
        direction: 'Incoming', weight: 1} AS event
    FROM range($events) AS series(i)"""


def write_moesif(path: Path, events: int, companies: int = 15_000, *, skewed: bool = False) -> None:
    """`events` lines of NDJSON over 30 days; `skewed`: nine tenths of them are one company's."""
    step = 30 * 86_400 * 1_000_000 // events
    parameters = {"events": events, "step": step, "companies": companies, "skewed": skewed}
    with duckdb.connect() as connection:
        lines = f"SELECT CAST(to_json(event) AS VARCHAR) FROM ({_EVENTS})"
        sql = f"COPY ({lines}) TO '{path}' (FORMAT csv, HEADER false, QUOTE '', DELIMITER E'\\x01')"
        connection.execute(sql, parameters)
