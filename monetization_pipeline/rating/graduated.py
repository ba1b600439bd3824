"""Graduated: each unit at the price of the tier that it lies in (rule 9).

Tiers hold `(previous up_to, up_to]`. A tier's flat amount is due once the tier is reached, the first one's at zero.
Worked example: up to 10 at 2, flat 5; then open at 1, flat 3. 10 units cost 10×2 + 5 = 25, 10.5 units cost
25 + 0.5×1 + 3 = 28.5.
"""

from bisect import bisect_left
from decimal import Decimal

from monetization_pipeline.catalog.models import GraduatedPrice
from monetization_pipeline.money import EXACT, plain
from monetization_pipeline.rating.amounts import Pricing, product
from monetization_pipeline.rating.lines import Part

_ZERO = Decimal(0)


def pricing(price: GraduatedPrice) -> Pricing:
    """What all lower tiers cost, their flat amounts and this one's, and the units above them at this tier's price."""
    tops = [tier.up_to for tier in price.tiers if tier.up_to is not None]
    tiers: list[tuple[Decimal, Decimal, Decimal]] = []
    below = base = _ZERO
    for tier in price.tiers:
        base = EXACT.add(base, tier.flat_amount)
        tiers.append((below, tier.unit_amount, base))
        if tier.up_to is not None:
            base = EXACT.fma(EXACT.subtract(tier.up_to, below), tier.unit_amount, base)
            below = tier.up_to
    subtract, multiply_add = EXACT.subtract, EXACT.fma

    def cost(units: Decimal) -> Decimal:
        lower, unit_amount, reached = tiers[bisect_left(tops, units)]
        return multiply_add(subtract(units, lower), unit_amount, reached)

    return cost


def parts(price: GraduatedPrice, units: Decimal) -> tuple[Part, ...]:
    """One part for each tier that `units` reaches, walking up from the first."""
    below = _ZERO
    found: list[Part] = []
    for number, tier in enumerate(price.tiers, 1):
        if number > 1 and units <= below:
            break
        top = units if tier.up_to is None or units < tier.up_to else tier.up_to
        held = EXACT.subtract(top, below)
        found.append(
            {
                "tier": number,
                "up_to": None if tier.up_to is None else plain(tier.up_to),
                "units": plain(held),
                "unit_amount": plain(tier.unit_amount),
                "flat_amount": plain(tier.flat_amount),
                "amount": plain(product(held, tier.unit_amount, tier.flat_amount)),
            }
        )
        below = top
        if top is units:
            break
    return tuple(found)
