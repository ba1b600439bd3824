"""Rows of Arrow columns as JSON texts in which every value is exact (rule 8).

Columns and fields come in order of name, what is null is left out: rows that say the same have the same text. A number
has one text (see `exact_json`), and stands as a string of it where that has 14 or more characters or is very small; of
a DOUBLE or FLOAT it is the shortest text that means the same value. Times are in UTC; one without a zone is taken for
UTC. Bytes are text where they are UTF-8, else base64.
"""

# Arrow's stubs leave unknown what its functions make of columns of any kind.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from monetization_pipeline.datasets.arrow import ArrowArray, listed
from monetization_pipeline.ingest.exact_json import LONG_NUMBER, SMALL_NUMBER, digits_of

#: What JSON writes otherwise than it is.
_ESCAPED = r'[\x00-\x1f"\\]'
_SECONDS = "%Y-%m-%dT%H:%M:%S"
#: Numbers that Arrow does not write by their one text, and those that JSON cannot have as numbers.
_ODD_NUMBER = r"[eE]|^-0$"
_NO_SHORT_NUMBER = rf"[^-0-9.]|^-?{re.escape(SMALL_NUMBER)}"


@dataclass(frozen=True, slots=True)
class RowsJson:
    """Rows as JSON objects, `texts`. `broken`: by row, a column with text that is not UTF-8, left out of its object.

    `identities` are the texts that identities are made of, with numbers as Arrow writes them: those never change.
    """

    texts: pa.StringArray
    broken: dict[int, str]
    identities: pa.StringArray

    @classmethod
    def of(cls, rows: pa.RecordBatch) -> "RowsJson":
        """The rows of a record batch as JSON."""
        broken: dict[int, str] = {}
        columns: list[tuple[str, ArrowArray]] = []
        for name, column in zip(rows.schema.names, rows.columns, strict=True):
            sound, bad = _sound(column)
            broken.update((row, str(name)) for row in bad)
            columns.append((name, sound))
        spelling = _Spelling()
        texts = _objects(columns, rows.num_rows, spelling)
        identities = _objects(columns, rows.num_rows, _Spelling(as_sent=True)) if spelling.differs else texts
        return cls(texts, broken, identities)


@dataclass(slots=True)
class _Spelling:
    """How numbers are written: by their one text, or `as_sent`. `differs`: whether these were not the same for any."""

    as_sent: bool = False
    differs: bool = False

    def written(self, texts: pa.StringArray) -> pa.StringArray:
        """JSON of numbers, from their texts as Arrow writes them."""
        odd = cast("pa.BooleanArray", pc.match_substring_regex(texts, _ODD_NUMBER).fill_null(False))
        if not self.as_sent and pc.any(odd).as_py():
            self.differs = True
            digits = [digits_of(text) for text in listed(texts.filter(odd))]
            texts = pc.replace_with_mask(texts, odd, pa.array(digits, pa.string()))
        long = pc.greater_equal(pc.utf8_length(texts), pa.scalar(LONG_NUMBER))
        as_text = pc.or_(long, pc.match_substring_regex(texts, _NO_SHORT_NUMBER))
        return pc.if_else(as_text, _joined('"', texts, '"'), texts)


def _sound(column: ArrowArray) -> tuple[ArrowArray, list[int]]:
    """A column without the values that are not UTF-8 somewhere in them, and their places."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        sound = [_is_sound(column[at : at + 1]) for at in range(len(column))]
        kept = pc.if_else(pa.array(sound), column, pa.scalar(None, column.type))
        return kept, [at for at, good in enumerate(sound) if not good]
    return column, []


def _is_sound(one: ArrowArray) -> bool:
    try:
        pa.concat_arrays([one]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _objects(columns: Sequence[tuple[str, ArrowArray]], count: int, spelling: _Spelling) -> pa.StringArray:
    fields = [
        cast(
            "pa.StringArray",
            _joined(f",{json.dumps(name, ensure_ascii=False)}:", _values(column, spelling)).fill_null(""),
        )
        for name, column in sorted(columns, key=lambda named: named[0])
    ]
    joined = _joined(pa.array([""] * count, pa.string()), *fields)
    return _joined(pc.binary_replace_slice(joined, 0, 1, "{"), "}")


def _joined(*parts: pa.StringArray | str) -> pa.StringArray:
    """Texts side by side, null where one of them is."""
    # The stubs know of no text beside arrays.
    return pc.binary_join_element_wise(*parts, "")  # pyright: ignore[reportCallIssue, reportArgumentType]


def _values(column: ArrowArray, spelling: _Spelling) -> pa.StringArray:
    """JSON of each value, null for null."""
    return next(write for is_kind, write in _WRITERS if is_kind(column.type))(column, spelling)


def _texts(column: pa.StringArray) -> pa.StringArray:
    quoted = _joined('"', column, '"')
    escaped = cast("pa.BooleanArray", pc.match_substring_regex(column, _ESCAPED).fill_null(False))
    if not pc.any(escaped).as_py():
        return quoted
    written = [json.dumps(text, ensure_ascii=False) for text in column.filter(escaped).to_pylist()]
    return pc.replace_with_mask(quoted, escaped, pa.array(written, pa.string()))


def _floats(column: ArrowArray) -> pa.StringArray:
    if pa.types.is_float16(column.type):
        column = pc.cast(column, pa.float32())
    texts = _as_text(column)
    for arrow, ours in (("nan", "NaN"), ("inf", "Infinity"), ("-inf", "-Infinity")):
        texts = pc.if_else(pc.equal(texts, pa.scalar(arrow)), ours, texts)
    return texts


def _decimals(column: ArrowArray) -> pa.StringArray:
    """Without the zeros that only the column's scale gives them."""
    texts = _as_text(column)
    texts = pc.replace_substring_regex(texts, r"^-?0(\.0*)?E.*$", "0")
    texts = pc.replace_substring_regex(texts, r"(\.[0-9]*?)0+(E|$)", r"\1\2")
    return pc.replace_substring_regex(texts, r"\.(E|$)", r"\1")


def _instants(column: ArrowArray) -> pa.StringArray:
    in_utc = cast("pa.TimestampArray[Any]", column.view(pa.timestamp(column.type.unit)))
    return _joined(pc.strftime(in_utc, format=_SECONDS), "Z")


def _uuids(column: "pa.UuidArray[Any]") -> pa.StringArray:
    values = column.storage.to_pylist()
    return _texts(pa.array([None if value is None else str(uuid.UUID(bytes=value)) for value in values], pa.string()))


def _bytes(column: ArrowArray) -> pa.StringArray:
    return _texts(pa.array([_decoded(value) for value in column.to_pylist()], pa.string()))


def _structs(column: pa.StructArray, spelling: _Spelling) -> pa.StringArray:
    fields = [(column.type.field(at).name, part) for at, part in enumerate(column.flatten())]
    return _where_valid(column, _objects(fields, len(column), spelling))


def _lists(column: Any, spelling: _Spelling) -> pa.StringArray:
    """Lists as arrays; maps as objects, their keys as text."""
    is_map = pa.types.is_map(column.type)
    if is_map:
        keys, items = listed(_values(column.keys, spelling)), listed(_values(column.items, spelling))
        parts: Sequence[Any] = [f"{_key(key)}:{_or_null(item)}" for key, item in zip(keys, items, strict=True)]
    else:
        parts = [_or_null(item) for item in _values(column.values, spelling).to_pylist()]
    opening, closing = "{}" if is_map else "[]"
    written = [opening + ",".join(parts[start:end]) + closing for start, end in _spans(column)]
    return _where_valid(column, pa.array(written, pa.string()))


def _spans(column: Any) -> Iterable[tuple[int, int]]:
    """Where each list lies in the values of the whole array."""
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        return ((at * size, (at + 1) * size) for at in range(column.offset, column.offset + len(column)))
    return pairwise(column.offsets.to_pylist())


def _where_valid(column: ArrowArray, texts: pa.StringArray) -> pa.StringArray:
    return pc.if_else(column.is_valid(), texts, pa.scalar(None, pa.string()))


def _or_null(text: str | None) -> str:
    return "null" if text is None else text


def _key(text: str) -> str:
    return text if text.startswith('"') else json.dumps(text, ensure_ascii=False)


def _decoded(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _is_extension(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.BaseExtensionType)


def _is_uuid(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.UuidType)


def _is_anything(_: pa.DataType) -> bool:
    return True


def _as_large_list(column: Any) -> Any:
    return pc.cast(column, pa.large_list(column.type.value_type))


def _as_text(column: ArrowArray) -> pa.StringArray:
    return cast("pa.StringArray", pc.cast(column, pa.string()))


_Check = Callable[[pa.DataType], bool]
_Write = Callable[[Any, _Spelling], pa.StringArray]


def _plain(write: Callable[[Any], pa.StringArray]) -> _Write:
    return lambda column, _: write(column)


def _number(texts: Callable[[Any], pa.StringArray]) -> _Write:
    return lambda column, spelling: spelling.written(texts(column))


#: How each kind of column is written: the first that fits. It is given arrays of that kind alone: hence Any.
_WRITERS: Sequence[tuple[_Check, _Write]] = (
    (_is_uuid, _plain(_uuids)),
    (_is_extension, lambda column, spelling: _values(column.storage, spelling)),
    (pa.types.is_dictionary, lambda column, spelling: _values(column.dictionary_decode(), spelling)),
    (pa.types.is_null, _plain(lambda column: pa.nulls(len(column), pa.string()))),
    (pa.types.is_boolean, _plain(_as_text)),
    (pa.types.is_integer, _number(_as_text)),
    (pa.types.is_floating, _number(_floats)),
    (pa.types.is_decimal, _number(_decimals)),
    (pa.types.is_duration, _number(lambda column: _as_text(column.view(pa.int64())))),
    (pa.types.is_timestamp, _plain(lambda column: _texts(_instants(column)))),
    (pa.types.is_struct, _structs),
    (pa.types.is_list, _lists),
    (pa.types.is_large_list, _lists),
    (pa.types.is_fixed_size_list, _lists),
    (pa.types.is_map, _lists),
    (pa.types.is_list_view, lambda column, spelling: _lists(_as_large_list(column), spelling)),
    (pa.types.is_binary, _plain(_bytes)),
    (pa.types.is_large_binary, _plain(_bytes)),
    (pa.types.is_fixed_size_binary, _plain(_bytes)),
    (pa.types.is_binary_view, _plain(_bytes)),
    (_is_anything, _plain(lambda column: _texts(_as_text(column)))),
)
