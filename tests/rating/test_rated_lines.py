"""What a rated line says of itself: ids, periods, group, explanation."""

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from rated import JULY, UsageOf, plan_of, rated, rated_one

from monetization_pipeline.catalog.models import (
    BillTiming,
    FlatPrice,
    GraduatedPrice,
    Plan,
    Proration,
    Rounding,
    Tier,
    Transform,
)
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.ids import instant_text, make_id
from monetization_pipeline.periods import Period
from monetization_pipeline.rating.engine import DueFee, rate_fees
from monetization_pipeline.rating.explaining import explain_fee, explain_usage
from monetization_pipeline.rating.lines import LineKind, RatedLine, Span

START = datetime(2023, 7, 10, 12, tzinfo=UTC)
PRICE = GraduatedPrice(
    price_id="calls",
    model="graduated",
    meter="m",
    description="API calls",
    tiers=(
        Tier(up_to=Decimal(5), unit_amount=Decimal(2)),
        Tier(up_to=None, unit_amount=Decimal("0.5"), flat_amount=Decimal(1)),
    ),
    included_units=Decimal(2),
    transform=Transform(divide=Decimal(1000), round=Rounding.UP),
)
USAGE = UsageOf(Decimal(9500), segment_start=START)
FEE = FlatPrice(price_id="fee", model="flat", amount=Decimal("99.00"), bill=BillTiming.IN_ADVANCE)
PLAN = Plan(plan_id="growth", currency="EUR", interval="month", prices=(FEE, PRICE))
SUBSCRIPTION = Subscription("sub", "acme", "growth", START, None, "active", "{}", None, None)


def fee_line(subscription: Subscription = SUBSCRIPTION, fee: FlatPrice = FEE, period: Period = JULY) -> RatedLine:
    (line,), _ = rate_fees([DueFee(PLAN, fee, subscription, period, "UTC")])
    return line


def explained(line: RatedLine, fee: FlatPrice = FEE) -> object:
    span = Span(Period(line.full_period_start, line.full_period_end), Period(line.period_start, line.period_end))
    return explain_fee(fee, span, "UTC")


def test_a_usage_line_carries_all_that_it_was_made_from() -> None:
    line = rated_one(PRICE, USAGE, "EUR")
    assert (line.company_id, line.subscription_id, line.plan_id, line.price_id) == ("acme", "sub", "growth", "calls")
    assert (line.meter_id, line.kind, line.currency, line.group) == ("m", LineKind.USAGE, "EUR", "{}")
    assert (line.period_start, line.period_end, line.bill_at) == (START, JULY.end, JULY.end)
    assert (line.full_period_start, line.full_period_end) == (JULY.start, JULY.end)
    assert (line.quantity, line.amount, line.description) == (9500, Decimal("12.5"), "API calls")


def test_a_usage_line_explains_every_step() -> None:
    assert json.loads(json.dumps(explain_usage(PRICE, USAGE.quantity))) == {
        "model": "graduated",
        "quantity": "9500",
        "transform": {"divide": "1000", "round": "up", "step": "1", "quantity": "10"},
        "included_units": "2",
        "units": "8",
        "parts": [
            {"tier": 1, "up_to": "5", "units": "5", "unit_amount": "2", "flat_amount": "0", "amount": "10"},
            {"tier": 2, "up_to": None, "units": "3", "unit_amount": "0.5", "flat_amount": "1", "amount": "2.5"},
        ],
        "amount": "12.5",
    }


def test_a_fee_line_explains_its_days() -> None:
    line = fee_line()
    assert json.loads(json.dumps(explained(line))) == {
        "model": "flat",
        "parts": [{"full_amount": "99", "days": "22", "full_days": "31", "amount": "70.258064516129032258064516"}],
        "amount": "70.258064516129032258064516",
    }
    assert (line.bill_at, line.period_start, line.period_end) == (START, START, JULY.end)
    assert (line.kind, line.meter_id, line.quantity, line.currency) == (LineKind.FEE, None, 1, "EUR")
    assert line.description == "fee", "a price without a description is called by its id"


def test_a_fee_by_seconds_explains_its_seconds() -> None:
    by_second = FEE.model_copy(update={"prorate": Proration.SECOND})
    ends = replace(SUBSCRIPTION, end_at=START + timedelta(milliseconds=1500))
    [part] = json.loads(json.dumps(explained(fee_line(ends, by_second), by_second)))["parts"]
    assert (part["seconds"], part["full_seconds"]) == ("1.5", "2678400")
    assert Decimal(part["amount"]) == Decimal("0.000055443548387096774193"), "99 × 1.5 ÷ 2678400"


def test_a_segment_within_the_period_clips_the_line_and_not_its_due_date() -> None:
    end = datetime(2023, 7, 20, tzinfo=UTC)
    line = rated_one(PRICE, replace(USAGE, segment_end=end), "EUR")
    assert (line.period_start, line.period_end, line.bill_at) == (START, end, JULY.end)
    later = replace(USAGE, segment_start=datetime(2020, 1, 1, tzinfo=UTC), segment_end=datetime(2024, 1, 1, tzinfo=UTC))
    assert (rated_one(PRICE, later, "EUR").period_start, rated_one(PRICE, later, "EUR").period_end) == (
        JULY.start,
        JULY.end,
    )


def test_a_group_is_shown_in_the_description() -> None:
    price = PRICE.model_copy(update={"group_by": ("metadata.model", "route")})
    usage = replace(USAGE, grouping=json.dumps(price.group_by), group='{"metadata.model":"é-4","route":null}')
    line = rated_one(price, usage, "EUR")
    assert line.description == "API calls (metadata.model: é-4, route: None)"
    assert line.group == usage.group


@pytest.mark.parametrize(
    "usage",
    [replace(USAGE, meter_id="other"), replace(USAGE, grouping='["route"]'), replace(USAGE, plan_id="pro")],
    ids=["meter", "grouping", "plan"],
)
def test_usage_that_no_price_charges_has_no_line(usage: UsageOf) -> None:
    assert len(rated([plan_of(PRICE)], [USAGE, usage, USAGE])) == 2


def test_each_price_of_a_meter_charges_its_usage() -> None:
    other = PRICE.model_copy(update={"price_id": "also"})
    lines = rated([plan_of(PRICE, other)], [USAGE, replace(USAGE, subscription_id="sub2")])
    assert [(line.subscription_id, line.price_id) for line in lines] == [
        *(("sub", "calls"), ("sub", "also")),
        *(("sub2", "calls"), ("sub2", "also")),
    ]


# --- ids (rule 18) ---------------------------------------------------------------------------------------------------


def test_an_id_is_the_standard_librarys_base32_of_a_hash_of_a_json_list() -> None:
    parts = ("sub", 'a "quoted" é', "{}", "")
    digest = hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).digest()
    assert make_id("ln", *parts) == f"ln_{base64.b32encode(digest).decode()[:26].lower()}"


def test_parts_do_not_run_into_each_other() -> None:
    assert len({make_id("x", "ab", "c"), make_id("x", "a", "bc"), make_id("x", "abc"), make_id("x", "abc", "")}) == 4


def test_the_id_of_a_usage_line_is_that_of_its_named_parts() -> None:
    full = ("2023-07-01T00:00:00Z", "2023-08-01T00:00:00Z")
    expected = make_id("ln", "sub", "2023-07-10T12:00:00Z", "calls", "{}", *full, "usage")
    assert rated_one(PRICE, USAGE, "EUR").line_id == expected
    assert fee_line().line_id == make_id("ln", "sub", "2023-07-10T12:00:00Z", "fee", "{}", *full, "fee")


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": Decimal(1)},
        {"segment_end": datetime(2023, 7, 20, tzinfo=UTC)},
        {"plan_id": "pro"},
    ],
)
def test_an_id_stays_when_figures_plan_or_end_change(change: dict[str, object]) -> None:
    assert rated_one(PRICE, replace(USAGE, **change), "EUR").line_id == rated_one(PRICE, USAGE, "EUR").line_id


def test_a_segment_that_began_before_the_period_counts_from_the_periods_start() -> None:
    starts = (JULY.start, JULY.start - timedelta(days=1), JULY.start - timedelta(days=400))
    assert len({rated_one(PRICE, replace(USAGE, segment_start=start), "EUR").line_id for start in starts}) == 1


def test_ids_differ_with_subscription_segment_price_group_period_and_kind() -> None:
    usages = [
        USAGE,
        replace(USAGE, subscription_id="sub2"),
        replace(USAGE, segment_start=START + timedelta(microseconds=1)),
        replace(USAGE, group='{"a":1}'),
        replace(USAGE, period=Period(JULY.start, JULY.end + timedelta(days=1))),
    ]
    ids = [rated_one(PRICE, usage, "EUR").line_id for usage in usages]
    ids.append(rated_one(PRICE.model_copy(update={"price_id": "calls2"}), USAGE, "EUR").line_id)
    ids.append(fee_line(fee=FEE.model_copy(update={"price_id": "calls"})).line_id)
    assert len(set(ids)) == 7


def test_a_fees_id_stays_when_its_subscription_ends_early() -> None:
    ended = replace(SUBSCRIPTION, end_at=datetime(2023, 7, 20, tzinfo=UTC))
    assert fee_line(ended).line_id == fee_line().line_id
    assert fee_line(ended).amount < fee_line().amount


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2023, 8, 1, tzinfo=UTC), "2023-08-01T00:00:00Z"),
        (datetime(2023, 8, 1, 1, 2, 3, 40, tzinfo=UTC), "2023-08-01T01:02:03.000040Z"),
        (datetime(2023, 8, 1, 2, tzinfo=timezone(timedelta(hours=2))), "2023-08-01T00:00:00Z"),
    ],
)
def test_an_instant_as_text(instant: datetime, expected: str) -> None:
    assert instant_text(instant) == expected


def test_an_instant_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        instant_text(datetime(2023, 8, 1))  # noqa: DTZ001 - what the test is about
