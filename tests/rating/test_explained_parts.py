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
STEPS = {
    "model": "volume",
    "tiers": [
        {"up_to": 10, "unit_amount": 3},
        {"up_to": 20, "unit_amount": 2, "flat_amount": 4},
        {"up_to": None, "unit_amount": 1, "flat_amount": 8},
    ],
}


def step(tier: int, up_to: str | None, units: str, unit_amount: str, flat_amount: str, amount: str) -> dict[str, Any]:
    figures = {"units": units, "unit_amount": unit_amount, "flat_amount": flat_amount, "amount": amount}
    return {"tier": tier, "up_to": up_to} | figures


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
    *(
        (f"volume of three tiers, {units}: {why}", STEPS, units, part)
        for units, why, part in (
            ("0", "the first is reached at zero", step(1, "10", "0", "3", "0", "0")),
            ("9.999999999999", "just below a bound", step(1, "10", "9.999999999999", "3", "0", "29.999999999997")),
            ("10", "a bound is its own tier's", step(1, "10", "10", "3", "0", "30")),
            ("10.000000000001", "just beyond a bound", step(2, "20", "10.000000000001", "2", "4", "24.000000000002")),
            ("20", "the next bound", step(2, "20", "20", "2", "4", "44")),
            ("20.5", "the open one", step(3, None, "20.5", "1", "8", "28.5")),
        )
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
