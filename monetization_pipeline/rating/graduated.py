"""Graduated: each unit at the price of the tier that it lies in (rule 9).

Tiers hold `(previous up_to, up_to]`. A tier's flat amount is due once the tier is reached, the first one's at zero.
Worked example: up to 10 at 2, flat 5; then open at 1, flat 3. 10 units cost 10×2 + 5 = 25, 10.5 units cost
25 + 0.5×1 + 3 = 28.5.
"""

from decimal import Decimal

from monetization_pipeline.catalog.models import Price
from monetization_pipeline.money import EXACT, plain
from monetization_pipeline.rating.amounts import product
from monetization_pipeline.rating.lines import Charge, Part

_ZERO = Decimal(0)


def charge(price: Price, units: Decimal) -> Charge:
    """One part for each tier that `units` reaches."""
    total, below = _ZERO, _ZERO
    parts: list[Part] = []
    for number, tier in enumerate(price.tiers, 1):
        if number > 1 and units <= below:
            break
        top = units if tier.up_to is None or units < tier.up_to else tier.up_to
        held = EXACT.subtract(top, below)
        amount = product(held, tier.unit_amount, tier.flat_amount)
        total = EXACT.add(total, amount)
        parts.append(
            {
                "tier": number,
                "up_to": None if tier.up_to is None else plain(tier.up_to),
                "units": plain(held),
                "unit_amount": plain(tier.unit_amount),
                "flat_amount": plain(tier.flat_amount),
                "amount": plain(amount),
            }
        )
        below = top
        if top is units:
            break
    return Charge(total, tuple(parts))
