"""Bare DuckDB: the amounts of five prices as decimals, exact and rounded to cents; without ids, words or hashes."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

_SQL = """
    SELECT *, CAST(round(exact_amount, 2) AS DECIMAL(38, 2)) AS amount FROM (
        SELECT company_id, subscription_id, meter_id, quantity, 'p_' || meter_id AS price_id, CAST(CASE meter_id
            WHEN 'calls' THEN q * 0.001
            WHEN 'tokens' THEN least(q, 10000) * 0.000003 + greatest(least(q, 100000) - 10000, 0) * 0.000002
                + greatest(q - 100000, 0) * 0.000001 + CASE WHEN q > 100000 THEN 0.5 ELSE 0 END
            WHEN 'peak' THEN q * CASE WHEN q <= 2000 THEN 0.01 ELSE 0.008 END
            WHEN 'posts' THEN (CAST(q AS BIGINT) + 9) // 10 * 0.05
            WHEN 'errors' THEN greatest(q - 1, 0) * 0.0005 END AS DECIMAL(38, 12)) AS exact_amount
        FROM (SELECT *, CAST(quantity AS DECIMAL(18, 4)) AS q FROM read_parquet(?)))
    ORDER BY company_id, subscription_id, price_id"""


def main(files: Sequence[Path], target: Path) -> None:
    """Rate rows of usage into one Parquet file."""
    with duckdb.connect() as connection:
        names = [str(path) for path in files]
        connection.execute(f"COPY ({_SQL}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)", [names]).fetchall()
