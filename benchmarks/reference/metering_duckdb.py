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


UNIQUE_SQL = """
    SELECT subscriptions.subscription_id, count(DISTINCT user_id) AS users
    FROM read_parquet(?) AS events JOIN subscriptions USING (company_id) GROUP BY ALL"""


def totals(files: Sequence[Path], companies: int, *, unique: bool = False) -> dict[str, Decimal]:
    """Sum of each quantity over all subscriptions; `unique`: and of each one's number of users."""
    names = [str(path) for path in files]
    with duckdb.connect(config={"memory_limit": "800MB"}) as connection:
        connection.execute(
            "CREATE TABLE subscriptions AS SELECT 'company_' || i AS company_id, 'sub_' || i AS subscription_id "
            "FROM range(?) AS series(i)",
            [companies],
        ).fetchall()
        connection.execute(f"CREATE TABLE usage AS {SQL}", [names]).fetchall()
        row = connection.execute("""
            SELECT sum(calls), sum(tokens), sum(tokens), sum(posts),
                (SELECT sum(peak) FROM (SELECT max(peak) AS peak FROM usage GROUP BY subscription_id)) FROM usage
            """).fetchone()
        users = connection.execute(f"SELECT sum(users) FROM ({UNIQUE_SQL})", [names]).fetchone() if unique else None
    assert row is not None
    found: dict[str, Decimal] = dict(
        zip(("calls", "tokens", "tokens_by_model", "posts", "peak"), map(Decimal, row), strict=True)
    )
    return found if users is None else found | {"users": Decimal(users[0])}
