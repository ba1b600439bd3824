r"""Which texts are numbers, in SQL and in plain Python alike (rule 8).

A text is a number iff it matches `[+-]? (digits [. digits?] | . digits) ([eE] [+-]? digits)?` with ASCII digits and
its exact value is a multiple of 1e-12 with at most 16 digits before the point. Leading zeros, and trailing ones after
the point, do not count. An exponent beyond ±40 is refused unless the mantissa is zero. Nothing is ever rounded.

A value has one text, however its number was written: digits, without an exponent or zeros that do not count.
"""

import re
from decimal import Decimal

from monetization_pipeline.money import plain

#: Digits before and after the point of a value, DECIMAL(28,12).
WHOLE_DIGITS = 16
SCALE = 12
VALUE_TYPE = f"DECIMAL({WHOLE_DIGITS + SCALE},{SCALE})"

_LARGEST = 10**WHOLE_DIGITS - 1
_MAX_EXPONENT = 40
_MANTISSA = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
#: The usual text. Bounded in length: DuckDB's cast counts digits in a byte.
_PLAIN = (
    rf"^[+-]?(?:0{{0,20}}[0-9]{{1,{WHOLE_DIGITS}}}(?:\.[0-9]{{0,{SCALE}}}0{{0,20}})?|\.[0-9]{{1,{SCALE}}}0{{0,20}})$"
)
_SHIFTED = rf"^[+-]?{_MANTISSA}(?:[eE][+-]?0*(?:[0-3]?[0-9]|{_MAX_EXPONENT}))?$"
_ZERO = r"^[+-]?(?:0+\.?0*|\.0+)(?:[eE][+-]?[0-9]+)?$"
_POINT = "'.'"
_NUMBER = re.compile(r"([+-]?)(?:([0-9]+)\.?([0-9]*)|\.([0-9]+))(?:[eE]([+-]?)([0-9]+))?")


def to_decimal(sql: str) -> str:
    """SQL for the exact DECIMAL(28,12) of a VARCHAR expression; NULL where its text is no such number. Never raises.

    A whole number that is written as the engine would write it costs two casts. Of the rest, regexp_extract yields ''
    where the pattern does not match, and TRY_CAST turns that into NULL: one match and one cast; only what that refuses
    is looked at again.
    """
    whole = f"TRY_CAST({sql} AS BIGINT)"
    canonical = f"CAST({whole} AS VARCHAR) = {sql} AND {whole} BETWEEN -{_LARGEST} AND {_LARGEST}"
    exact = f"TRY_CAST({whole} AS {VALUE_TYPE})"
    return f"CASE WHEN {canonical} THEN {exact} ELSE coalesce({_plain(sql)}, {_unusual(sql)}) END"


def decimal_text_ok(sql: str) -> str:
    """SQL for whether a VARCHAR expression's text is a number; false, not NULL, for NULL."""
    return f"(({to_decimal(sql)}) IS NOT NULL)"


def to_whole(sql: str) -> str:
    """SQL for the exact BIGINT of a VARCHAR expression, also of `200.0` and `2e2`; NULL where it is no whole number."""
    whole = f"TRY_CAST({sql} AS BIGINT)"
    return f"CASE WHEN CAST({whole} AS VARCHAR) = {sql} THEN {whole} ELSE {whole_of(to_decimal(sql))} END"


def whole_of(sql: str) -> str:
    """SQL for the exact BIGINT of a DECIMAL expression; NULL where it is not whole, or too large for one."""
    return rf"TRY_CAST(regexp_extract(CAST({sql} AS VARCHAR), '^(-?[0-9]+)(?:\.0*)?$', 1) AS BIGINT)"


def decimal_text(sql: str) -> str:
    """SQL for the one text of a DECIMAL expression that has digits after the point."""
    return f"rtrim(rtrim(CAST({sql} AS VARCHAR), '0'), '.')"


def _plain(sql: str) -> str:
    return f"TRY_CAST(regexp_extract({sql}, '{_PLAIN}') AS {VALUE_TYPE})"


def _unusual(sql: str) -> str:
    """A text with an exponent or many zeros: its digits with the point moved, without the zeros that do not count."""
    halves = f"lower({sql})"
    mantissa = f"ltrim(split_part({halves}, 'e', 1), '+-')"
    exponent = f"coalesce(TRY_CAST(split_part({halves}, 'e', 2) AS INTEGER), 0)"
    zeros = f"repeat('0', {_MAX_EXPONENT})"
    digits = f"({zeros} || replace({mantissa}, '.', '') || {zeros})"
    point = f"({_MAX_EXPONENT} + length(split_part({mantissa}, '.', 1)) + {exponent})"
    sign = f"CASE WHEN starts_with({sql}, '-') THEN '-' ELSE '' END"
    whole = f"ltrim(substr({digits}, 1, {point}), '0')"
    fraction = f"rtrim(substr({digits}, {point} + 1), '0')"
    return (
        f"CASE WHEN regexp_matches({sql}, '{_ZERO}') THEN CAST(0 AS {VALUE_TYPE}) "
        f"WHEN regexp_matches({sql}, '{_SHIFTED}') THEN {_plain(f'({sign} || {whole} || {_POINT} || {fraction})')} END"
    )


def python_decimal(text: str) -> Decimal | None:
    """The exact value of a text under the same grammar as `to_decimal`; None where it is no such number.

    >>> python_decimal("1.50e2"), python_decimal("-.5")
    (Decimal('150.0'), Decimal('-0.5'))
    >>> [python_decimal(text) for text in ("1_000", "NaN", "0.1234567890123", "12345678901234567")]
    [None, None, None, None]
    """
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    sign, before, after, fraction, exponent_sign, exponent = found.groups()
    whole, part = before or "", after or fraction or ""
    if not (whole + part).strip("0"):
        return Decimal(0)
    shift = _exponent(exponent_sign, exponent)
    if shift is None:
        return None
    padded = "0" * _MAX_EXPONENT + whole + part + "0" * _MAX_EXPONENT
    point = _MAX_EXPONENT + len(whole) + shift
    whole, part = padded[:point].lstrip("0"), padded[point:].rstrip("0")
    if len(whole) > WHOLE_DIGITS or len(part) > SCALE:
        return None
    return Decimal(f"{sign}{whole or '0'}.{part or '0'}")


def number_text(text: str) -> str | None:
    """The one text of the number that a text means; None where it is no such number.

    >>> [number_text(text) for text in ("7.000", "2.5e2", "-0.0", ".50", "1e-7")]
    ['7', '250', '0', '0.5', '0.0000001']
    """
    value = python_decimal(text)
    return None if value is None else plain(value)


def _exponent(sign: str | None, digits: str | None) -> int | None:
    bare = (digits or "").lstrip("0")
    if len(bare) > 2:
        return None
    size = int(bare or "0")
    if size > _MAX_EXPONENT:
        return None
    return -size if sign == "-" else size
