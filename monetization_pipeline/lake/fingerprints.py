"""Fingerprints: an order-free sum of row hashes. Compaction, as_of and the time of work do not enter it."""

from collections.abc import Iterable

import pyarrow as pa

from monetization_pipeline.datasets import DatasetSpec
from monetization_pipeline.datasets.arrow import named_types

_MODULUS = 1 << 64
_MASK = (1 << 63) - 1
_FIELD, _ABSENT = "chr(31)", "chr(30)"


def hash_sql(columns: Iterable[str]) -> str:
    """SQL of a 63-bit hash over columns (already quoted SQL), told apart by position; NULL is not ''.

    Part of an MD5, not the engine's own hash: it must be the same in its next version, and in another engine.
    """
    parts = ", ".join(f"coalesce(CAST({column} AS VARCHAR), {_ABSENT})" for column in columns)
    return f"CAST(md5_number(concat_ws({_FIELD}, {parts})) & CAST({_MASK} AS UHUGEINT) AS BIGINT)"


def row_hash_sql(spec: DatasetSpec) -> str:
    """SQL (BIGINT) of the hash of a row of a dataset: its column `row_hash`, else of all but volatile columns."""
    if spec.row_hash is not None:
        return f'"{spec.row_hash}"'
    return hash_sql(_plain(name, kind) for name, kind in named_types(spec.schema) if name not in spec.volatile)


def _plain(name: str, kind: pa.DataType) -> str:
    """A column as what is quick to write as text: instants as microseconds."""
    return f'epoch_us("{name}")' if pa.types.is_timestamp(kind) else f'"{name}"'


def hash_sum_sql(hash_of_row: str) -> str:
    """SQL aggregate of the exact sum of hashes: a DECIMAL(38,0), which every engine has, and none overflows."""
    return f"sum(CAST({hash_of_row} AS DECIMAL(38,0)))"


def fingerprint_sql(spec: DatasetSpec) -> str:
    """SQL aggregates (rows, sum of row hashes) from which `fingerprint` makes a fingerprint."""
    return f"count(*), CAST(coalesce({hash_sum_sql(row_hash_sql(spec))}, 0) AS VARCHAR)"


def fingerprint(rows: int, hash_sum: str | int) -> str:
    """Text such as `2900-00f3a1…`: the number of rows and the sum of their hashes modulo 2^64."""
    return f"{rows}-{int(hash_sum) % _MODULUS:016x}"
