"""What happens to a quantity before it is priced (rule 10)."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from monetization_pipeline.catalog.fields import Positive, fits
from monetization_pipeline.catalog.models.common import CatalogPart, checked
from monetization_pipeline.money import EXACT
from monetization_pipeline.written import Loc


class Rounding(StrEnum):
    """Direction in which a transformed quantity is rounded; `nearest` goes half away from zero."""

    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


class Transform(CatalogPart, frozen=True):
    """What happens to a period's whole quantity before it is priced (rule 10): multiply or divide, then round."""

    multiply: Positive | None = Field(None, description="what the quantity is multiplied by")
    divide: Positive | None = Field(None, description="what it is divided by instead")
    round: Rounding | None = Field(
        None, description="which way it is then rounded; `nearest` goes half away from zero. Without it, not at all"
    )
    step: Positive = Field(Decimal(1), description="rounding is to whole multiples of this")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        return checked(self, _problems(self))

    @property
    def factor(self) -> Decimal | None:
        """What one multiplication makes of it, rounding aside; None where a division has no exact decimal result."""
        return self.multiply if self.divide is None else _reciprocal(self.divide)


def _problems(transform: Transform) -> Iterator[tuple[Loc, str]]:
    divisor = transform.divide
    if transform.multiply is not None and divisor is not None:
        yield ("divide",), "stands beside multiply; give one of them"
    if transform.multiply is None and divisor is None and transform.round is None:
        yield (), "does nothing; give multiply, divide or round"
    if "step" in transform.model_fields_set and transform.round is None:
        yield ("step",), "is the step of a rounding; give round: up, down or nearest as well"
    if divisor is not None and transform.round is None and transform.factor is None:
        yield ("divide",), f"by {divisor} has no exact decimal result; give round: up, down or nearest as well"


def _reciprocal(divisor: Decimal) -> Decimal | None:
    """1 / divisor where that is a decimal of at most 16 whole and 12 fractional digits, else None."""
    quotient = EXACT.divide(Decimal(1), divisor)
    return quotient if fits(quotient) and EXACT.multiply(quotient, divisor) == 1 else None
