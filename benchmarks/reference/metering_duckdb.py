"""Bare DuckDB: the five quantities of each subscription and month, straight from the events."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import duckdb

_CALLS = "event_type = 'api_call' AND status < 400 AND blocked_by IS NULL"
_POSTS = "event_type = 'api_call' AND verb = 'POST' AND route LIKE '/v1/%' AND blocked_by IS NULL"

SQL = f"""
    WITH priced AS (
        SELECT subscriptions.subscription_id, events.* EXCLUDE (subscription_id),
            CAST(json_extract_string(metadata, '$.tokens') AS DECIMAL(28,12)) AS tokens,
            json_extract_string(metadata, '$.model') AS model
        FROM read_parquet(?) AS events JOIN subscriptions USING (company_id))
    SELECT subscription_id, model, sum(weight) FILTER ({_CALLS}) AS calls, sum(tokens) AS tokens, max(tokens) AS peak,
        sum(weight) FILTER ({_POSTS}) AS posts
    FROM priced GROUP BY subscription_id, model"""


def totals(files: Sequence[Path], companies: int, memory_limit: str = "800MB") -> dict[str, Decimal]:
    """Sum of each quantity over all subscriptions."""
    with duckdb.connect(config={"memory_limit": memory_limit}) as connection:
        connection.execute(
            "CREATE TABLE subscriptions AS SELECT 'company_' || i AS company_id, 'sub_' || i AS subscription_id "
            "FROM range(?) AS series(i)",
            [companies],
        ).fetchall()
        connection.execute(f"CREATE TABLE usage AS {SQL}", [[str(path) for path in files]]).fetchall()
        row = connection.execute("""
            SELECT sum(calls), sum(tokens), sum(tokens), sum(posts),
                (SELECT sum(peak) FROM (SELECT max(peak) AS peak FROM usage GROUP BY subscription_id)) FROM usage
            """).fetchone()
    assert row is not None
    return dict(zip(("calls", "tokens", "tokens_by_model", "posts", "peak"), map(Decimal, row), strict=True))
