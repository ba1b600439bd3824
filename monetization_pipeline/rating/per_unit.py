"""Per unit: every unit costs the same."""

from decimal import Decimal
from functools import partial

from monetization_pipeline.catalog.models import Price, present
from monetization_pipeline.money import EXACT, plain
from monetization_pipeline.rating.amounts import Pricing, product
from monetization_pipeline.rating.lines import Part


def pricing(price: Price) -> Pricing:
    """`units × unit_amount`."""
    return partial(EXACT.multiply, present(price.unit_amount, "unit_amount"))


def parts(price: Price, units: Decimal) -> tuple[Part, ...]:
    """The one product."""
    unit_amount = present(price.unit_amount, "unit_amount")
    amount = product(units, unit_amount)
    return ({"units": plain(units), "unit_amount": plain(unit_amount), "amount": plain(amount)},)
