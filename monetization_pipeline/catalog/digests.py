"""What a catalog says, as digests that change only when it says something else.

Order of files, meters, plans and prices, spelling of numbers (`1`, `1.00`) and comments do not enter. A digest says
what is out of date in the lake of years, so its form is fixed: what it held in November 2026 it holds for ever, whether
said or not, and whatever came later only where it is said. So a new field or a new price model changes no digest of a
catalog that does not use it.
"""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

from pydantic import BaseModel

from monetization_pipeline.catalog.models import Catalog, Meter, Plan, Price, Tier, Transform, pricing_map
from monetization_pipeline.money import plain

#: The fields that are always written, and what stands for one that a price's model does not have. Nothing is added.
_FORMS: Mapping[type[BaseModel], Mapping[str, object]] = {
    Meter: dict.fromkeys(
        ("meter_id", "event_type", "action_name", "filter", "aggregation", "value", "dimensions", "count_blocked")
    ),
    Plan: dict.fromkeys(("plan_id", "currency", "interval", "description", "prices")),
    Price: {
        "price_id": None,
        "model": None,
        "meter": None,
        "description": "",
        "amount": None,
        "unit_amount": None,
        "tiers": [],
        "package_size": None,
        "package_amount": None,
        "included_units": "0",
        "transform": None,
        "group_by": [],
        "bill": "in_arrears",
        "prorate": "day",
    },
    Tier: dict.fromkeys(("up_to", "unit_amount", "flat_amount")),
    Transform: dict.fromkeys(("multiply", "divide", "round", "step")),
}


def meters_digest(catalog: Catalog) -> str:
    """SHA-256 in hex of all that metering reads of the meters; a description is not part of it."""
    return _digest([_fields(meter, without="description") for meter in catalog.meters])


def prices_digest(catalog: Catalog) -> str:
    """SHA-256 in hex of the plans with their prices, descriptions included: invoices show those."""
    plans = [_fields(plan) for plan in catalog.plans]
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


def _fields(part: BaseModel, without: str = "") -> dict[str, object]:
    """The fields of a part of the catalog that are written: those of its form, and others that are not left out."""
    form = _form(part)
    written = dict(form)
    for name, declared in type(part).model_fields.items():
        value: object = getattr(part, name)
        if name != without and (name in form or value != declared.get_default(call_default_factory=True)):
            written[name] = _canonical(value)
    return written


def _form(part: BaseModel) -> Mapping[str, object]:
    for kind, form in _FORMS.items():
        if isinstance(part, kind):
            return form
    return {}


def _canonical(value: object) -> object:
    if isinstance(value, BaseModel):
        return _fields(value)
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
