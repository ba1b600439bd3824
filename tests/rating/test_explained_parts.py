"""The steps that are shown for each price model, by name."""

import json
from decimal import Decimal
from typing import Any

import pytest

from monetization_pipeline.catalog.models import price_of
from monetization_pipeline.rating.explaining import explain_usage

BULK = {
    "model": "volume",
    "tiers": [{"up_to": 10, "unit_amount": 2, "flat_amount": 5}, {"up_to": None, "unit_amount": "0.5"}],
}
CASES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "volume at the first tier's end",
        BULK,
        "10",
        {"tier": 1, "up_to": "10", "units": "10", "unit_amount": "2", "flat_amount": "5", "amount": "25"},
    ),
    (
        "volume in the open tier",
        BULK,
        "11",
        {"tier": 2, "up_to": None, "units": "11", "unit_amount": "0.5", "flat_amount": "0", "amount": "5.5"},
    ),
    (
        "packages begun",
        {"model": "package", "package_size": 10, "package_amount": "1.5"},
        "11",
        {"units": "11", "package_size": "10", "packages": "2", "package_amount": "1.5", "amount": "3"},
    ),
    (
        "a price of each unit",
        {"model": "per_unit", "unit_amount": "0.002"},
        "1500",
        {"units": "1500", "unit_amount": "0.002", "amount": "3"},
    ),
]


def explained(price: dict[str, Any], quantity: str) -> dict[str, Any]:
    made = price_of({"price_id": "p", "meter": "m"} | price)
    return json.loads(json.dumps(explain_usage(made, Decimal(quantity))))


@pytest.mark.parametrize(("price", "quantity", "part"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_part_shows(price: dict[str, Any], quantity: str, part: dict[str, Any]) -> None:
    assert explained(price, quantity)["parts"] == [part]


def test_a_multiplied_quantity_is_shown() -> None:
    price = {"model": "per_unit", "unit_amount": 1, "transform": {"multiply": "1.5"}}
    assert explained(price, "3")["transform"] == {"multiply": "1.5", "quantity": "4.5"}
