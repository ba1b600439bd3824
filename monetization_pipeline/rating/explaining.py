"""How a line's amount comes about, worked out step by step when somebody asks.

An explanation is ready for JSON; figures are decimal text:

    {"model": "graduated", "quantity": "12400",
     "transform": {"divide": "1000", "round": "up", "step": "1", "quantity": "13"}, "included_units": "5",
     "units": "8", "parts": [{"tier": 1, "up_to": null, "units": "8", "unit_amount": "2", "flat_amount": "0",
     "amount": "16"}], "amount": "16"}

`transform` and `included_units` stand there where the price has them. A fee has no `quantity` and no `units`; its part
shows `full_amount` and, where it is prorated, `days` and `full_days` or `seconds` and `full_seconds`. `amount` is the
sum of the parts' amounts.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from monetization_pipeline.catalog.models import FlatPrice, MeterPrice, Transform
from monetization_pipeline.money import EXACT, plain
from monetization_pipeline.rating import flat
from monetization_pipeline.rating.engine import MODELS
from monetization_pipeline.rating.lines import Part, Span
from monetization_pipeline.rating.quantity import charging_units, transforming

Explanation = Mapping[str, Any]


def explain_usage(price: MeterPrice, quantity: Decimal) -> Explanation:
    """How `price` charges a period's whole metered quantity."""
    steps: dict[str, object] = {"model": price.model, "quantity": plain(quantity)}
    if price.transform is not None:
        steps["transform"] = _transformation(price.transform, quantity)
    if price.included_units:
        steps["included_units"] = plain(price.included_units)
    units = charging_units(price)(quantity)
    parts = MODELS[price.model].parts(price, units)
    return steps | {"units": plain(units), "parts": parts, "amount": _sum(parts)}


def explain_fee(price: FlatPrice, span: Span, zone: str) -> Explanation:
    """How much of a fee is due for a part of its period; `zone` says where days begin."""
    parts = flat.parts(price, span.active, span.full, zone)
    return {"model": price.model, "parts": parts, "amount": _sum(parts)}


def _transformation(transform: Transform, quantity: Decimal) -> dict[str, str]:
    steps: dict[str, str] = {}
    if transform.multiply is not None:
        steps["multiply"] = plain(transform.multiply)
    if transform.divide is not None:
        steps["divide"] = plain(transform.divide)
    if transform.round is not None:
        steps |= {"round": transform.round.value, "step": plain(transform.step)}
    return steps | {"quantity": plain(transforming(transform)(quantity))}


def _sum(parts: Iterable[Part]) -> str:
    total = Decimal(0)
    for part in parts:
        total = EXACT.add(total, Decimal(str(part["amount"])))
    return plain(total)
