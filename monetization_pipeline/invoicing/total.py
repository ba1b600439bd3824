"""The total of an invoice: the sum of its rounded lines."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce

from monetization_pipeline.invoicing.draft import Draft
from monetization_pipeline.money import EXACT


def add_up(draft: Draft) -> Draft:
    """Each invoice has its total, exactly, with its currency's minor digits."""
    return replace(draft, totals=[_sum(draft.amounts[place]) for place in draft.places()])


def _sum(amounts: Sequence[Decimal]) -> Decimal:
    # `sum` would round to the digits of whatever context is in force.
    return reduce(EXACT.add, amounts)
