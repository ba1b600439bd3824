"""Meters, prices and plans (docs/money.md), each valid once it exists. One file a price model.

Decimals are exact: text, `Decimal` or `int` is taken, a float is refused.

All price models so far are *rated*: an amount follows from a period's whole quantity, once for each group. Metering
knows nothing of it: models and amounts are not in the pricing map (rule 4), and a new price re-meters nothing. Which of
those to come are rated, and which are not, stands in docs/money.md, "Rated, or metered".
"""

from monetization_pipeline.catalog.models.catalog import Catalog, PricingEntry, pricing_map
from monetization_pipeline.catalog.models.flat import BillTiming, FlatPrice, Proration
from monetization_pipeline.catalog.models.graduated import GraduatedPrice
from monetization_pipeline.catalog.models.meter import Aggregation, Direction, EventType, Meter
from monetization_pipeline.catalog.models.package import PackagePrice
from monetization_pipeline.catalog.models.per_unit import PerUnitPrice
from monetization_pipeline.catalog.models.plan import Plan
from monetization_pipeline.catalog.models.price import MeterPrice, Price
from monetization_pipeline.catalog.models.prices import PRICE_MODELS, model_of, price_field, price_fields
from monetization_pipeline.catalog.models.reading import price_of
from monetization_pipeline.catalog.models.tiers import Tier
from monetization_pipeline.catalog.models.transform import Rounding, Transform
from monetization_pipeline.catalog.models.volume import VolumePrice

__all__ = [
    "PRICE_MODELS",
    "Aggregation",
    "BillTiming",
    "Catalog",
    "Direction",
    "EventType",
    "FlatPrice",
    "GraduatedPrice",
    "Meter",
    "MeterPrice",
    "PackagePrice",
    "PerUnitPrice",
    "Plan",
    "Price",
    "PricingEntry",
    "Proration",
    "Rounding",
    "Tier",
    "Transform",
    "VolumePrice",
    "model_of",
    "price_field",
    "price_fields",
    "price_of",
    "pricing_map",
]
