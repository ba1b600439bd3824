"""Typed values out of a parsed JSON object, each refused with the name of its field and what is wrong with it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeGuard

from monetization_pipeline.errors import MonetizeError

#: The earliest instant that a record may name. Zero times (`0001-01-01`) mean "unset" in some clients, never a date.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: Objects and lists within each other that a record may have.
MAX_DEPTH = 64

_SHOWN = 60


class RecordError(MonetizeError):
    """A record of a company, user or subscription that means nothing: which field, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


def is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether a parsed JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether a parsed JSON value is a list."""
    return isinstance(value, list)


def is_blank(value: object) -> bool:
    """Whether a value names nothing: null, or text of nothing but blanks."""
    return value is None or (isinstance(value, str) and not value.strip())


def text_of(fields: Mapping[str, object], name: str) -> str | None:
    """The text of a field, None where it is absent, null or blank. A whole number is its digits.

    Raises RecordError for anything else.
    """
    value = fields.get(name)
    if is_blank(value):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise RecordError(name, f"is {kind_of(value)} where text is expected")


def object_of(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    """The object of a field, empty where it is absent, null or blank. Raises RecordError for anything else."""
    value = fields.get(name)
    if is_blank(value):
        return {}
    if is_object(value):
        return value
    raise RecordError(name, f"is {kind_of(value)} where an object is expected")


def instant_of(fields: Mapping[str, object], name: str) -> datetime | None:
    """The UTC instant of a field, None where it is absent, null or blank. Raises RecordError for anything else."""
    value = fields.get(name)
    if is_blank(value):
        return None
    if not isinstance(value, str):
        raise RecordError(name, f"is {kind_of(value)} where a time such as 2024-05-01T00:00:00Z is expected")
    try:
        instant = parse_instant(value)
    except (ValueError, OverflowError):
        raise RecordError(
            name, f"{shown(value)} is not a time; write it like 2024-05-01T00:00:00Z or 2024-05-01"
        ) from None
    if instant < EPOCH:
        raise RecordError(name, f"{shown(value)} lies before 1970-01-01")
    return instant


def parse_instant(text: str) -> datetime:
    """An ISO 8601 time as a UTC instant: without a zone it is UTC, a date alone is its midnight in UTC.

    Raises ValueError or OverflowError for text that is none.
    """
    instant = datetime.fromisoformat(text.strip())
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def canonical_json(value: object) -> str:
    """JSON text with sorted keys and no blanks: equal values have equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def check_storable(fields: Mapping[str, object]) -> None:
    """Raise RecordError for an object that canonical JSON in UTF-8 cannot hold."""
    for name, value in fields.items():
        if depth_of(value) >= MAX_DEPTH:
            raise RecordError(name, f"is nested more than {MAX_DEPTH} levels deep")
        try:
            canonical_json({name: value}).encode()
        except UnicodeEncodeError:
            raise RecordError(printable(name), "has text that is no Unicode (half of a surrogate pair)") from None
        except (TypeError, ValueError):
            raise RecordError(name, "has a value that JSON does not know") from None


def depth_of(value: object) -> int:
    """How many objects and lists lie within each other; counting stops at MAX_DEPTH."""
    level, depth = [value], 0
    while depth < MAX_DEPTH:
        inner: list[object] = []
        for item in level:
            if is_object(item):
                inner.extend(item.values())
            elif is_list(item):
                inner.extend(item)
        if not inner:
            return depth
        level, depth = inner, depth + 1
    return depth


def kind_of(value: object) -> str:
    """What a parsed JSON value is, in words."""
    if is_object(value):
        return "an object"
    if is_list(value):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int | float) else "text"


def shown(text: str) -> str:
    """Text quoted for a message, its end cut off where it is long."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def printable(text: str) -> str:
    """Text that any output can encode."""
    return text.encode(errors="backslashreplace").decode()
