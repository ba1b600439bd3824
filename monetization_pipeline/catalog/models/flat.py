"""Flat: a recurring fee without a quantity."""

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from monetization_pipeline.catalog.fields import Amount
from monetization_pipeline.catalog.models.price import Price


class BillTiming(StrEnum):
    """Whether a fee is due at its period's start or end."""

    IN_ADVANCE = "in_advance"
    IN_ARREARS = "in_arrears"


class Proration(StrEnum):
    """How a fee of a part of a period is reduced (rule 12)."""

    DAY = "day"
    SECOND = "second"
    NONE = "none"


class FlatPrice(Price, frozen=True):
    """A recurring fee: `amount` for each period in which the subscription is active, whatever was used.

    Where the subscription is active for a part of a period, the fee is prorated.
    """

    takes: ClassVar = ("amount",)

    model: Literal["flat"]
    meter: None = None
    amount: Amount = Field(description="the fee for one whole period")
    bill: BillTiming = Field(
        BillTiming.IN_ARREARS, description="when the fee is due: as its period begins, or as it ends"
    )
    prorate: Proration = Field(
        Proration.DAY,
        description="how the fee for a part of a period is reduced: to the active days, to the active seconds, or not "
        "at all. A day belongs to whoever is active at its last instant; where there is no day, there is no line",
    )

    @property
    def in_advance(self) -> bool:
        """Whether the fee is due as its period begins."""
        return self.bill is BillTiming.IN_ADVANCE
