"""Small datasets as lists of rows: written to Parquet, read back, fingerprinted."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from monetization_pipeline.datasets import DatasetSpec
from monetization_pipeline.engines.address import Address
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake import disk
from monetization_pipeline.lake.fingerprints import fingerprint, fingerprint_sql

#: The rows that are being fingerprinted; no relation outlives the function that makes it.
_ROWS = "fingerprinted"


def write_rows(spec: DatasetSpec, rows: Sequence[Mapping[str, object]], address: Address) -> None:
    """Rows as one Parquet file with the dataset's schema."""
    write_table(spec, pa.Table.from_pylist([dict(row) for row in rows], spec.schema), address)


def write_table(spec: DatasetSpec, table: pa.Table, address: Address) -> None:
    """A table as one Parquet file with the dataset's schema."""
    disk.write(table.select(spec.schema.names).cast(spec.schema), address)


def read_rows(files: Sequence[Address]) -> list[dict[str, Any]]:
    """All rows of Parquet files, values by column, in the order of the files."""
    return [row for file in files for row in disk.read(file).to_pylist()]


def read_table(spec: DatasetSpec, files: Sequence[Address]) -> pa.Table:
    """All rows of Parquet files as one table; without a file, an empty one."""
    tables = [disk.read(file) for file in files]
    return pa.concat_tables(tables) if tables else spec.schema.empty_table()


def fingerprint_of(session: Session, spec: DatasetSpec, files: Sequence[Address]) -> str:
    """The fingerprint of a dataset's rows in Parquet files."""
    session.view(_ROWS, spec.schema, files)
    rows, hashes = session.rows(f"SELECT {fingerprint_sql(spec)} FROM {_ROWS}")[0]
    session.forget(_ROWS)
    return fingerprint(rows, hashes)


def fingerprints_by_day(
    session: Session, spec: DatasetSpec, files: Sequence[Address], day: str
) -> Mapping[date, tuple[int, str]]:
    """(rows, fingerprint) of the rows in Parquet files, by the days in the column `day`."""
    session.view(_ROWS, spec.schema, files)
    found = session.rows(f'SELECT "{day}", {fingerprint_sql(spec)} FROM {_ROWS} GROUP BY "{day}"')
    session.forget(_ROWS)
    return {on: (rows, fingerprint(rows, hashes)) for on, rows, hashes in found}
