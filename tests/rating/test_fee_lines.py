"""What a fee's line says, and fees that have none."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rated import JULY

from monetization_pipeline.catalog.models import BillTiming, FlatPrice, Plan, Price, Proration
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.rating.engine import DueFee, rate_fees
from monetization_pipeline.rating.explaining import explain_fee
from monetization_pipeline.rating.lines import RatedLine, Span

FEE = FlatPrice(price_id="fee", model="flat", amount=Decimal("99.00"), bill=BillTiming.IN_ARREARS)
SUBSCRIPTION = Subscription("sub", "acme", "growth", JULY.start, None, "active", "{}", None, None)


def lines_of(*fees: Price, subscription: Subscription = SUBSCRIPTION) -> list[RatedLine]:
    plan = Plan(plan_id="growth", currency="EUR", interval="month", prices=fees)
    return rate_fees([DueFee(plan, fee, subscription, JULY, "UTC") for fee in fees])[0]


def test_a_fee_line_carries_all_that_it_was_made_from() -> None:
    (line,) = lines_of(FEE)
    assert (line.company_id, line.subscription_id, line.plan_id, line.price_id) == ("acme", "sub", "growth", "fee")
    assert (line.meter_id, line.group, line.quantity, line.amount) == (None, "{}", 1, 99)
    assert (line.bill_at, line.full_period_start, line.full_period_end) == (JULY.end, JULY.start, JULY.end)


def test_fees_come_in_the_order_of_the_plan() -> None:
    other = FEE.model_copy(update={"price_id": "also", "amount": Decimal(1)})
    assert [(line.price_id, line.amount) for line in lines_of(other, FEE)] == [("also", 1), ("fee", 99)]


@pytest.mark.parametrize("prorate", list(Proration))
def test_a_subscription_that_is_not_active_in_the_period_has_no_fee(prorate: Proration) -> None:
    later = replace(SUBSCRIPTION, start_at=JULY.end)
    assert lines_of(FEE.model_copy(update={"prorate": prorate}), subscription=later) == []


def test_a_few_hours_that_cover_no_day_have_no_line_and_are_explained_as_nothing() -> None:
    hours = replace(JULY, end=datetime(2023, 7, 1, 12, tzinfo=UTC))
    assert lines_of(FEE, subscription=replace(SUBSCRIPTION, end_at=hours.end)) == []
    (part,) = explain_fee(FEE, Span(JULY, hours), "UTC")["parts"]
    assert part == {"full_amount": "99", "days": "0", "full_days": "31", "amount": "0"}


def test_a_fee_too_large_to_store_is_unrated_with_its_reason_and_keeps_no_other() -> None:
    largest = FEE.model_copy(update={"amount": Decimal(99_999_999_999_999)})
    larger = FEE.model_copy(update={"price_id": "larger", "amount": Decimal(100_000_000_000_000)})
    plan = Plan(plan_id="growth", currency="EUR", interval="month", prices=(largest, larger))
    lines, unrated = rate_fees([DueFee(plan, fee, SUBSCRIPTION, JULY, "UTC") for fee in (larger, largest)])
    assert [line.amount for line in lines] == [99_999_999_999_999]
    said = "price larger comes to 100000000000000, more than 14 whole digits; check the meter's values and the price"
    assert [(each.fee.price.price_id, each.reason) for each in unrated] == [("larger", said)]
