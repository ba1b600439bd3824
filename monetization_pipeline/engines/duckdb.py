"""The default engine: DuckDB in this process, spilling to disk under a memory limit."""

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

_SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_progress_bar = false",
    # Rows are told apart by what is in them, never by where they stand: order is asked for where it matters.
    "SET preserve_insertion_order = false",
)


@dataclass(frozen=True, slots=True)
class DuckDBEngine:
    """`spill` is a folder for what does not fit into `memory_limit` (DuckDB's notation, such as `1GB`)."""

    spill: Path
    memory_limit: str = "1GB"
    threads: int | None = None

    @contextmanager
    def session(self) -> Iterator["DuckDBSession"]:
        """See `Engine.session`."""
        scratch = self.spill / uuid.uuid4().hex
        scratch.mkdir(parents=True, exist_ok=True)
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": self.memory_limit,
            "temp_directory": str(scratch),
        }
        if self.threads is not None:
            config["threads"] = self.threads
        connection = duckdb.connect(":memory:", config=config)
        try:
            for setting in _SETTINGS:
                connection.execute(setting).fetchall()
            yield DuckDBSession(connection)
        finally:
            connection.close()
            shutil.rmtree(scratch, ignore_errors=True)


class DuckDBSession:
    """See `Session`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def view(self, name: str, schema: pa.Schema, files: Sequence[Path]) -> None:
        # What was registered under the name would hide the view.
        self._connection.unregister(name)
        if files:
            relation = self._connection.read_parquet([str(path) for path in files], hive_partitioning=False)
            relation.create_view(name, replace=True)
        else:
            self.register(name, schema.empty_table())

    def register(self, name: str, data: pa.Table | pa.RecordBatchReader) -> None:
        self._connection.register(name, data)

    def unregister(self, name: str) -> None:
        self._connection.unregister(name)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(sql, list(parameters)).fetchall()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, list(parameters)).fetchall()

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        return self._connection.sql(sql, params=list(parameters) or None).to_arrow_table()

    def write(self, sql: str, path: Path, schema: pa.Schema) -> int:
        temporary = path.with_suffix(".tmp")
        self._connection.sql(_typed(sql, schema)).write_parquet(str(temporary), compression="zstd")
        temporary.rename(path)
        return pq.read_metadata(path).num_rows

    def write_days(self, sql: str, folder: Path, schema: pa.Schema, day: str) -> Mapping[date, Sequence[Path]]:
        scratch = folder / uuid.uuid4().hex
        self._connection.sql(_typed(sql, schema)).write_parquet(
            str(scratch), compression="zstd", partition_by=[day], write_partition_columns=True, overwrite=True
        )
        written: dict[date, list[Path]] = {}
        for path in sorted(scratch.glob("*/*.parquet")):
            target = folder / f"{uuid.uuid4().hex}.parquet"
            path.rename(target)
            written.setdefault(date.fromisoformat(path.parent.name.partition("=")[2]), []).append(target)
        shutil.rmtree(scratch, ignore_errors=True)
        return written


def _typed(sql: str, schema: pa.Schema) -> str:
    columns = ", ".join(f'CAST("{field.name}" AS {_sql_type(field.type)}) AS "{field.name}"' for field in schema)
    return f"SELECT {columns} FROM ({sql})"


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ"
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        fields = ", ".join(f'"{field.name}" {_sql_type(field.type)}' for field in kind)
        return f"STRUCT({fields})"
    return {pa.string(): "VARCHAR", pa.int64(): "BIGINT", pa.int32(): "INTEGER", pa.date32(): "DATE"}[kind]
