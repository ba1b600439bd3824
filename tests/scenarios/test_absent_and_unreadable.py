"""What is there and cannot be read is not absent: nobody's default, refused where it is needed, told with its text."""

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from counting import MONTH, Question, Raw, ask
from workshop import CORRECTING_MAPPING, PLAIN_MAPPING, RECEIVED, Workshop, event, lines

from monetization_pipeline.datasets import EVENTS, METER_REFUSALS, RAW_EVENTS, REFUSALS, USAGE
from monetization_pipeline.metering.reported import ABSENT, NO_NUMBER, UNREADABLE, UNREADABLE_VALUE
from monetization_pipeline.reports.explain import explain
from monetization_pipeline.standing.counts import count_period
from monetization_pipeline.standing.refused_values import refused_values
from monetization_pipeline.steps import invoices
from monetization_pipeline.steps.rated_lines import read_lines

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


# --- seven ways to map one field

LOG = [
    '{"id":"ok","at":"2023-07-10T12:00:00Z","company":"acme","tokens":"7"}',
    '{"id":"absent","at":"2023-07-10T12:00:00Z","company":"acme"}',
    '{"id":"null","at":"2023-07-10T12:00:00Z","company":"acme","tokens":null}',
    '{"id":"float","at":"2023-07-10T12:00:00Z","company":"acme","tokens":1.0016150000000000001}',
    '{"id":"words","at":"2023-07-10T12:00:00Z","company":"acme","tokens":"n/a"}',
    '{"id":"thousands","at":"2023-07-10T12:00:00Z","company":"acme","tokens":"1,500"}',
    '{"id":"big","at":"2023-07-10T12:00:00Z","company":"acme","tokens":12345678901234567890}',
    '{"id":"empty","at":"2023-07-10T12:00:00Z","company":"acme","tokens":""}',
    '{"id":"true","at":"2023-07-10T12:00:00Z","company":"acme","tokens":true}',
]
UNUSABLE = {
    "float": "1.0016150000000000001",
    "words": "n/a",
    "thousands": "1,500",
    "big": "12345678901234567890",
    "empty": "",
    "true": "true",
}
DEFAULTS = {
    "coalesce(tokens, 0)": True,
    "coalesce(tokens, '0')": True,
    "case when tokens is null then 0 else tokens end": True,
    "coalesce(tokens, total, 0)": True,
    "coalesce(tokens * 1, 0)": True,
    "cast(coalesce(tokens, 0) as integer)": True,
    "tokens": False,
    "case when kind = 'free' then 0 else tokens end": False,
    "tokens * 1": False,
    "cast(tokens as integer)": False,
}


@pytest.mark.parametrize(("mapped", "has_default"), DEFAULTS.items())
def test_a_default_is_for_what_is_absent_and_for_nothing_else(shop: Workshop, mapped: str, has_default: bool) -> None:
    shop.source("logs", mapping=PLAIN_MAPPING | {"metadata.tokens": mapped})
    shop.catalog(catalog({"meter_id": "tokens", "aggregation": "sum", "value": "metadata.tokens"}))
    shop.customers(SUBSCRIBED)
    shop.place("logs", lines(LOG))
    shop.run(MONTH)
    (row,) = shop.rows(USAGE, [MONTH])
    # 7, and 0 twice where that is the default.
    assert (total(shop), row["events"]) == (Decimal("7.00"), 3 if has_default else 1)
    absent = {} if has_default else dict.fromkeys(("absent", "null"), (ABSENT, None))
    assert {name: found for (name, _), found in refused(shop).items()} == absent | {
        name: (NO_NUMBER, text) for name, text in UNUSABLE.items()
    }
    kept = {row["event_id"]: json.loads(row["metadata"]).get("tokens") for row in shop.rows(RAW_EVENTS)}
    assert {name: kept[name] for name in UNUSABLE} == UNUSABLE


def test_what_a_mapping_cannot_read_is_no_number_though_its_text_may_be_one(shop: Workshop) -> None:
    """12.5 is no whole number, ten times 9999999999999999.5 has a digit too many: neither is charged as it was sent."""
    shop.source("logs", mapping=PLAIN_MAPPING | {"metadata.whole": "cast(v as integer)", "metadata.ten": "v * 10"})
    meters = [
        {"meter_id": name, "aggregation": "sum", "value": f"metadata.{name}", "event_type": "api_call"}
        for name in ("whole", "ten")
    ]
    shop.catalog(catalog(*meters))
    shop.customers(SUBSCRIBED)
    shop.place("logs", lines([event(1, v="12.5"), event(2, v="9999999999999999.5"), event(3, v=3)]))
    shop.run(MONTH)
    found = {row["meter_id"]: row["quantity"] for row in shop.rows(USAGE, [MONTH])}
    assert found == {"whole": 3, "ten": 125 + 30}
    assert refused(shop) == {
        ("e1", "whole"): (NO_NUMBER, "12.5"),
        ("e2", "whole"): (NO_NUMBER, "9999999999999999.5"),
        ("e2", "ten"): (NO_NUMBER, "99999999999999995"),
    }


@pytest.mark.parametrize(
    ("row", "kept", "reason"),
    [("acme,7", 7, None), ("acme,", None, ABSENT), ('acme,""', None, ABSENT), ("acme, ", None, NO_NUMBER)],
)
def test_an_empty_field_of_csv_is_absent(shop: Workshop, row: str, kept: int | None, reason: str | None) -> None:
    mapping = {"event_type": "'api_call'", "occurred_at": "at", "company_id": "company", "metadata.v": "v"}
    shop.source("logs", format="csv", mapping=mapping)
    shop.catalog(catalog({"meter_id": "m", "aggregation": "sum", "value": "metadata.v"}))
    shop.customers(SUBSCRIBED)
    shop.place("logs", f"at,company,v\n2023-07-10,{row}\n".encode(), name="log.csv")
    shop.run(MONTH)
    assert total(shop) == (kept or 0)
    assert [found[0] for found in refused(shop).values()] == ([reason] if reason else [])


# --- what a record cannot do without

NEEDED = {
    "event_id": ("cast(v as integer)", "n/a", "event_id cannot be read: n/a"),
    "company_id": ("cast(v as integer)", 1.5, "company_id cannot be read: 1.5"),
    "user_id": ("cast(v * 1 as text)", "x", "user_id cannot be read: x"),
    "subscription_id": ("case when v > 1 then 's' end", "many", "subscription_id cannot be read: many"),
    "event_type": ("case when v > 1 then 'action' else 'api_call' end", "many", "event_type cannot be read: many"),
    "action_name": ("case when v > 1 then 'job' end", "many", "action_name cannot be read: many"),
    "occurred_at": ("epoch_ms(v)", "noon", "occurred_at has no meaning as a time: noon"),
    "weight": ("coalesce(v, 1)", "two", "weight is not a whole number: two"),
    "refusal": ("case when v < 0 then 'negative' end", "less", "refusal cannot be read: less"),
}


@pytest.mark.parametrize("target", NEEDED)
def test_a_record_is_refused_where_what_it_needs_cannot_be_read(shop: Workshop, target: str) -> None:
    expression, value, reason = NEEDED[target]
    shop.source("logs", mapping=PLAIN_MAPPING | {target: expression})
    file = shop.take(lines([event(1, v=value)]))
    (refusal,) = shop.rows(REFUSALS)
    assert (refusal["reason"], json.loads(refusal["text"])["v"]) == (reason, value)
    assert (file.raw_events, file.refusals, file.records) == (0, 1, 1)


def test_an_absent_one_of_these_is_as_absent_as_ever(shop: Workshop) -> None:
    mapping = {target: NEEDED[target][0] for target in NEEDED if target not in ("event_id", "occurred_at")}
    shop.source("logs", mapping=PLAIN_MAPPING | mapping)
    shop.take(lines([event(1)]))
    (row,) = shop.rows(RAW_EVENTS)
    names = ("event_type", "company_id", "user_id", "subscription_id", "action_name", "weight", "unreadable")
    assert [row[name] for name in names] == ["api_call", None, None, None, None, 1, "{}"]


def test_a_correction_is_refused_where_its_kind_or_its_target_cannot_be_read(shop: Workshop) -> None:
    whole = {"target_event_id": "cast(target as integer)", "correction": "case when v > 1 then 'void' end"}
    shop.source("logs", mapping=CORRECTING_MAPPING | whole)
    shop.take(lines([{"id": "v1", "v": 2, "target": "x"}, {"id": "v2", "v": "many", "target": 5}]))
    reasons = sorted(row["reason"] for row in shop.rows(REFUSALS))
    assert reasons == ["correction cannot be read: many", "target_event_id cannot be read: x"]


# --- status: each meter that reads it refuses the event

STATUSES: list[Any] = ["timeout", "", True, "200.5", 3_000_000_000, {"code": 200}, None, 200, "404"]
CALLS = [event(number, status=status) for number, status in enumerate(STATUSES)]


def test_a_status_that_cannot_be_read_is_refused_by_the_meters_that_read_it(shop: Workshop) -> None:
    meters = [
        {"meter_id": "all", "aggregation": "count"},
        {"meter_id": "good", "aggregation": "count", "filter": "status < 400"},
        {"meter_id": "good_or_none", "aggregation": "count", "filter": "coalesce(status, 200) < 400"},
        {"meter_id": "absent", "aggregation": "count", "filter": "status is null"},
        {"meter_id": "gets", "aggregation": "count", "filter": "status < 400 and verb = 'GET'"},
        {"meter_id": "sums", "aggregation": "sum", "value": "status"},
        {"meter_id": "codes", "aggregation": "unique_count", "value": "status"},
        {"meter_id": "by_status", "aggregation": "count", "dimensions": ["status"]},
    ]
    shop.catalog(catalog(*meters))
    shop.customers(SUBSCRIBED)
    shop.place("logs", lines(CALLS))
    shop.run(MONTH)
    found = {row["meter_id"]: row["quantity"] for row in shop.rows(USAGE, [MONTH])}
    assert found == {
        "all": 9,
        "good": 1,
        "good_or_none": 2,
        "absent": 1,
        "gets": 0,
        "sums": 604,
        "codes": 2,
        "by_status": 3,
    }
    unreadable = {"e0": "timeout", "e1": "", "e2": "true", "e3": "200.5", "e4": "3000000000", "e5": '{"code":200}'}
    expected = {
        (event_id, meter): (reason, text)
        for event_id, text in unreadable.items()
        for meter, reason in {
            "good": UNREADABLE,
            "good_or_none": UNREADABLE,
            "sums": NO_NUMBER,
            "codes": UNREADABLE_VALUE,
            "by_status": UNREADABLE,
        }.items()
    }
    # The sixth is absent: there is nothing to add up, nor to tell apart.
    assert refused(shop) == expected | {("e6", "sums"): (ABSENT, None), ("e6", "codes"): (ABSENT, None)}
    counted = {each.meter_id: (each.absent, each.unreadable) for each in refused_values(shop.pipeline, [MONTH])}
    there = dict.fromkeys(("good", "good_or_none", "by_status"), (0, 6))
    assert counted == there | {"sums": (1, 6), "codes": (1, 6)}
    kept = {row["event_id"]: (row["status"], json.loads(row["unreadable"])) for row in shop.rows(EVENTS)}
    assert kept == {event_id: (None, {"status": text}) for event_id, text in unreadable.items()} | {
        "e6": (None, {}),
        "e7": (200, {}),
        "e8": (404, {}),
    }


def test_an_event_that_every_meter_refuses_lies_in_that_bucket(shop: Workshop) -> None:
    shop.catalog(catalog({"meter_id": "good", "aggregation": "count", "filter": "status < 400"}))
    shop.customers(SUBSCRIBED)
    shop.place("logs", lines(CALLS))
    shop.run(MONTH)
    counts = count_period(shop.pipeline, MONTH)
    # 200 is metered; absent and 404 are selected by no meter.
    assert {name: count for name, count in counts.buckets.items() if count} == {
        "metered": 1,
        "no_meter": 2,
        "meter_refused": 6,
    }
    assert counts.problems == []


def test_only_what_is_evaluated_keeps_a_meter_from_telling(shop: Workshop) -> None:
    sent = [{"status": "timeout", "verb": verb, "m": {"n": n}} for verb, n in (("GET", 1), ("PUT", 1), ("PUT", 9))]
    asked = {
        "and": Question("count", sent, filter="verb = 'GET' and status < 400"),
        "and, turned": Question("count", sent, filter="status < 400 and verb = 'GET'"),
        "or": Question("count", sent, filter="verb = 'GET' or status < 400"),
        "case": Question("count", sent, filter="case when verb = 'GET' then true else status < 400 end"),
        "first of a case": Question("count", sent, filter="case when metadata.n > 5 then true else status < 400 end"),
    }
    answers = ask(shop, asked)
    found = {name: (answer.quantities["{}"], answer.refused) for name, answer in answers.items()}
    assert found == {
        "and": (0, 1),
        "and, turned": (0, 1),
        "or": (1, 2),
        "case": (1, 2),
        "first of a case": (1, 2),
    }


def test_whether_a_call_was_blocked_may_not_be_told(shop: Workshop) -> None:
    shop.source("logs", mapping=PLAIN_MAPPING | {"blocked_by": "case when code > 400 then 'quota' end"})
    shop.catalog(
        catalog(
            {"meter_id": "calls", "aggregation": "count"},
            {"meter_id": "all", "aggregation": "count", "count_blocked": True},
        )
    )
    shop.customers(SUBSCRIBED)
    shop.place("logs", lines([event(1, code=200), event(2, code=429), event(3, code="many"), event(4)]))
    shop.run(MONTH)
    assert {row["meter_id"]: row["quantity"] for row in shop.rows(USAGE, [MONTH])} == {"calls": 2, "all": 4}
    assert refused(shop) == {("e3", "calls"): (UNREADABLE, "many")}


# --- metadata


def test_metadata_that_is_no_object_is_refused_by_the_meters_that_read_it(shop: Workshop) -> None:
    meters = [
        {"meter_id": "all", "aggregation": "count"},
        {"meter_id": "sums", "aggregation": "sum", "value": "metadata.v"},
        {"meter_id": "large", "aggregation": "count", "filter": "metadata.v > 5"},
        {"meter_id": "by_k", "aggregation": "count", "dimensions": ["metadata.k"]},
        {"meter_id": "distinct", "aggregation": "unique_count", "value": "metadata.k"},
    ]
    shop.catalog(catalog(*meters))
    shop.customers(SUBSCRIBED)
    sent = {
        "e1": "text",
        "e2": [1],
        "e3": Raw('"{\\"v\\":1e5}"'),
        "e4": {"v": 9, "k": "a"},
        "e5": None,
        "e6": {"v": "n/a"},
    }
    written = [
        f'{{"id":"{name}","at":"2023-07-10","company":"acme","m":{text}}}'
        for name, value in sent.items()
        for text in (value if isinstance(value, Raw) else json.dumps(value),)
    ]
    shop.place("logs", lines(written))
    shop.run(MONTH)
    found = {row["meter_id"]: row["quantity"] for row in shop.rows(USAGE, [MONTH])}
    assert found == {"all": 6, "sums": 9, "large": 1, "by_k": 3, "distinct": 1}
    texts = {"e1": "text", "e2": "[1]", "e3": '{"v":1e5}'}
    expected = {
        (event_id, meter): (reason, text)
        for event_id, text in texts.items()
        for meter, reason in {
            "sums": NO_NUMBER,
            "large": UNREADABLE,
            "by_k": UNREADABLE,
            "distinct": UNREADABLE_VALUE,
        }.items()
    }
    assert refused(shop) == expected | {
        ("e5", "sums"): (ABSENT, None),
        ("e5", "distinct"): (ABSENT, None),
        ("e6", "sums"): (NO_NUMBER, "n/a"),
        ("e6", "large"): (UNREADABLE, "n/a"),
        ("e6", "distinct"): (ABSENT, None),
    }


# --- sizes and durations: absent, counted, and a meter that measures them says what was there


def test_a_replacement_keeps_what_cannot_be_read(shop: Workshop) -> None:
    shop.source("logs", mapping=CORRECTING_MAPPING)
    shop.catalog(catalog({"meter_id": "good", "aggregation": "count", "filter": "status < 400"}))
    shop.customers(SUBSCRIBED)
    shop.place("logs", lines([event(1, status=200)]))
    new = event(2, status="timeout") | {"correction": "replacement", "target": "e1"}
    shop.place("logs", lines([new]), RECEIVED + timedelta(hours=1))
    shop.run(MONTH)
    assert total(shop) == 0
    assert refused(shop) == {("e2", "good"): (UNREADABLE, "timeout")}


def test_the_same_event_with_something_unreadable_is_another_content(shop: Workshop) -> None:
    """An absent status and one that cannot be read say two things: the copy is a conflict, and the first counts."""
    shop.catalog(catalog({"meter_id": "good_or_none", "aggregation": "count", "filter": "coalesce(status, 200) < 400"}))
    shop.customers(SUBSCRIBED)
    shop.place("logs", lines([event(1)]))
    shop.place("logs", lines([event(1, status="timeout")]), RECEIVED + timedelta(hours=1))
    shop.run(MONTH)
    counts = count_period(shop.pipeline, MONTH)
    assert (counts.days["conflicts"], counts.days["duplicates"], total(shop)) == (1, 0, 1)


def test_a_line_is_explained_by_the_events_that_its_meter_did_not_refuse(shop: Workshop) -> None:
    shop.catalog(catalog({"meter_id": "good", "aggregation": "count", "filter": "status < 400"}))
    shop.customers(SUBSCRIBED)
    shop.place("logs", lines(CALLS))
    shop.run(MONTH)
    (line,) = read_lines(shop.pipeline, MONTH)
    assert (line.quantity, explain(shop.pipeline, line.line_id).events) == (1, 1)
