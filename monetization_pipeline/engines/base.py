"""What an engine must be able to do. SQL is written in DuckDB's dialect."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa


class Session(Protocol):
    """A scratch database of views and temporary tables; nothing in it outlives it."""

    def view(self, name: str, schema: pa.Schema, files: Sequence[Path]) -> None:
        """Make Parquet files readable under `name`; no files make an empty table of that schema."""
        ...

    def register(self, name: str, data: "pa.Table | pa.RecordBatchReader") -> None:
        """Make Arrow data readable under `name`. A reader can be read once, and is streamed."""
        ...

    def unregister(self, name: str) -> None:
        """Forget what `register` made readable."""
        ...

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement for its effect."""
        ...

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        ...

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """The result of a query as an Arrow table."""
        ...

    def write(self, sql: str, path: Path, schema: pa.Schema) -> int:
        """Write the rows of a query as one Parquet file (zstd) with the schema's columns and types; their number."""
        ...

    def write_days(self, sql: str, folder: Path, schema: pa.Schema, day: str) -> Mapping[date, Sequence[Path]]:
        """The same as files by the days in the column `day`; each lies, under a fresh name, directly in `folder`."""
        ...


class Engine(Protocol):
    """Opens sessions."""

    def session(self) -> AbstractContextManager[Session]:
        """A fresh session; it is closed and its spilled files are removed at the end."""
        ...
