"""What other billing systems' own tests expect: we give the same figure, or say by which rule another.

The cases are plain data outside of this repository (`../shared/cases/rating.json`, taken from the test suites of Lago,
OpenMeter, Kill Bill, Flexprice and Meteroid). What differs, and what is not supported yet, is `peer_differences.yaml`.
"""

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from rated import UsageOf, rated_one

from monetization_pipeline.catalog.models import PRICE_MODELS, BillTiming, Plan, Price
from monetization_pipeline.catalog.models import price_of as read_price
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.money import round_amount
from monetization_pipeline.periods import month_period
from monetization_pipeline.rating.due import fees_due
from monetization_pipeline.rating.engine import DueFee, rate_fees

_Case = dict[str, Any]

_FILE = Path(__file__).parents[2].parent / "shared" / "cases" / "rating.json"
CASES = cast("list[_Case]", json.loads(_FILE.read_text("utf-8"))) if _FILE.exists() else []
KNOWN = cast("_Case", yaml.safe_load((Path(__file__).parent / "peer_differences.yaml").read_text("utf-8")))
DIFFERENCES = {cast("str", case["id"]): cast("_Case", case) for case in KNOWN["differences"]}

pytestmark = pytest.mark.skipif(not CASES, reason=f"the peers' cases are not beside the repository: {_FILE}")

ROUNDING = "currency_rounding"
MODELS = {*PRICE_MODELS, ROUNDING}
UNSUPPORTED = {"minimum_amount", "maximum_amount", "percentage_discount", "prorated"}
PERIOD = month_period("2023-07", "UTC")
START = datetime(2023, 1, 1, tzinfo=UTC)

#: Properties that say how the source came by its case, and change no figure of ours.
_TOLD_ONLY = {"phase", "phases", "line_position", "unit", "block_tiers", "full_units_for_display", "group_by"}
_READ_ELSEWHERE = {"already_billed_units", "already_billed_amount", "per_window", "per_group", "payment_term"}
_SAME_NAME = {"unit_amount", "amount", "tiers", "package_size", "package_amount"}
_INCLUDED = {"free_units", "usage_discount_units"}


def unsupported(case: _Case) -> str:
    return ", ".join(sorted(UNSUPPORTED & set(case["properties"])))


RATED = [case for case in CASES if case["model"] in MODELS and not unsupported(case)]


def price_of(case: _Case) -> Price:
    properties: _Case = dict(case["properties"])
    price: _Case = {"price_id": "p", "model": case["model"], "meter": None if case["model"] == "flat" else "m"}
    price |= {name: properties.pop(name) for name in _SAME_NAME & set(properties)}
    for name in _INCLUDED & set(properties):
        price["included_units"] = properties.pop(name)
    if conversion := properties.pop("unit_conversion", None):
        rounding = {"ceiling": "up"}[conversion["rounding"]]
        price["transform"] = {conversion["operation"]: conversion["factor"], "round": rounding}
    if properties.pop("rounding", "up") == "down":
        size, amount = price.pop("package_size"), price.pop("package_amount")
        price |= {"model": "per_unit", "unit_amount": amount, "transform": {"divide": size, "round": "down"}}
    left = set(properties) - _TOLD_ONLY - _READ_ELSEWHERE
    assert not left, f"properties that nobody reads: {left}"
    return read_price(price)


def amount_of(price: Price, units: Decimal) -> Decimal:
    return rated_one(price, UsageOf(units, segment_start=START)).amount


def fee_of(case: _Case) -> Decimal:
    """What a whole period is charged at an instant: a slice within it, or its end."""
    bill = BillTiming(case["properties"]["payment_term"])
    price = price_of(case).model_copy(update={"bill": bill})
    plan = Plan(plan_id="plan", currency=case["currency"], interval="month", prices=(price,))
    subscription = Subscription("s", "c", "plan", START, None, "active", "{}", None, None)
    due = [found for key in ("2023-06", "2023-07", "2023-08") for found in fees_due(plan, subscription, key, "UTC")]
    lines, _ = rate_fees(DueFee(plan, price, subscription, period, "UTC") for price, period in due)
    within = case["properties"]["line_position"] == "mid_period_split"
    return sum(
        (
            line.amount
            for line in lines
            if (PERIOD.start < line.bill_at < PERIOD.end if within else line.bill_at == PERIOD.end)
        ),
        Decimal(0),
    )


def usage_of(case: _Case) -> Decimal:
    price, properties, currency = price_of(case), case["properties"], case["currency"]
    told: Any = case["units"]
    units = [Decimal(unit) for unit in (cast("list[str]", told) if isinstance(told, list) else [cast("str", told)])]
    if "per_group" in properties:
        return sum((amount_of(price, unit) for unit in units), Decimal(0))
    total = sum(units, Decimal(0)) if "per_window" in properties else units[-1]
    if "already_billed_amount" in properties or "phase" in properties:
        booked = Decimal(properties.get("already_billed_amount", "0"))
        return round_amount(amount_of(price, total), currency) - booked
    before = Decimal(properties.get("already_billed_units", "0"))
    return amount_of(price, before + total) - (amount_of(price, before) if before else Decimal(0))


def ours(case: _Case) -> Decimal:
    if case["model"] == ROUNDING:
        return round_amount(Decimal(case["units"]), case["currency"])
    return fee_of(case) if case["model"] == "flat" else usage_of(case)


@pytest.mark.parametrize("case", RATED, ids=lambda case: str(case["id"]))
def test_a_case_comes_to_the_peers_figure_or_to_a_known_other(case: _Case) -> None:
    known = DIFFERENCES.get(case["id"])
    expected = Decimal(case["expected_amount"] if known is None else known["ours"])
    assert ours(case) == expected, case["note"]
    if known is not None:
        assert expected != Decimal(case["expected_amount"]), "no difference any more: take it off the list"


def test_every_difference_names_a_case_a_rule_and_a_reason() -> None:
    ids = {case["id"] for case in RATED}
    for name, known in DIFFERENCES.items():
        assert name in ids
        assert known["rule"] in range(1, 21)
        assert known["why"]


def test_no_case_is_dropped_silently() -> None:
    models = Counter(case["model"] for case in CASES if case["model"] not in MODELS)
    properties = Counter(unsupported(case) for case in CASES if case["model"] in MODELS and unsupported(case))
    assert dict(models) == KNOWN["unsupported_models"]
    assert dict(properties) == KNOWN["unsupported_properties"]
    assert len(RATED) + models.total() + properties.total() == len(CASES)
