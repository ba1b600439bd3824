"""Per unit: every unit costs the same."""

from decimal import Decimal

from monetization_pipeline.catalog.models import Price, present
from monetization_pipeline.money import plain
from monetization_pipeline.rating.amounts import product
from monetization_pipeline.rating.lines import Charge, Part


def charge(price: Price, units: Decimal) -> Charge:
    """`units × unit_amount`."""
    unit_amount = present(price.unit_amount, "unit_amount")
    amount = product(units, unit_amount)
    part: Part = {"units": plain(units), "unit_amount": plain(unit_amount), "amount": plain(amount)}
    return Charge(amount, (part,))
