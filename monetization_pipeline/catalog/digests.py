"""What a catalog says, as digests that change only when it says something else.

Order of files, meters, plans and prices, spelling of numbers (`1`, `1.00`) and comments do not enter.
"""

import hashlib
import json
from decimal import Decimal
from typing import cast

from pydantic import BaseModel

from monetization_pipeline.catalog.models import Catalog, pricing_map
from monetization_pipeline.money import plain


def meters_digest(catalog: Catalog) -> str:
    """SHA-256 in hex of all that metering reads of the meters; a description is not part of it."""
    return _digest([_canonical(meter.model_dump(exclude={"description"})) for meter in catalog.meters])


def prices_digest(catalog: Catalog) -> str:
    """SHA-256 in hex of the plans with their prices, descriptions included: invoices show those."""
    plans = [cast("dict[str, object]", _canonical(plan)) for plan in catalog.plans]
    for plan in plans:
        plan["prices"] = sorted(cast("list[object]", plan["prices"]), key=_text)
    return _digest(plans)


def pricing_map_digest(catalog: Catalog) -> str:
    """SHA-256 in hex of which plan prices which meter; amounts, tiers and models are not part of it (rule 4)."""
    return _digest(
        [
            [entry.plan_id, entry.interval, entry.price_id, entry.meter_id, list(entry.group_by)]
            for entry in pricing_map(catalog)
        ]
    )


def _canonical(value: object) -> object:
    if isinstance(value, BaseModel):
        return _canonical(value.model_dump())
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in cast("tuple[object, ...]", value)]
    return value


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _digest(items: list[object] | list[dict[str, object]] | list[list[object]]) -> str:
    return hashlib.sha256(_text(sorted(items, key=_text)).encode()).hexdigest()
