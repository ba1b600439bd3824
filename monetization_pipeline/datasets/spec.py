"""How a dataset is described: its name, meaning, schema, key and partition."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

#: Name, type and meaning.
Column = tuple[str, pa.DataType, str]


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """One dataset. `partition_column` is None where the whole dataset is one partition.

    `row_hash` names the column whose sum is the fingerprint; without one, all columns but `volatile` enter it.
    `by_batch` datasets only ever grow, by ingest batches, and show a batch once `landing_files` lists it. `added` names
    columns that came later: files of before, where they are never made anew, lack them.
    """

    name: str
    doc: str
    schema: pa.Schema
    key: tuple[str, ...]
    partition_column: str | None = None
    row_hash: str | None = None
    volatile: tuple[str, ...] = ()
    by_batch: bool = False
    added: tuple[str, ...] = ()


def schema(*fields: Column) -> pa.Schema:
    """Columns as an Arrow schema that carries their meaning."""
    return pa.schema([pa.field(name, kind, metadata={"doc": doc}) for name, kind, doc in fields])


def describe(field: "pa.Field[Any]") -> str:
    """What a column means."""
    metadata: dict[bytes, bytes] = field.metadata or {}
    return metadata.get(b"doc", b"").decode()
