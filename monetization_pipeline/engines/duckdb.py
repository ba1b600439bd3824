"""The default engine: DuckDB in this process, spilling to disk under a memory limit."""

import shutil
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from monetization_pipeline.datasets.arrow import named_types
from monetization_pipeline.datasets.spec import added_later
from monetization_pipeline.engines.address import Address
from monetization_pipeline.expressions.quoting import text_literal

_SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_progress_bar = false",
    # Rows are told apart by what is in them, never by where they stand: order is asked for where it matters.
    "SET preserve_insertion_order = false",
)

_PLAIN_TYPES: Mapping[pa.DataType, str] = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.date32(): "DATE",
}


@dataclass(frozen=True, slots=True)
class DuckDBEngine:
    """DuckDB in this process, on `threads` threads (None: one a core).

    `spill` is a folder for what does not fit into `memory_limit` (DuckDB's notation, such as `1GB`).
    """

    spill: Path
    memory_limit: str
    threads: int | None = None

    @contextmanager
    def session(self) -> Generator["DuckDBSession"]:
        """A fresh database in memory; when the block ends it is closed, and what it spilled is removed."""
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
    """A scratch database of DuckDB, in UTC and without any order of rows but what a query asks for (`base.Session`)."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        #: What the names made here stand for: TABLE or VIEW.
        self._kinds: dict[str, str] = {}

    def view(self, name: str, schema: pa.Schema, files: Sequence[Address]) -> None:
        if not files:
            self.register(name, schema.empty_table())
            return
        listed = ", ".join(text_literal(file.text) for file in files)
        if not added_later(schema):
            self.define(name, f"SELECT * FROM read_parquet([{listed}], hive_partitioning = false)")
            return
        # Columns that none of the files has come from a relation without rows.
        columns = ", ".join(f'CAST(NULL AS {_sql_type(kind)}) AS "{column}"' for column, kind in named_types(schema))
        found = f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
        self.define(name, f"SELECT {columns} WHERE false UNION ALL BY NAME SELECT * FROM {found}")

    def register(self, name: str, data: pa.Table | pa.RecordBatchReader) -> None:
        self.forget(name)
        self._connection.register(name, data)

    def define(self, name: str, sql: str) -> None:
        self._becomes(name, "VIEW")
        self.run(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")

    def keep(self, name: str, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._becomes(name, "TABLE")
        self.run(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}", parameters)

    def append(self, name: str, sql: str) -> None:
        self.run(f"INSERT INTO {name} {sql}")

    def forget(self, name: str) -> None:
        self._connection.unregister(name)
        if name in self._kinds:
            self.run(f"DROP {self._kinds.pop(name)} IF EXISTS {name}")

    def _becomes(self, name: str, kind: str) -> None:
        """Make way for a relation of a kind: one of another kind, or what was registered, would hide it."""
        if self._kinds.get(name) != kind:
            self.forget(name)
        self._kinds[name] = kind

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(sql, list(parameters)).fetchall()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, list(parameters)).fetchall()

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        return self._connection.sql(sql, params=list(parameters) or None).to_arrow_table()

    def write(self, sql: str, address: Address, schema: pa.Schema) -> int:
        path = address.local
        temporary = path.with_suffix(".tmp")
        self._connection.sql(_typed(sql, schema)).write_parquet(str(temporary), compression="zstd")
        temporary.rename(path)
        return pq.read_metadata(path).num_rows  # pyright: ignore[reportUnknownMemberType]

    def write_days(self, sql: str, folder: Address, schema: pa.Schema, day: str) -> Mapping[date, Sequence[Address]]:
        scratch = folder.local / uuid.uuid4().hex
        self._connection.sql(_typed(sql, schema)).write_parquet(
            str(scratch), compression="zstd", partition_by=[day], write_partition_columns=True, overwrite=True
        )
        written: dict[date, list[Address]] = {}
        for path in sorted(scratch.glob("*/*.parquet")):
            target = folder.local / f"{uuid.uuid4().hex}.parquet"
            path.rename(target)
            day_of = date.fromisoformat(path.parent.name.partition("=")[2])
            written.setdefault(day_of, []).append(Address.of(target))
        shutil.rmtree(scratch, ignore_errors=True)
        return written


def _typed(sql: str, schema: pa.Schema) -> str:
    columns = ", ".join(f'CAST("{name}" AS {_sql_type(kind)}) AS "{name}"' for name, kind in named_types(schema))
    return f"SELECT {columns} FROM ({sql})"


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ"
    if pa.types.is_list(kind):
        return f"{_sql_type(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        fields = ", ".join(f'"{name}" {_sql_type(part)}' for name, part in named_types(kind))
        return f"STRUCT({fields})"
    return _PLAIN_TYPES[kind]
