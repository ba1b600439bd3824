"""Sizes and durations that cannot be read are absent, and cost no event: a meter that measures them refuses it."""

import json
from collections.abc import Mapping
from decimal import Decimal

from counting import MONTH
from workshop import PLAIN_MAPPING, Workshop, event, lines

from monetization_pipeline.datasets import METER_REFUSALS, RAW_EVENTS, USAGE
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.metering.reported import ABSENT, NO_NUMBER
from monetization_pipeline.reports import listings
from monetization_pipeline.steps import invoices

SUBSCRIBED = {"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]}


def catalog(*meters: Mapping[str, object]) -> dict[str, object]:
    prices = [
        {"price_id": meter["meter_id"], "model": "per_unit", "meter": meter["meter_id"], "unit_amount": "1.00"}
        for meter in meters
    ]
    plan = {"plan_id": "p", "currency": "USD", "interval": "month", "prices": prices}
    return {"meters": [*meters], "plans": [plan]}


def total(shop: Workshop) -> Decimal:
    return sum((invoice.total for invoice in invoices.read_invoices(shop.pipeline, MONTH)), Decimal(0))


def refused(shop: Workshop) -> dict[tuple[str, str], tuple[str, str | None]]:
    """By event and meter: why, and what is there."""
    rows = shop.rows(METER_REFUSALS)
    return {(row["event_id"], row["meter_id"]): (row["reason"], row["value"]) for row in rows}


def test_a_size_or_a_duration_that_cannot_be_read_costs_no_event(shop: Workshop) -> None:
    mapping = PLAIN_MAPPING | {"duration_ms": "ms", "request_size": "coalesce(bytes, 0)", "response_size": "out"}
    shop.source("logs", mapping=mapping)
    meters = [
        {"meter_id": "all", "aggregation": "count"},
        {"meter_id": "slow", "aggregation": "count", "filter": "duration_ms > 100"},
        {"meter_id": "fast", "aggregation": "count", "filter": "coalesce(duration_ms, 0) < 100"},
        {"meter_id": "out", "aggregation": "sum", "value": "response_size"},
        {"meter_id": "in", "aggregation": "sum", "value": "request_size"},
    ]
    shop.catalog(catalog(*meters))
    shop.customers(SUBSCRIBED)
    sent = [
        event(1, ms="12.7", bytes="1 kB", out="-"),
        event(2, ms=150, bytes=10, out="1e3"),
        event(3),
        event(4, ms="", out=5),
    ]
    shop.place("logs", lines(sent))
    shop.run(MONTH)
    (file,) = [file for file in read_log(shop.pipeline.lake).files if file.source == "logs"]
    assert (file.raw_events, file.refusals, file.unreadable) == (4, 0, 2)
    found = {row["meter_id"]: row["quantity"] for row in shop.rows(USAGE, [MONTH])}
    assert found == {"all": 4, "slow": 1, "fast": 3, "out": 1005, "in": 10}
    assert refused(shop) == {
        ("e1", "out"): (NO_NUMBER, "-"),
        ("e1", "in"): (NO_NUMBER, "1 kB"),
        ("e3", "out"): (ABSENT, None),
    }
    assert [*listings.unreadable(shop.pipeline)] == [
        {"source": "logs", "field": "duration_ms", "events": 2, "example": ""},
        {"source": "logs", "field": "request_size", "events": 1, "example": "1 kB"},
        {"source": "logs", "field": "response_size", "events": 1, "example": "-"},
    ]
    kept = {row["event_id"]: json.loads(row["unreadable"]) for row in shop.rows(RAW_EVENTS)}
    assert kept == {
        "e1": {"duration_ms": "12.7", "request_size": "1 kB", "response_size": "-"},
        "e2": {},
        "e3": {},
        "e4": {"duration_ms": ""},
    }


def test_moesifs_end_of_a_call_that_cannot_be_read_leaves_its_duration_absent(shop: Workshop) -> None:
    shop.source("logs", schema="moesif", mapping={})
    request = {"time": "2023-07-10T12:00:00.000", "verb": "GET"}
    ends = ["2023-07-10T12:00:00.150", "later", None]
    shop.take(
        lines([{"transaction_id": f"t{n}", "request": request, "response": {"time": at}} for n, at in enumerate(ends)])
    )
    kept = {row["event_id"]: (row["duration_ms"], row["unreadable"]) for row in shop.rows(RAW_EVENTS)}
    assert kept == {"t0": (150, "{}"), "t1": (None, '{"ended_at":"later"}'), "t2": (None, "{}")}
