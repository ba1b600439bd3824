"""JSON without loss: numbers that a float would bend stay as the text they were written in (rule 8).

The engine's own JSON functions round numbers to 17 digits and read `NaN`. A record in which that could matter is read
here instead and handed on as JSON in which such numbers are strings of their text.
"""

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

#: JSON numbers of this many characters, or with an exponent, become strings of their text.
LONG_NUMBER = 14

#: RE2 pattern that finds every text line in which a number may need this reader; may find more (digits in a string).
RISKY = (
    rf"[:,\[]\s*(?:-[0-9.]{{{LONG_NUMBER - 1},}}|[0-9.]{{{LONG_NUMBER},}}|"
    r"-?[0-9.]+[eE][-+]?[0-9]|-?(?i:nan|inf(?:inity)?)\s*[,\]}])"
)

Json = None | bool | int | str | Decimal | list["Json"] | dict[str, "Json"]


_SURROGATE = re.compile("[\ud800-\udfff]")


class NotJsonError(ValueError):
    """Text that is not JSON, with the place in it."""


def parse(text: str) -> Json:
    """The value of JSON text. Long numbers and numbers with an exponent come as text, `NaN` and `Infinity` too.

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
    """Compact JSON of a value, keys in the order they have. Raises NotJsonError for what UTF-8 cannot hold."""
    return _written(value, sort_keys=False)


def canonical(value: Json) -> str:
    """Compact JSON with sorted keys, equal for records that say the same. NotJsonError for what UTF-8 cannot hold."""
    return _written(value, sort_keys=True)


def escaped(value: Json) -> str:
    """JSON in ASCII of any value that was parsed, for reports."""
    try:
        return json.dumps(value, separators=(",", ":"), default=_number)
    except RecursionError:
        return ""


def _written(value: Json, *, sort_keys: bool) -> str:
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=sort_keys, default=_number)
    except RecursionError:
        raise NotJsonError("nested too deeply") from None
    if not text.isascii() and _SURROGATE.search(text):
        raise NotJsonError("it has text that is no Unicode (half of a surrogate pair)")
    return text


def _number(value: object) -> float:
    # Only short numbers come as Decimal: at most 13 characters, which a float carries without loss.
    assert isinstance(value, Decimal)
    return float(value)


def _whole(text: str) -> int | str:
    return text if len(text) >= LONG_NUMBER else int(text)


def _fraction(text: str) -> Decimal | str:
    return text if len(text) >= LONG_NUMBER or "e" in text or "E" in text else Decimal(text)


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
