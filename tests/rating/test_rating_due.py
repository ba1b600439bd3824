"""Which fees and usage periods are due in which billing month."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from monetization_pipeline.catalog.models import BillTiming, FlatPrice, PerUnitPrice, Plan, Proration
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.money import plain
from monetization_pipeline.periods import Period, month_period
from monetization_pipeline.rating.due import fees_due, usage_periods
from monetization_pipeline.rating.engine import DueFee, rate_fees
from monetization_pipeline.rating.lines import RatedLine

MONTHS = [f"{year}-{month:02}" for year in (2022, 2023) for month in range(1, 13)]


def at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def subscription(start: str | None, end: str | None) -> Subscription:
    return Subscription("s", "c", "plan", at(start), at(end), "active", "{}", None, None)


def plan(bill: str, prorate: str = "day", amount: str = "31") -> Plan:
    price = FlatPrice(
        price_id="fee",
        model="flat",
        amount=Decimal(amount),
        bill=BillTiming(bill),
        prorate=Proration(prorate),
    )
    calls = PerUnitPrice(price_id="calls", model="per_unit", meter="m", unit_amount=Decimal(1))
    return Plan(plan_id="plan", currency="USD", interval="month", prices=(calls, price))


def rate_fee(sold: Plan, price: FlatPrice, of: Subscription, period: Period) -> RatedLine | None:
    return next(iter(rate_fees([DueFee(sold, price, of, period, "UTC")])[0]), None)


def billed(sold: Plan, of: Subscription, *keys: str, first_month: str | None = None) -> dict[str, list[str]]:
    """Billing month → "<month of the full period> <amount>" of each fee line that it holds."""
    found: dict[str, list[str]] = {}
    for key in keys or MONTHS:
        for price, period in fees_due(sold, of, key, "UTC", first_month):
            line = rate_fee(sold, price, of, period)
            if line is not None:
                found.setdefault(key, []).append(f"{period.start:%Y-%m} {plain(line.amount)}")
    return found


@pytest.mark.parametrize(
    ("bill", "start", "end", "expected"),
    [
        pytest.param(
            "in_arrears",
            *("2023-07-01", "2023-09-01"),
            {"2023-07": ["2023-07 31"], "2023-08": ["2023-08 31"]},
            id="arrears are due at the period's end, in the month that ends there",
        ),
        pytest.param(
            "in_advance",
            *("2023-07-01", "2023-09-01"),
            {"2023-06": ["2023-07 31"], "2023-07": ["2023-08 31"]},
            id="in advance is due at the period's start, beside the usage of the month before",
        ),
        pytest.param(
            "in_advance",
            *("2023-07-10T12:00", "2023-09-01"),
            {"2023-07": ["2023-07 22", "2023-08 31"]},
            id="the first fee in advance is due at the subscription's start, beside the next month's",
        ),
        pytest.param(
            "in_advance",
            *("2023-07-01T00:00:00.000001", "2023-08-01"),
            {"2023-07": ["2023-07 31"]},
            id="a start just after midnight pays its whole first day and is billed in its own month",
        ),
        pytest.param(
            "in_arrears",
            *("2023-07-10T12:00", "2023-07-20T12:00"),
            {"2023-07": ["2023-07 10"]},
            id="ten days of one month, the day of the end not among them",
        ),
        pytest.param(
            "in_advance",
            *("2023-07-10T12:00", "2023-07-20T12:00"),
            {"2023-07": ["2023-07 10"]},
            id="the same ten days in advance, and nothing for the month after the end",
        ),
        pytest.param(
            "in_arrears",
            *("2023-07-10T12:00", "2023-07-10T18:00"),
            {},
            id="a subscription that sees no end of a day pays no fee by day",
        ),
        pytest.param(
            "in_arrears",
            "2023-07-31T23:59:59.999999",
            "2023-08-01",
            {"2023-07": ["2023-07 1"]},
            id="the last instant counts",
        ),
        pytest.param("in_advance", "2023-07-10", "2023-07-10", {}, id="a subscription of no length pays nothing"),
        pytest.param("in_advance", "2023-07-10", "2023-07-09", {}, id="nor does one that ends before it starts"),
    ],
)
def test_a_fee_of_31_is_billed(bill: str, start: str, end: str, expected: dict[str, list[str]]) -> None:
    assert billed(plan(bill), subscription(start, end)) == expected


def test_a_subscription_without_a_start_or_an_end_pays_every_month_once() -> None:
    endless = subscription(None, None)
    assert billed(plan("in_arrears"), endless) == {key: [f"{key} 31"] for key in MONTHS}
    following = [*MONTHS[1:], "2024-01"]
    assert billed(plan("in_advance"), endless) == {
        key: [f"{after} 31"] for key, after in zip(MONTHS, following, strict=True)
    }


@pytest.mark.parametrize(
    ("bill", "start", "expected"),
    [
        pytest.param(
            "in_advance",
            "2020-05-05",
            {"2023-07": ["2023-07 31", "2023-08 31"], "2023-08": ["2023-09 31"]},
            id="a fee due at the grid's first instant lies in the grid's first month",
        ),
        pytest.param(
            "in_advance",
            "2023-07-01",
            {"2023-07": ["2023-07 31", "2023-08 31"], "2023-08": ["2023-09 31"]},
            id="also where the subscription begins then",
        ),
        pytest.param(
            "in_advance",
            "2023-07-02",
            {"2023-07": ["2023-07 30", "2023-08 31"], "2023-08": ["2023-09 31"]},
            id="a day later it lies there anyway",
        ),
        pytest.param(
            "in_arrears",
            "2023-07-01",
            {"2023-07": ["2023-07 31"], "2023-08": ["2023-08 31"]},
            id="arrears of a subscription that begins with the grid",
        ),
        pytest.param(
            "in_arrears",
            "2020-05-05",
            {"2023-07": ["2023-06 31", "2023-07 31"], "2023-08": ["2023-08 31"]},
            id="arrears due at the grid's first instant lie in its first month too",
        ),
    ],
)
def test_at_the_first_month_of_the_grid(bill: str, start: str, expected: dict[str, list[str]]) -> None:
    assert billed(plan(bill), subscription(start, None), "2023-07", "2023-08", first_month="2023-07") == expected


@pytest.mark.parametrize(
    ("prorate", "start", "end", "expected"),
    [
        pytest.param("day", "2023-02-01", "2023-02-15", Decimal("15.5"), id="14 of 28 days are a half"),
        pytest.param("day", "2023-02-01", "2023-02-02", Decimal("1.107142857142857142857142"), id="cut, not rounded"),
        pytest.param("second", "2023-02-01", "2023-02-15", Decimal("15.5"), id="half of the seconds"),
        pytest.param(
            "second", "2023-02-01", "2023-02-01T00:00:00.5", Decimal("0.000006407076719576719576"), id="half a second"
        ),
        pytest.param("none", "2023-02-28T23:59", "2023-03-01", Decimal(31), id="a minute pays the month"),
        pytest.param("none", "2023-02-01", None, Decimal(31), id="a month pays the month"),
    ],
)
def test_a_part_of_february_pays(prorate: str, start: str, end: str | None, expected: Decimal) -> None:
    sold, of = plan("in_arrears", prorate), subscription(start, end)
    line = rate_fee(sold, sold.prices[1], of, month_period("2023-02", "UTC"))
    assert line is not None
    assert line.amount == expected


def test_no_fee_for_a_period_in_which_the_subscription_is_not_active() -> None:
    sold, of = plan("in_arrears", "none"), subscription("2023-07-01", "2023-08-01")
    for key in ("2023-06", "2023-08"):
        assert rate_fee(sold, sold.prices[1], of, month_period(key, "UTC")) is None


def test_two_subscriptions_that_follow_each_other_pay_one_whole_fee_between_them() -> None:
    for change in ("2023-07-01T00:00:01", "2023-07-10T12:00", "2023-07-31T23:59", "2023-07-15"):
        july = month_period("2023-07", "UTC")
        parts = [
            rate_fee(plan("in_arrears"), plan("in_arrears").prices[1], subscription(*span), july)
            for span in (("2023-07-01", change), (change, None))
        ]
        assert sum((line.amount for line in parts if line is not None), Decimal(0)) == 31


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2023-07-31T23:59:59", None, True),
        ("2023-08-01", None, False),
        ("2023-01-01", "2023-07-01T00:00:00.000001", True),
        ("2023-01-01", "2023-07-01", False),
        (None, None, True),
        ("2023-07-10", "2023-07-10", False),
    ],
)
def test_usage_of_july_is_due_in_july_where_the_subscription_is_active_in_it(
    start: str | None, end: str | None, expected: bool
) -> None:
    july = month_period("2023-07", "UTC")
    assert usage_periods(subscription(start, end), "2023-07", "UTC") == ([july] if expected else [])
