"""What an engine must be able to do. SQL is written in DuckDB's dialect."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Any, Protocol

import pyarrow as pa

from monetization_pipeline.engines.address import Address


class Session(Protocol):
    """A scratch database of named relations; nothing in it outlives it.

    A name stands for what was made under it last. Whoever makes a relation hands its name to whoever reads it.
    """

    def view(self, name: str, schema: pa.Schema, files: Sequence[Address]) -> None:
        """Make Parquet files readable under `name`; no files make an empty table of that schema.

        A column that came later (`added_later`) is NULL in files of before.
        """
        ...

    def register(self, name: str, data: "pa.Table | pa.RecordBatchReader") -> None:
        """Make Arrow data readable under `name`. A reader can be read once, and is streamed."""
        ...

    def define(self, name: str, sql: str) -> None:
        """Make a query readable under `name`; it is run each time that it is read."""
        ...

    def keep(self, name: str, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a query now, and make its rows readable under `name`."""
        ...

    def append(self, name: str, sql: str) -> None:
        """Add the rows of a query to those that are kept under `name`; its columns are theirs, in the same order."""
        ...

    def forget(self, name: str) -> None:
        """Make nothing readable under `name` any more."""
        ...

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement for its effect, such as one that changes kept rows."""
        ...

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, as tuples of Python's own values."""
        ...

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """The result of a query as an Arrow table."""
        ...

    def write(self, sql: str, address: Address, schema: pa.Schema) -> int:
        """Write the rows of a query as one Parquet file (zstd) with the schema's columns and types; their number."""
        ...

    def write_days(self, sql: str, folder: Address, schema: pa.Schema, day: str) -> Mapping[date, Sequence[Address]]:
        """Write the rows of a query as Parquet files (zstd) by the dates in the column `day`; the files of each date.

        Each has the schema's columns and types, and lies under a fresh name directly in `folder`.
        """
        ...


class Engine(Protocol):
    """What runs SQL: it opens sessions."""

    def session(self) -> AbstractContextManager[Session]:
        """A fresh session; it is closed and its spilled files are removed at the end."""
        ...
