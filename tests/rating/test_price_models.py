"""Each price model against figures worked out by hand (`cases.yaml`)."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from monetization_pipeline.catalog.models import Price
from monetization_pipeline.periods import month_period
from monetization_pipeline.rating.engine import rate_usage
from monetization_pipeline.rating.lines import RatedLine, RatingError, Usage

_Case = dict[str, Any]
_GROUPS = cast("list[_Case]", yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text("utf-8")))
CASES = [case | {"price": group["prices"][case["price"]]} for group in _GROUPS for case in group["cases"]]
PERIOD = month_period("2023-07", "UTC")


def rated(price: _Case, quantity: str) -> RatedLine:
    usage = Usage("c", "s", "plan", PERIOD.start, None, PERIOD, "m", (), "{}", Decimal(quantity), 0)
    return rate_usage(Price.model_validate({"price_id": "p", "meter": "m"} | price), usage, "USD")


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_quantity_costs(case: _Case) -> None:
    line = rated(case["price"], case["quantity"])
    explanation = json.loads(line.explanation)
    assert line.amount == Decimal(case["amount"])
    assert line.quantity == Decimal(case["quantity"]), "the line shows the metered quantity"
    assert explanation["units"] == case.get("units", case["quantity"])
    assert explanation["amount"] == case["amount"]
    assert [part["amount"] for part in explanation["parts"]] == case.get("parts", [case["amount"]])


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_the_parts_shown_multiply_and_add_up(case: _Case) -> None:
    line = rated(case["price"], case["quantity"])
    total = Fraction(0)
    for part in json.loads(line.explanation)["parts"]:
        count, each = ("packages", "package_amount") if "packages" in part else ("units", "unit_amount")
        exact = Fraction(part[count]) * Fraction(part[each]) + Fraction(part.get("flat_amount", "0"))
        assert 0 <= exact - Fraction(part["amount"]) < Fraction(1, 10**24)
        total += Fraction(part["amount"])
    assert total == Fraction(line.amount)


def test_an_amount_too_large_to_store_is_refused_with_its_price() -> None:
    price = {"model": "per_unit", "unit_amount": 1000}
    assert rated(price, "99999999999.99").amount == Decimal(99999999999990)
    with pytest.raises(RatingError, match="price p of subscription s comes to 100000000000000, more than 14 whole"):
        rated(price, "100000000000")
