"""How a dataset is described: its name, meaning, schema, key and partition."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa

#: Name, type and meaning.
Column = tuple[str, pa.DataType, str]


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """One dataset. `partition_column` is None where the whole dataset is one partition.

    `row_hash` names the column whose sum is the fingerprint; without one, all columns but `volatile` enter it.
    `by_batch` datasets only ever grow, by ingest batches, and show a batch once `landing_files` lists it.
    """

    name: str
    doc: str
    schema: pa.Schema
    key: tuple[str, ...]
    partition_column: str | None = None
    row_hash: str | None = None
    volatile: tuple[str, ...] = ()
    by_batch: bool = False

    @property
    def added(self) -> Collection[str]:
        """Columns that came later: files of before lack them, and have nothing in them."""
        return added_later(self.schema)


def schema(*fields: Column, added: Collection[str] = ()) -> pa.Schema:
    """Columns as an Arrow schema that carries their meaning; `added`: those that came later than the others."""
    marks = {True: {"added": "later"}, False: {}}
    return pa.schema([pa.field(name, kind, metadata={"doc": doc} | marks[name in added]) for name, kind, doc in fields])


def added_later(of: pa.Schema) -> Collection[str]:
    """The columns of a dataset's schema that came later than others of it."""
    fields = cast("Iterable[pa.Field[Any]]", of)
    return tuple(field.name for field in fields if b"added" in (field.metadata or {}))


def describe(field: "pa.Field[Any]") -> str:
    """What a column means."""
    metadata: dict[bytes, bytes] = field.metadata or {}
    return metadata.get(b"doc", b"").decode()
