"""Per unit: every unit costs the same."""

from decimal import Decimal
from functools import partial

from monetization_pipeline.catalog.models import PerUnitPrice
from monetization_pipeline.money import EXACT, plain
from monetization_pipeline.rating.amounts import Pricing, product
from monetization_pipeline.rating.lines import Part


def pricing(price: PerUnitPrice) -> Pricing:
    """`units × unit_amount`."""
    return partial(EXACT.multiply, price.unit_amount)


def parts(price: PerUnitPrice, units: Decimal) -> tuple[Part, ...]:
    """The one product."""
    amount = product(units, price.unit_amount)
    return ({"units": plain(units), "unit_amount": plain(price.unit_amount), "amount": plain(amount)},)
