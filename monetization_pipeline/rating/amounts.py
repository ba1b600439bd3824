"""Exact products: cut at 24 digits after the point, as `money.exact` does, and never rounded."""

from decimal import ROUND_DOWN, Decimal

from monetization_pipeline.money import EXACT, EXACT_SCALE

_UNIT = Decimal(1).scaleb(-EXACT_SCALE)


def product(units: Decimal, unit_amount: Decimal, flat_amount: Decimal | None = None) -> Decimal:
    """`units × unit_amount + flat_amount`.

    More than 24 digits arise only where a transform multiplies without rounding; what lies beyond is cut off towards
    zero, so that rounding to a currency later sees the same side of the half.
    """
    value = EXACT.multiply(units, unit_amount)
    if flat_amount:
        value = EXACT.add(value, flat_amount)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -EXACT_SCALE:
        return value.quantize(_UNIT, rounding=ROUND_DOWN, context=EXACT)
    return value
