"""From a metered quantity to the units that are charged (rule 10).

First the transform, on the whole quantity of the period: multiply or divide, then round to a step. Then the included
units come off. Included units are therefore in transformed units: with `divide: 1000, round: up` and
`included_units: 5`, 1,400 calls are 2 thousands, all of them included. What is left is never below zero: negative
usage (a sum of negative values) charges nothing, and gives nothing back.
"""

from decimal import Decimal
from fractions import Fraction

from monetization_pipeline.catalog.models import Price, Rounding, Transform, present, reciprocal
from monetization_pipeline.money import EXACT

_ZERO = Decimal(0)
_HALF = Fraction(1, 2)


def transformed(quantity: Decimal, transform: Transform) -> Decimal:
    """`quantity` multiplied or divided, then rounded; exact at every step."""
    if transform.round is not None:
        return _rounded(_scaled(quantity, transform), transform.round, transform.step)
    if transform.multiply is not None:
        return EXACT.multiply(quantity, transform.multiply)
    factor = reciprocal(present(transform.divide, "divide"))
    return EXACT.multiply(quantity, present(factor, "round"))


def charged_units(quantity: Decimal, price: Price) -> Decimal:
    """The units that `price` charges of a period's whole metered `quantity`: at least zero."""
    units = quantity if price.transform is None else transformed(quantity, price.transform)
    left = EXACT.subtract(units, price.included_units) if price.included_units else units
    return max(_ZERO, left)


def _scaled(quantity: Decimal, transform: Transform) -> Fraction:
    if transform.multiply is not None:
        return Fraction(quantity) * Fraction(transform.multiply)
    return Fraction(quantity) / Fraction(transform.divide) if transform.divide is not None else Fraction(quantity)


def _rounded(value: Fraction, rounding: Rounding, step: Decimal) -> Decimal:
    steps = value / Fraction(step)
    if rounding is Rounding.UP:
        whole = -(-steps.numerator // steps.denominator)
    elif rounding is Rounding.DOWN:
        whole = steps.numerator // steps.denominator
    else:
        away = abs(steps) + _HALF
        whole = away.numerator // away.denominator * (-1 if steps < 0 else 1)
    return EXACT.multiply(Decimal(whole), step)
