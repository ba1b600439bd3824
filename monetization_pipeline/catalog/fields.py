"""The kinds of text that catalog fields hold, and how each is read: exact decimals, ids, currencies, flags."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from monetization_pipeline.money import CURRENCIES, UnknownCurrencyError, exponent_of

#: Digits before and after the point that a figure may have, its trailing zeros aside (rule 8).
WHOLE_DIGITS = 16
FRACTION_DIGITS = 12

_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}", re.ASCII)


def fits(value: Decimal) -> bool:
    """Whether a finite `value` has at most 16 whole and 12 fractional digits."""
    if not value:
        return True
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return False
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return value.adjusted() < WHOLE_DIGITS and exponent + trailing >= -FRACTION_DIGITS


def _decimal(value: object) -> Decimal:
    number = _parsed(value)
    if number is None or not number.is_finite():
        raise ValueError(f'{value!r} is not a decimal number; write it as text, such as "0.002"')
    if not fits(number):
        raise ValueError(f"{value} has more than {WHOLE_DIGITS} whole or {FRACTION_DIGITS} fractional digits")
    return number


def _parsed(value: object) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value.strip()) if _DECIMAL.fullmatch(value.strip()) else None
    if isinstance(value, bool):
        return None
    return Decimal(value) if isinstance(value, Decimal | int) else None


def _non_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError(f"{value} is negative; a price never is")
    return value.copy_abs()


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError(f"{value} is not greater than zero")
    return value


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError(
            f"{value!r} is not an id; use up to 100 letters, digits, '_', '.', ':' and '-', not '.', ':' or '-' first"
        )
    return value


def _expression(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; write an expression or leave the field out")
    return value.strip()


def _currency(value: str) -> str:
    try:
        exponent_of(value)
    except UnknownCurrencyError as error:
        meant = f"; did you mean {value.upper()}?" if value.upper() in CURRENCIES else ""
        raise ValueError(f"{error}{meant}") from None
    return value


def _flag(value: object) -> bool:
    flags = {"true": True, "false": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in flags:
        return flags[value.lower()]
    raise ValueError(f"{value!r} is neither true nor false")


def _names(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"names {', '.join(twice)} more than once")
    return tuple(sorted(values))


Id = Annotated[str, AfterValidator(_id)]
Expression = Annotated[str, AfterValidator(_expression)]
Currency = Annotated[str, AfterValidator(_currency)]
Flag = Annotated[bool, BeforeValidator(_flag)]
#: A set of names, kept sorted so that their order in the file means nothing.
Names = Annotated[tuple[Expression, ...], AfterValidator(_names)]
Amount = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_non_negative)]
Positive = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_positive)]
