"""Each price model against figures worked out by hand (`cases.yaml`)."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from rated import UsageOf, rated_one

from monetization_pipeline.catalog.models import MeterPrice, PerUnitPrice
from monetization_pipeline.catalog.models import price_of as read_price
from monetization_pipeline.rating.engine import UsagePrice
from monetization_pipeline.rating.explaining import explain_usage
from monetization_pipeline.rating.lines import RatedLine, RatingError

_Case = dict[str, Any]
_GROUPS = cast("list[_Case]", yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text("utf-8")))
CASES = [case | {"price": group["prices"][case["price"]]} for group in _GROUPS for case in group["cases"]]


def price_of(content: _Case) -> MeterPrice:
    price = read_price({"price_id": "p", "meter": "m"} | content)
    assert isinstance(price, MeterPrice)
    return price


def rated(price: _Case, quantity: str) -> RatedLine:
    return rated_one(price_of(price), UsageOf(Decimal(quantity), subscription_id="s"))


def explained(case: _Case) -> _Case:
    return json.loads(json.dumps(explain_usage(price_of(case["price"]), Decimal(case["quantity"]))))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_quantity_costs(case: _Case) -> None:
    line = rated(case["price"], case["quantity"])
    explanation = explained(case)
    assert line.amount == Decimal(case["amount"])
    assert line.quantity == Decimal(case["quantity"]), "the line shows the metered quantity"
    assert explanation["units"] == case.get("units", case["quantity"])
    assert explanation["amount"] == case["amount"]
    assert [part["amount"] for part in explanation["parts"]] == case.get("parts", [case["amount"]])


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_the_parts_shown_multiply_and_add_up(case: _Case) -> None:
    line = rated(case["price"], case["quantity"])
    total = Fraction(0)
    for part in explained(case)["parts"]:
        count, each = ("packages", "package_amount") if "packages" in part else ("units", "unit_amount")
        exact = Fraction(part[count]) * Fraction(part[each]) + Fraction(part.get("flat_amount", "0"))
        assert 0 <= exact - Fraction(part["amount"]) < Fraction(1, 10**24)
        total += Fraction(part["amount"])
    assert total == Fraction(line.amount)


def test_an_amount_too_large_to_store_is_an_error_that_names_its_price() -> None:
    price = UsagePrice(PerUnitPrice(price_id="p", meter="m", model="per_unit", unit_amount=Decimal(1000)))
    assert price.amount(Decimal("99999999999.99")) == Decimal(99999999999990)
    with pytest.raises(RatingError, match=r"^price p comes to 100000000000000, more than 14 whole digits"):
        price.amount(Decimal(100000000000))
