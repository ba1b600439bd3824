"""From a metered quantity to the units that are charged (rule 10).

First the transform, on the whole quantity of the period: multiply or divide, then round to a step. Then the included
units come off. Included units are therefore in transformed units: with `divide: 1000, round: up` and
`included_units: 5`, 1,400 calls are 2 thousands, all of them included. What is left is never below zero: negative
usage (a sum of negative values) charges nothing, and gives nothing back.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from monetization_pipeline.catalog.models import MeterPrice, Rounding, Transform
from monetization_pipeline.money import EXACT

_ZERO, _ONE = Decimal(0), Decimal(1)

#: From a period's whole metered quantity to a quantity.
Quantities = Callable[[Decimal], Decimal]


def transforming(transform: Transform) -> Quantities:
    """What multiplies or divides a quantity, then rounds it; exact at every step."""
    if transform.round is not None:
        return _rounding(transform, transform.round)
    if transform.factor is None:
        raise ValueError(f"a transform without a rounding has no exact result: {transform}")
    return partial(EXACT.multiply, transform.factor)


def charging_units(price: MeterPrice) -> Quantities:
    """What makes of a period's whole metered quantity the units that `price` charges: at least zero."""
    included, subtract = price.included_units, EXACT.subtract
    if price.transform is None:
        return _above_zero if not included else lambda quantity: _above_zero(subtract(quantity, included))
    transformed = transforming(price.transform)

    def units(quantity: Decimal) -> Decimal:
        return _above_zero(subtract(transformed(quantity), included))

    return units


def _above_zero(quantity: Decimal) -> Decimal:
    return max(_ZERO, quantity)


def _rounding(transform: Transform, rounding: Rounding) -> Quantities:
    """Whole numbers of steps: `quantity × multiply ÷ (divide × step)`, never as a quotient with an end cut off."""
    factor, step = transform.multiply or _ONE, transform.step
    whole = EXACT.multiply(transform.divide or _ONE, step)
    multiply, divide = EXACT.multiply, EXACT.divmod

    def rounded(quantity: Decimal) -> Decimal:
        steps, left = divide(multiply(quantity, factor), whole)
        if left:
            steps = EXACT.add(steps, _away(left, whole, rounding))
        return multiply(steps, step)

    return rounded


def _away(left: Decimal, whole: Decimal, rounding: Rounding) -> int:
    """What to add to a number of steps that was cut off towards zero, with `left` of a `whole` step remaining."""
    if rounding is Rounding.UP:
        return 1 if left > 0 else 0
    if rounding is Rounding.DOWN:
        return -1 if left < 0 else 0
    if EXACT.multiply(left.copy_abs(), 2) < whole:
        return 0
    return -1 if left < 0 else 1
