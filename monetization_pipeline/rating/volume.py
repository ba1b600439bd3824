"""Volume: all units at the price of the tier that the total reaches (rule 9).

Tiers hold `(previous up_to, up_to]`; only the reached tier's flat amount is due, at zero units the first one's. The
amount may fall as units grow: that is what volume prices are for.
"""

from bisect import bisect_left
from decimal import Decimal

from monetization_pipeline.catalog.models import VolumePrice
from monetization_pipeline.money import EXACT, plain
from monetization_pipeline.rating.amounts import Pricing, product
from monetization_pipeline.rating.lines import Part


def pricing(price: VolumePrice) -> Pricing:
    """`units × unit_amount + flat_amount` of the tier reached."""
    tops = [tier.up_to for tier in price.tiers if tier.up_to is not None]
    tiers = [(tier.unit_amount, tier.flat_amount) for tier in price.tiers]
    multiply_add = EXACT.fma

    def cost(units: Decimal) -> Decimal:
        unit_amount, flat_amount = tiers[bisect_left(tops, units)]
        return multiply_add(units, unit_amount, flat_amount)

    return cost


def parts(price: VolumePrice, units: Decimal) -> tuple[Part, ...]:
    """The tier reached, found by walking up to it."""
    number, tier = next(
        (number, tier) for number, tier in enumerate(price.tiers, 1) if tier.up_to is None or units <= tier.up_to
    )
    return (
        {
            "tier": number,
            "up_to": None if tier.up_to is None else plain(tier.up_to),
            "units": plain(units),
            "unit_amount": plain(tier.unit_amount),
            "flat_amount": plain(tier.flat_amount),
            "amount": plain(product(units, tier.unit_amount, tier.flat_amount)),
        },
    )
