"""Usage by local day and company: figures by hand, the days that make up a period, and each quantity once."""

from datetime import date
from decimal import Decimal

import pytest
from workshop import Workshop, event, lines

from monetization_pipeline.reports.usage_days import MeterDays, quantities, usage_by_day
from monetization_pipeline.steps.known import read_catalog

MONTH = "2023-07"
PLAN_PRICES = [
    {"price_id": "calls", "meter": "calls", "model": "per_unit", "unit_amount": "1"},
    {"price_id": "tokens", "meter": "tokens", "model": "per_unit", "unit_amount": "1", "group_by": ["metadata.model"]},
    {"price_id": "users", "meter": "users", "model": "per_unit", "unit_amount": "1"},
]
PLAIN_PRICES = [{"price_id": "plain", "meter": "tokens", "model": "per_unit", "unit_amount": "2"}]
CATALOG = {
    "meters": [
        {"meter_id": "users", "aggregation": "unique_count", "value": "user_id"},
        {"meter_id": "calls", "aggregation": "count"},
        {"meter_id": "tokens", "aggregation": "sum", "value": "metadata.tokens", "dimensions": ["metadata.model"]},
        {"meter_id": "never", "aggregation": "count", "filter": "status = 999"},
    ],
    "plans": [
        {"plan_id": "all", "currency": "USD", "interval": "month", "prices": PLAN_PRICES},
        {"plan_id": "plain", "currency": "USD", "interval": "month", "prices": PLAIN_PRICES},
    ],
}


def subscription(company: str, plan: str) -> dict[str, str]:
    return {
        "subscription_id": f"{company}-s",
        "company_id": company,
        "plan_id": plan,
        "start_at": "2023-01-01T00:00:00Z",
    }


@pytest.fixture
def billed(shop: Workshop) -> Workshop:
    """acme makes two calls on 10 July, one of which counts for four; plainco one on the 11th, globex on the 12th."""
    shop.catalog(CATALOG)
    shop.customers(
        {
            "companies": [{"company_id": name} for name in ("acme", "globex", "plainco")],
            "subscriptions": [
                subscription("acme", "all"),
                subscription("globex", "all"),
                subscription("plainco", "plain"),
            ],
        }
    )
    shop.place(
        "logs",
        lines(
            [
                event(1, user="u", weight=4, m={"tokens": "3", "model": "a"}),
                event(2, user="v", m={"tokens": "0.5", "model": "b"}),
                event(3, user="u", at="2023-07-12T00:00:00Z", company="globex", m={"tokens": 7}),
                event(4, at="2023-07-11T10:00:00Z", company="plainco", m={"tokens": "10", "model": "a"}),
                event(5, at="2023-08-01T00:00:00Z", m={"tokens": 100}),
                event(6, at="2023-06-30T23:59:59Z", m={"tokens": 100}),
            ]
        ),
    )
    shop.run(MONTH)
    return shop


def days(*figures: str) -> dict[date, Decimal]:
    return {date(2023, 7, 10 + number): Decimal(figure) for number, figure in enumerate(figures)}


def test_each_meter_by_day_and_its_largest_companies_in_the_catalog_s_order(billed: Workshop) -> None:
    pipeline = billed.pipeline
    assert usage_by_day(pipeline, read_catalog(pipeline), MONTH, 2) == [
        MeterDays("users", "events", days("2", "0", "1"), [("acme", Decimal(2)), ("globex", Decimal(1))]),
        MeterDays("calls", "count", days("5", "0", "1"), [("acme", Decimal(5)), ("globex", Decimal(1))]),
        MeterDays("tokens", "sum", days("3.5", "10", "7"), [("plainco", Decimal(10)), ("globex", Decimal(7))]),
    ]


def test_quantities_are_added_up_once_whatever_the_groupings(billed: Workshop) -> None:
    """Of tokens acme and globex have rows by model alone, plainco one for all."""
    assert quantities(billed.pipeline, MONTH) == {"users": 3, "calls": 6, "tokens": Decimal("20.5")}


def test_a_meter_that_left_the_catalog_is_shown_by_its_events(billed: Workshop) -> None:
    catalog = read_catalog(billed.pipeline)
    without = catalog.model_copy(update={"meters": catalog.meters[:1]})
    measures = [(meter.meter_id, meter.measure) for meter in usage_by_day(billed.pipeline, without, MONTH, 0)]
    assert measures == [("users", "events"), ("calls", "events"), ("tokens", "events")]


def test_a_total_is_exact() -> None:
    first, second = Decimal(12345678901234567890123456), Decimal("1E-12")
    meter = MeterDays("m", "sum", {date(2023, 7, 10): first, date(2023, 7, 11): second}, ())
    assert str(meter.total) == "12345678901234567890123456.000000000001"


def test_a_period_that_was_not_made_has_none(shop: Workshop) -> None:
    shop.catalog(CATALOG)
    assert usage_by_day(shop.pipeline, read_catalog(shop.pipeline), MONTH, 5) == []
