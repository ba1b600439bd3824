"""Columns of Arrow tables as lists that pure functions read, and back; what repeats is converted once."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from monetization_pipeline.datasets import INSTANT, DatasetSpec
from monetization_pipeline.money import plain

_LONG = pa.int64()


def values(column: pa.ChunkedArray, convert: Callable[[Any], Any] | None = None) -> list[Any]:
    """A column that repeats itself as a list; equal values are one object, and are converted once."""
    encoded = column.combine_chunks().dictionary_encode()
    distinct = [*encoded.dictionary.to_pylist(), None]
    if convert is not None:
        distinct = [convert(value) for value in (distinct if encoded.null_count else distinct[:-1])]
    return [distinct[index] for index in encoded.indices.fill_null(len(distinct) - 1).to_pylist()]


def microseconds(column: pa.ChunkedArray) -> list[int | None]:
    """Instants as microseconds since 1970."""
    return column.cast(_LONG).to_pylist()


def instant(microseconds: int) -> datetime:
    """The inverse, exactly: no float in between."""
    return pa.scalar(microseconds, INSTANT).as_py()


def decimals(column: pa.ChunkedArray) -> list[Decimal]:
    """Decimals without an absent one; by way of text, which is twice as fast."""
    return [Decimal(text) for text in column.cast(pa.string()).to_pylist()]


def plain_texts(column: pa.ChunkedArray) -> list[str]:
    """What `money.plain` gives for each decimal of a column that has digits after the point."""
    # Small figures come with an exponent, zero among them.
    return [
        plain(Decimal(text)) if "E" in text else text.rstrip("0").rstrip(".")
        for text in column.cast(pa.string()).to_pylist()
    ]


def take_texts(distinct: Sequence[str | None], positions: pa.Array) -> pa.Array:
    """A text column that holds at each row the value at a position."""
    return pa.array(distinct, pa.string()).take(positions)


def table_of(spec: DatasetSpec, columns: dict[str, pa.Array | pa.ChunkedArray], partition: str) -> pa.Table:
    """A partition's rows with the dataset's schema; the partition's own column is filled in."""
    rows = len(next(iter(columns.values())))
    filled = (
        columns
        if spec.partition_column is None
        else columns | {spec.partition_column: pa.repeat(pa.scalar(partition), rows)}
    )
    return pa.table({name: filled[name] for name in spec.schema.names}).cast(spec.schema)
