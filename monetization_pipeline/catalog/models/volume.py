"""Volume: all units at the price of the tier that their number reaches (rule 9)."""

from typing import ClassVar, Literal

from monetization_pipeline.catalog.models.price import MeterPrice
from monetization_pipeline.catalog.models.tiers import Tiers


class VolumePrice(MeterPrice, frozen=True):
    """All units at the price of the tier that their number reaches, plus that tier's flat amount.

    So more units may cost less, just above the end of a tier.
    """

    takes: ClassVar = ("tiers",)

    model: Literal["volume"]
    tiers: Tiers
