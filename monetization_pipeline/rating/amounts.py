"""Exact products: cut at 24 digits after the point, as `money.exact` does, and never rounded."""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal

from monetization_pipeline.money import EXACT, EXACT_SCALE

_UNIT = Decimal(1).scaleb(-EXACT_SCALE)

#: From units, at least zero, to what they cost; not cut yet. A price model makes one for each price.
Pricing = Callable[[Decimal], Decimal]


def cut(amount: Decimal) -> Decimal:
    """`amount` with exactly 24 digits after the point.

    More than 24 arise only where a transform multiplies without rounding; what lies beyond is cut off towards zero, so
    that rounding to a currency later sees the same side of the half.
    """
    return amount.quantize(_UNIT, ROUND_DOWN, EXACT)


def product(units: Decimal, unit_amount: Decimal, flat_amount: Decimal = Decimal(0)) -> Decimal:
    """`units × unit_amount + flat_amount`, cut."""
    return cut(EXACT.add(EXACT.multiply(units, unit_amount), flat_amount))
