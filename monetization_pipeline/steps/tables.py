"""Small datasets as lists of rows: written to Parquet, read back, fingerprinted."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from monetization_pipeline.datasets import DatasetSpec
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.fingerprints import fingerprint, fingerprint_sql


def write_rows(spec: DatasetSpec, rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """Rows as one Parquet file with the dataset's schema."""
    write_table(spec, pa.Table.from_pylist([dict(row) for row in rows], spec.schema), path)


def write_table(spec: DatasetSpec, table: pa.Table, path: Path) -> None:
    """A table as one Parquet file with the dataset's schema."""
    temporary = path.with_suffix(".tmp")
    pq.write_table(table.select(spec.schema.names).cast(spec.schema), temporary, compression="zstd")
    temporary.rename(path)


def read_rows(files: Sequence[Path]) -> list[dict[str, Any]]:
    """All rows of Parquet files."""
    return [row for path in files for row in pq.ParquetFile(path).read().to_pylist()]


def read_table(spec: DatasetSpec, files: Sequence[Path]) -> pa.Table:
    """All rows of Parquet files as one table; without a file, an empty one."""
    tables = [pq.ParquetFile(path).read() for path in files]
    return pa.concat_tables(tables) if tables else spec.schema.empty_table()


def fingerprint_of(session: Session, spec: DatasetSpec, files: Sequence[Path]) -> str:
    """The fingerprint of the rows in Parquet files."""
    session.view("fingerprinted", spec.schema, files)
    rows, hashes = session.rows(f"SELECT {fingerprint_sql(spec)} FROM fingerprinted")[0]
    return fingerprint(rows, hashes)


def fingerprints_by_day(
    session: Session, spec: DatasetSpec, files: Sequence[Path], day: str
) -> Mapping[date, tuple[int, str]]:
    """(rows, fingerprint) of the rows in Parquet files, by the days in the column `day`."""
    session.view("fingerprinted", spec.schema, files)
    return {
        on: (rows, fingerprint(rows, hashes))
        for on, rows, hashes in session.rows(
            f'SELECT "{day}", {fingerprint_sql(spec)} FROM fingerprinted GROUP BY "{day}"'
        )
    }
