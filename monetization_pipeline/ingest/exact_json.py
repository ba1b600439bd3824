"""JSON without loss: numbers that a float would bend stay as the text they were written in (rule 8).

The engine's own JSON functions round numbers to 17 digits and read `NaN`. A record in which that could matter is read
here instead and handed on as JSON in which such numbers are strings of their digits.

A number has one text, however it was written: `7.0`, `7` and `0.7e1` are all `7`. What a record's identity is made of
keeps the text that was sent.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from monetization_pipeline.money import plain

#: JSON numbers of this many characters, or with an exponent, become strings of their digits.
LONG_NUMBER = 14
#: So do those that begin like this after the sign, which the engine would write with an exponent.
SMALL_NUMBER = "0.000000"

#: RE2 pattern that finds every text line in which a number may need this reader; may find more (digits in a string).
RISKY = (
    rf"[:,\[]\s*(?:-[0-9.]{{{LONG_NUMBER - 1},}}|[0-9.]{{{LONG_NUMBER},}}|-?0\.000000|"
    r"-?[0-9.]+[eE][-+]?[0-9]|-?(?i:nan|inf(?:inity)?)\s*[,\]}])"
)
#: RE2 pattern of a number that is whole and has digits after the point all the same; may be found in a string.
WHOLE_FRACTION = r"[0-9]\.0+\s*[,}\]]"
#: RE2 pattern that cuts those digits off where it is replaced by `CUT`: in JSON, which has no such number in a string.
_STRING = r'"(?:[^"\\]|\\.)*"'
FRACTION_TO_CUT = rf"({_STRING})|\.0+(\s*[,}}\]])"
CUT = r"\1\2"

#: Exponents beyond this are not written out.
_MAX_EXPONENT = 40


@dataclass(frozen=True, slots=True)
class Numeral:
    """A JSON number that no number of Python's could carry on as it was written."""

    text: str


Json = None | bool | int | str | Decimal | Numeral | list["Json"] | dict[str, "Json"]


_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJsonError(ValueError):
    """Text that is not JSON, with the place in it."""


def parse(text: str) -> Json:
    """The value of JSON text. Long numbers and those with an exponent come as Numeral, `NaN` and `Infinity` as text.

    Of a key given twice the first holds, as in the engine. Raises NotJsonError.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotJsonError(f"{error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise NotJsonError("nested too deeply") from None
    return value


def dump(value: Json) -> str:
    """Compact JSON of a value, keys in the order they have, each number by its one text.

    Raises NotJsonError for what UTF-8 cannot hold.

    >>> dump(parse('{"a": [7.0, 1e2, 0.0000001, 12345678901234]}'))
    '{"a":[7,"100","0.0000001","12345678901234"]}'
    """
    return _written(value, _one_text, sort_keys=False)


def canonical(value: Json) -> str:
    """Compact JSON with sorted keys, numbers as they were sent. Raises NotJsonError for what UTF-8 cannot hold.

    Identities are made of it: what it is of a record never changes.
    """
    return _written(value, _as_sent, sort_keys=True)


def escaped(value: Json) -> str:
    """JSON in ASCII of any value that was parsed, for reports."""
    try:
        return json.dumps(value, separators=(",", ":"), default=_as_sent)
    except RecursionError:
        return ""


def digits_of(text: str) -> str:
    """The one text of a number that JSON, Python or Arrow wrote; text that is none stays, as does a great exponent.

    >>> [digits_of(text) for text in ("7.0", "2.50e1", "-0.0", "1E-7", "1e400", "NaN")]
    ['7', '25', '0', '0.0000001', '1e400', 'NaN']
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    small = value.is_finite() and abs(value.adjusted()) <= _MAX_EXPONENT
    return plain(value) if small else text if value else "0"


def _one_text(value: object) -> int | float | str:
    """A parsed number by its one text: as a number where the engine reads that as it is, else as a string."""
    assert isinstance(value, Numeral | Decimal)
    if isinstance(value, Numeral):
        return digits_of(value.text)
    text = plain(value)
    return text if text.lstrip("-").startswith(SMALL_NUMBER) else float(text) if "." in text else int(text)


def _written(value: Json, number: Callable[[object], int | float | str], *, sort_keys: bool) -> str:
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=sort_keys, default=number)
    except RecursionError:
        raise NotJsonError("nested too deeply") from None
    if not text.isascii() and _SURROGATE.search(text):
        raise NotJsonError("it has text that is no Unicode (half of a surrogate pair)")
    return text


def _as_sent(value: object) -> float | str:
    # Only short numbers come as Decimal: at most 13 characters, which a float carries without loss.
    assert isinstance(value, Numeral | Decimal)
    return value.text if isinstance(value, Numeral) else float(value)


def _whole(text: str) -> int | Numeral:
    return Numeral(text) if len(text) >= LONG_NUMBER else int(text)


def _fraction(text: str) -> Decimal | Numeral:
    return Numeral(text) if len(text) >= LONG_NUMBER or "e" in text or "E" in text else Decimal(text)


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    merged = dict(pairs)
    return merged if len(merged) == len(pairs) else dict(reversed(pairs))


def _constant(text: str) -> str:
    return text


_DECODER = json.JSONDecoder(
    parse_int=_whole, parse_float=_fraction, parse_constant=_constant, object_pairs_hook=_first_wins
)


def scan(text: str, start: int) -> tuple[Json, int]:
    """The value that begins at `start`, and where it ends. Raises json.JSONDecodeError where it breaks off."""
    return _DECODER.raw_decode(text, start)


def fail(reason: str) -> NoReturn:
    """Refuse a record that is JSON but not what was expected."""
    raise NotJsonError(reason)
