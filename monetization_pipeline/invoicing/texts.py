"""Values of an invoice's fields as text, and columns of them as JSON objects."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice, repeat
from typing import Any

from monetization_pipeline.datasets.invoice_fields import Field, Kind
from monetization_pipeline.ids import instant_text, json_text
from monetization_pipeline.money import plain


def rounded_text(rounded: Decimal) -> str:
    """Text of an amount as `money.round_amount` gives it, with its minor digits: `16.01`; zero is never negative."""
    return str(rounded or rounded.copy_abs())


#: How values become text; those of the other kinds are text.
_TEXTS: Mapping[Kind, Callable[[Any], str]] = {
    Kind.INSTANT: instant_text,
    Kind.QUANTITY: plain,
    Kind.AMOUNT: rounded_text,
    Kind.EXACT_AMOUNT: plain,
}


def text_column(field: Field, values: Sequence[Any]) -> Sequence[str | None]:
    """Values of one field as text, None where there is none; amounts are those that `money.round_amount` gives."""
    text = _TEXTS.get(field.kind)
    return values if text is None else [None if value is None else text(value) for value in values]


def json_column(field: Field, values: Sequence[Any]) -> list[str]:
    """Values of one field as JSON, in ASCII; amounts are those that `money.round_amount` gives."""
    return ["null" if text is None else json_text(text) for text in text_column(field, values)]


def json_invoices(
    invoices: Mapping[str, Sequence[str]], lines: Mapping[str, Sequence[str]], counts: Sequence[int]
) -> Iterator[str]:
    """Invoices as JSON objects, from columns of JSON: of invoices, of the lines of all, and how many each has.

    One is made at a time: all of a month would fill the memory. Raises ValueError where columns, or counts, do not fit.
    """
    texts = json_objects(lines)
    if (of_lines := len(next(iter(lines.values()), ()))) != sum(counts):
        raise ValueError(f"invoices are to have {sum(counts)} lines, but there are {of_lines}")
    _check_lengths({**invoices, "lines": counts})
    return _objects({**invoices, "lines": (f"[{','.join(islice(texts, count))}]" for count in counts)})


def json_objects(columns: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """JSON objects with sorted keys and without blanks, from the JSON of each key's values, one for each object.

    Raises ValueError where the columns are not of one length.
    """
    _check_lengths(columns)
    return _objects(columns)


def _check_lengths(columns: Mapping[str, Sequence[object]]) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"each object has each key, but there are {lengths}")


def _objects(columns: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Joined column by column, as there may be millions: an encoder would take several times as long."""
    parts: list[Iterable[str]] = []
    for name in sorted(columns):
        parts += [repeat(f"{',' if parts else '{'}{json_text(name)}:"), columns[name]]
    return map("".join, zip(*parts, repeat("}"), strict=False))
