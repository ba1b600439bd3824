"""Tiers: the steps of a price (rule 9)."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticKnownError

from monetization_pipeline.catalog.fields import Amount, Positive
from monetization_pipeline.catalog.models.common import CatalogPart, problem, refuse_if
from monetization_pipeline.written import Loc


class Tier(CatalogPart, frozen=True):
    """One step of a price: the units in `(previous up_to, up_to]` (rule 9)."""

    up_to: Positive | None = Field(description="where the tier ends; the end belongs to it. `null` for the last one")
    unit_amount: Amount = Field(Decimal(0), description="price of one unit")
    flat_amount: Amount = Field(
        Decimal(0), description="due as a whole once the tier is reached; the first tier's at zero units already"
    )


def _rising(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    if not tiers:
        raise PydanticKnownError("too_short", {"field_type": "Tuple", "min_length": 1, "actual_length": 0})
    refuse_if("tiers", [problem(loc, text) for loc, text in _problems(tiers)])
    return tiers


def _problems(tiers: tuple[Tier, ...]) -> Iterator[tuple[Loc, str]]:
    previous: Decimal | None = None
    for index, tier in enumerate(tiers):
        last = index == len(tiers) - 1
        if tier.up_to is None and not last:
            yield (index, "up_to"), "is open (null), but only the last tier may be"
        elif tier.up_to is not None:
            if previous is not None and tier.up_to <= previous:
                yield (index, "up_to"), f"is {tier.up_to}, not above the previous tier's {previous}: they overlap"
            if last:
                yield (index, "up_to"), f"is {tier.up_to}, but the last tier must be open; write up_to: null"
            previous = tier.up_to


#: At least one tier, each above the one before, the last one open.
Tiers = Annotated[
    tuple[Tier, ...],
    AfterValidator(_rising),
    Field(description="its steps: at least one, each ending above the one before, the last one open"),
]
