"""An engine that runs everything on another one, and remembers each statement by what it makes or by who asks."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from monetization_pipeline.datasets import ALL
from monetization_pipeline.engines.address import Address
from monetization_pipeline.engines.base import Engine, Session

_PACKAGE = "monetization_pipeline."


@dataclass(frozen=True, order=True)
class Statement:
    """One statement. `name`: the relation or dataset that it makes, else the function that asks.

    `asked_by` is that function, such as `steps.events._build_day`. What is numbered has one name.
    """

    name: str
    sql: str
    asked_by: str


@dataclass
class RecordingEngine:
    """`inner` with its statements remembered in `statements`."""

    inner: Engine
    statements: set[Statement] = field(default_factory=set)

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self.inner.session() as session:
            yield _RecordingSession(session, self.statements)


@dataclass
class _RecordingSession:
    inner: Session
    statements: set[Statement]

    def view(self, name: str, schema: pa.Schema, files: Sequence[Address]) -> None:
        self.inner.view(name, schema, files)

    def register(self, name: str, data: pa.Table | pa.RecordBatchReader) -> None:
        self.inner.register(name, data)

    def define(self, name: str, sql: str) -> None:
        self._remember(sql, name)
        self.inner.define(name, sql)

    def keep(self, name: str, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._remember(sql, name)
        self.inner.keep(name, sql, parameters)

    def append(self, name: str, sql: str) -> None:
        self._remember(sql, name)
        self.inner.append(name, sql)

    def forget(self, name: str) -> None:
        self.inner.forget(name)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._remember(sql)
        self.inner.run(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self._remember(sql)
        return self.inner.rows(sql, parameters)

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        self._remember(sql)
        return self.inner.arrow(sql, parameters)

    def write(self, sql: str, address: Address, schema: pa.Schema) -> int:
        self._remember(sql, _dataset(schema))
        return self.inner.write(sql, address, schema)

    def write_days(self, sql: str, folder: Address, schema: pa.Schema, day: str) -> Mapping[date, Sequence[Address]]:
        self._remember(sql, _dataset(schema))
        return self.inner.write_days(sql, folder, schema, day)

    def _remember(self, sql: str, name: str = "") -> None:
        frame = sys._getframe(2)
        asked_by = f"{frame.f_globals['__name__'].removeprefix(_PACKAGE)}.{frame.f_code.co_name}"
        self.statements.add(Statement(name.rstrip("0123456789").rstrip("_") or asked_by, sql, asked_by))


def _dataset(schema: pa.Schema) -> str:
    return next(spec.name for spec in ALL if spec.schema == schema)
