"""Columns of Arrow tables as lists that pure functions read, and back; what repeats is converted once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from monetization_pipeline.datasets import INSTANT, DatasetSpec
from monetization_pipeline.datasets.arrow import ArrowArray, ArrowColumn, ArrowValues, listed
from monetization_pipeline.money import plain

_LONG = pa.int64()


def dictionary_encoded(column: ArrowColumn) -> "pa.DictionaryArray[Any, Any]":
    """A column as its distinct values and, for each row, the position of its own."""
    return column.combine_chunks().dictionary_encode()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def values(column: ArrowColumn, convert: Callable[[Any], Any] | None = None) -> list[Any]:
    """A column that repeats itself as a list; equal values are one object, and are converted once."""
    encoded = dictionary_encoded(column)
    distinct = [*encoded.dictionary.to_pylist(), None]
    if convert is not None:
        distinct = [convert(value) for value in (distinct if encoded.null_count else distinct[:-1])]
    return [distinct[index] for index in encoded.indices.fill_null(len(distinct) - 1).to_pylist()]


def microseconds(column: ArrowColumn) -> list[int | None]:
    """A column of instants as whole microseconds since 1970, None where one is absent."""
    return column.cast(_LONG).to_pylist()


def instant(microseconds: int) -> datetime:
    """Microseconds since 1970 as an aware UTC instant, exactly: no float in between."""
    # The stubs take it for a scalar of the number's type.
    return pa.scalar(microseconds, INSTANT).as_py()  # pyright: ignore[reportReturnType]


def decimals(column: ArrowColumn) -> list[Decimal]:
    """A column of decimals, none of them absent, as a list; by way of text, which is twice as fast."""
    return [Decimal(text) for text in listed(column.cast(pa.string()))]


def plain_texts(column: ArrowColumn) -> list[str]:
    """A column of decimals that has digits after the point as texts without exponent and zeros at the end (`plain`)."""
    # Small figures come with an exponent, zero among them.
    return [
        plain(Decimal(text)) if "E" in text else text.rstrip("0").rstrip(".")
        for text in listed(column.cast(pa.string()))
    ]


def take_texts(distinct: Sequence[str | None], positions: ArrowArray) -> ArrowArray:
    """A text column: at each row that one of `distinct` whose position, from 0, stands in `positions`."""
    return pa.array(distinct, pa.string()).take(positions)


def in_order(table: pa.Table, columns: Iterable[str]) -> pa.Table:
    """The rows of a table in ascending order of one column, then of the next."""
    return table.sort_by([(name, "ascending") for name in columns])  # pyright: ignore[reportUnknownMemberType]


def table_of(spec: DatasetSpec, columns: Mapping[str, ArrowValues], partition: str) -> pa.Table:
    """`columns` as a table with the dataset's schema; its partition column, if there is one, holds `partition`."""
    rows = len(next(iter(columns.values())))
    filled = (
        columns
        if spec.partition_column is None
        else {**columns, spec.partition_column: pa.repeat(pa.scalar(partition), rows)}
    )
    return pa.Table.from_pydict({name: filled[name] for name in spec.schema.names}).cast(spec.schema)
