"""The one bucket in which each event lies, by hand (rule 6): first of all where several would fit."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from workshop import Workshop, event, lines

from monetization_pipeline.datasets import METER_REFUSALS, UNBILLED
from monetization_pipeline.metering.charged import BUCKETS
from monetization_pipeline.standing.counts import count_period

MONTH = "2023-07"


def price(name: str, meter: str) -> dict[str, object]:
    return {"price_id": name, "model": "per_unit", "meter": meter, "unit_amount": "1"}


def plan(name: str, *prices: Mapping[str, object]) -> dict[str, object]:
    return {"plan_id": name, "currency": "USD", "interval": "month", "prices": list(prices)}


CATALOG: dict[str, object] = {
    "meters": [
        {"meter_id": "calls", "aggregation": "count", "filter": "status < 400"},
        {"meter_id": "tokens", "aggregation": "sum", "value": "metadata.tokens", "filter": "status < 400"},
        {"meter_id": "errors", "aggregation": "count", "filter": "status >= 500"},
    ],
    "plans": [
        plan("both", price("c", "calls"), price("t", "tokens")),
        plan("calls", price("other", "calls")),
        plan("errors", price("e", "errors")),
    ],
}

#: `twins` have two subscriptions to one plan; `three` one more, to a plan that charges calls by another price;
#: `mixed` one more, to a plan that charges neither.
SUBSCRIPTIONS = {
    "twins": ("both", "both"),
    "three": ("both", "both", "calls"),
    "mixed": ("both", "both", "errors"),
    "one": ("both",),
    "errors": ("errors",),
}

#: What the event says → its bucket; meters that are ambiguous for it; meters that refuse its value.
CASES: Mapping[str, tuple[Mapping[str, object], str, tuple[str, ...], tuple[str, ...]]] = {
    "every meter is ambiguous": ({"company": "twins"}, "ambiguous_subscription", ("calls", "tokens"), ()),
    "the only meter that can use it is ambiguous": (
        {"company": "twins", "m": {"tokens": "n/a"}},
        "ambiguous_subscription",
        ("calls",),
        ("tokens",),
    ),
    "one meter is charged, the other ambiguous": ({"company": "three"}, "metered", ("calls", "tokens"), ()),
    "one of the twins is named": ({"company": "twins", "subscription": "s-twins-0"}, "metered", (), ()),
    "the twins' event names another company's": (
        {"company": "twins", "subscription": "s-one-0"},
        "no_subscription",
        (),
        (),
    ),
    "the twins' event names nobody's": ({"company": "twins", "subscription": "s-none"}, "no_subscription", (), ()),
    "one beside the twins is named, and does not price it": (
        {"company": "mixed", "subscription": "s-mixed-2"},
        "no_subscription",
        (),
        (),
    ),
    "the twins price no meter that selects it": ({"company": "twins", "status": 500}, "no_subscription", (), ()),
    "no meter selects it": ({"company": "twins", "status": 404}, "no_meter", (), ()),
    "the twins' call was blocked": ({"company": "twins", "blocked_by": "quota"}, "blocked", (), ()),
    "one subscription": ({"company": "one"}, "metered", (), ()),
    "the plan prices no meter that selects it": ({"company": "errors"}, "no_subscription", (), ()),
    "nobody's": ({"company": None}, "no_company", (), ()),
    "no subscription at all": ({"company": "stranger"}, "no_subscription", (), ()),
}


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    made = Workshop(tmp_path)
    made.source("logs")
    made.catalog(CATALOG)
    subscriptions = [
        {"subscription_id": f"s-{company}-{number}", "company_id": company, "plan_id": plan_id}
        for company, plans in SUBSCRIPTIONS.items()
        for number, plan_id in enumerate(plans)
    ]
    made.customers({"subscriptions": subscriptions})
    return made


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_event_lies_in_one_bucket(
    shop: Workshop, case: tuple[Mapping[str, object], str, tuple[str, ...], tuple[str, ...]]
) -> None:
    said, bucket, ambiguous, refused = case
    shop.place("logs", lines([event(1, **({"status": 200, "m": {"tokens": "3"}} | said))]))
    shop.run(MONTH)
    counts = count_period(shop.pipeline, MONTH)
    assert counts.buckets == {name: int(name == bucket) for name in BUCKETS}
    assert counts.problems == []
    unbilled = sorted((row["meter_id"], row["reason"]) for row in shop.rows(UNBILLED))
    own = [] if bucket in ("metered", "ambiguous_subscription") else [("", bucket)]
    assert unbilled == sorted([*own, *((meter, "ambiguous_subscription") for meter in ambiguous)])
    assert sorted(row["meter_id"] for row in shop.rows(METER_REFUSALS)) == list(refused)
