"""Volume: all units at the price of the tier that the total reaches (rule 9).

Tiers hold `(previous up_to, up_to]`; only the reached tier's flat amount is due, at zero units the first one's. The
amount may fall as units grow: that is what volume prices are for.
"""

from decimal import Decimal

from monetization_pipeline.catalog.models import Price
from monetization_pipeline.money import plain
from monetization_pipeline.rating.amounts import product
from monetization_pipeline.rating.lines import Charge, Part


def charge(price: Price, units: Decimal) -> Charge:
    """`units × unit_amount + flat_amount` of the tier reached."""
    number, tier = next(
        (number, tier) for number, tier in enumerate(price.tiers, 1) if tier.up_to is None or units <= tier.up_to
    )
    amount = product(units, tier.unit_amount, tier.flat_amount)
    part: Part = {
        "tier": number,
        "up_to": None if tier.up_to is None else plain(tier.up_to),
        "units": plain(units),
        "unit_amount": plain(tier.unit_amount),
        "flat_amount": plain(tier.flat_amount),
        "amount": plain(amount),
    }
    return Charge(amount, (part,))
