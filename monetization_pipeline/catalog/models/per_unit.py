"""Per unit: every unit costs the same."""

from typing import ClassVar, Literal

from pydantic import Field

from monetization_pipeline.catalog.fields import Amount
from monetization_pipeline.catalog.models.price import MeterPrice


class PerUnitPrice(MeterPrice, frozen=True):
    """`unit_amount` for each unit, and for a part of a unit its part."""

    takes: ClassVar = ("unit_amount",)

    model: Literal["per_unit"]
    unit_amount: Amount = Field(description="price of one unit")
