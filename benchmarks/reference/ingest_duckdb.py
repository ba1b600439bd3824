"""Bare DuckDB: one `COPY` of the same columns, hashes included; nothing is set aside, looked up or committed."""

import sys

import duckdb

_CONTENT = """concat_ws(chr(31), 'api', event_id, event_type, action_name, occurred_at, company_id, user_id,
    subscription_id, session_token, verb, uri, status, duration_ms, api_version, weight, blocked_by, metadata)"""

SQL = f"""
COPY (
    SELECT *, CAST(occurred_at AS DATE) AS occurred_on, now() AS received_at, current_date AS received_on,
        'api' AS source, ? AS file, row_number() OVER () AS line, 1 AS record, NULL AS route, NULL AS request_size,
        NULL AS response_size,
        CAST(md5_number(concat_ws(chr(31), 'api', event_id)) & 9223372036854775807 AS BIGINT) AS identity_hash,
        CAST(md5_number({_CONTENT}) & 9223372036854775807 AS BIGINT) AS content_hash
    FROM (SELECT transaction_id AS event_id,
        CASE WHEN request.verb IS NULL AND action_name IS NOT NULL THEN 'action' ELSE 'api_call' END AS event_type,
        action_name, CAST(request.time AS TIMESTAMPTZ) AS occurred_at, company_id, user_id, subscription_id,
        sha256(session_token) AS session_token, request.verb AS verb,
        regexp_replace(request.uri, '=[^&#]*', '=', 'g') AS uri, CAST(response.status AS INTEGER) AS status,
        date_sub('millisecond', CAST(request.time AS TIMESTAMPTZ), CAST(response.time AS TIMESTAMPTZ)) AS duration_ms,
        request.api_version AS api_version, coalesce(CAST(weight AS BIGINT), 1) AS weight, blocked_by,
        CAST(metadata AS VARCHAR) AS metadata
    FROM read_json(?, format = 'newline_delimited', columns = {{
        transaction_id: 'VARCHAR', action_name: 'VARCHAR', company_id: 'VARCHAR', user_id: 'VARCHAR',
        subscription_id: 'VARCHAR', session_token: 'VARCHAR', weight: 'VARCHAR', blocked_by: 'VARCHAR',
        metadata: 'JSON', request: 'STRUCT(time VARCHAR, verb VARCHAR, uri VARCHAR, api_version VARCHAR)',
        response: 'STRUCT(time VARCHAR, status VARCHAR)'}}))
) TO '{{target}}' (FORMAT parquet, COMPRESSION zstd)"""


def main(source: str, target: str) -> None:
    """Copy `source` (NDJSON) to `target` (Parquet)."""
    with duckdb.connect(config={"memory_limit": "800MB"}) as connection:
        connection.execute("SET TimeZone = 'UTC'").fetchall()
        connection.execute(SQL.replace("{target}", target), [source, source]).fetchall()


if __name__ == "__main__":
    main(*sys.argv[1:])
