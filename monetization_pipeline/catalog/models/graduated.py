"""Graduated: each unit at the price of the tier that it lies in (rule 9)."""

from typing import ClassVar, Literal

from monetization_pipeline.catalog.models.price import MeterPrice
from monetization_pipeline.catalog.models.tiers import Tiers


class GraduatedPrice(MeterPrice, frozen=True):
    """Each unit at the price of the tier that it lies in, plus the flat amounts of all tiers that are reached."""

    takes: ClassVar = ("tiers",)

    model: Literal["graduated"]
    tiers: Tiers
