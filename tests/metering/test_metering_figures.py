"""Figures of metering that take more than one event or meter to see: long sums, refusals' text, weights."""

import json

import pytest
from counting import MONTH, Question, Raw, ask
from workshop import Workshop, event, lines

from monetization_pipeline.datasets import DAILY_USAGE, INVOICE_LINES, METER_REFUSALS, USAGE


def test_a_million_tenths_are_exactly_a_hundred_thousand(shop: Workshop) -> None:
    shop.catalog(
        {
            "meters": [{"meter_id": "tenths", "aggregation": "sum", "value": "metadata.v"}],
            "plans": [
                {
                    "plan_id": "p",
                    "currency": "USD",
                    "interval": "month",
                    "prices": [{"price_id": "x", "model": "per_unit", "meter": "tenths", "unit_amount": "0.01"}],
                }
            ],
        }
    )
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    shop.place("logs", b'{"at":"2023-07-10T12:00:00Z","company":"acme","m":{"v":0.1}}\n' * 1_000_000)
    shop.run(MONTH)
    (row,) = shop.rows(USAGE, [MONTH])
    assert (str(row["quantity"]), row["events"]) == ("100000.000000000000", 1_000_000)
    (line,) = shop.rows(INVOICE_LINES, [MONTH])
    assert line["amount"] == line["exact_amount"] == 1000


def test_a_refused_value_names_what_was_sent(shop: Workshop) -> None:
    ask(
        shop,
        {
            "q": Question(
                "sum", [{"m": {"v": value}} for value in ("twelve", Raw("NaN"), None, "x" * 2000)], "metadata.v"
            )
        },
    )
    found = {(row["reason"], (row["value"] or "")[:10]) for row in shop.rows(METER_REFUSALS)}
    unusable = "the value is not a number that can be used"
    assert found == {(unusable, "twelve"), (unusable, "NaN"), ("the value is missing", ""), (unusable, "x" * 10)}
    assert max(len(row["value"] or "") for row in shop.rows(METER_REFUSALS)) == 1000


@pytest.mark.parametrize("plans", [("sums",), ("counts", "sums"), ("sums", "counts"), ("counts",)])
def test_a_weight_that_nothing_multiplies_is_warned_of(shop: Workshop, plans: tuple[str, ...]) -> None:
    """Also where the subscription that is charged for it is not the company's first."""
    meters = [
        {"meter_id": "counts", "aggregation": "count"},
        {"meter_id": "sums", "aggregation": "sum", "value": "metadata.v"},
    ]
    shop.catalog(
        {
            "meters": meters,
            "plans": [
                {
                    "plan_id": name,
                    "currency": "USD",
                    "interval": "month",
                    "prices": [{"price_id": f"of_{name}", "model": "per_unit", "meter": name, "unit_amount": "1"}],
                }
                for name in ("counts", "sums")
            ],
        }
    )
    shop.customers(
        {
            "subscriptions": [
                {"subscription_id": f"s{number}", "company_id": "acme", "plan_id": plan}
                for number, plan in enumerate(plans)
            ]
        }
    )
    shop.place("logs", lines([event(1, weight=2, m={"v": 1}), event(2, m={"v": 1}), event(3, weight=3, m={"v": 1})]))
    shop.run(MONTH)
    (state,) = [state for state in shop.pipeline.lake.table(DAILY_USAGE).states().values() if state.rows]
    warning = "2 events with a weight other than 1 are metered by what weight does not multiply"
    assert state.notes == ({"warning": warning} if "sums" in plans else {})


def test_a_day_has_one_state_of_a_key(shop: Workshop) -> None:
    """Also where events of one key were grouped apart: weights, refusals, a named subscription, one that starts."""
    meters = [
        {"meter_id": "counts", "aggregation": "count"},
        {"meter_id": "sums", "aggregation": "sum", "value": "metadata.v"},
        {"meter_id": "bytes", "aggregation": "max", "value": "response_size"},
    ]
    prices = [
        {"price_id": name, "model": "per_unit", "meter": name, "unit_amount": "1"}
        for name in ("counts", "sums", "bytes")
    ]
    plan = {"plan_id": "p", "currency": "USD", "interval": "month", "prices": prices}
    later = {"plan_id": "q", "currency": "USD", "interval": "month", "prices": [prices[0] | {"price_id": "other"}]}
    shop.catalog({"meters": meters, "plans": [plan, later]})
    subscriptions = [
        {"subscription_id": "s", "company_id": "acme", "plan_id": "p"},
        {"subscription_id": "t", "company_id": "acme", "plan_id": "q", "start_at": "2023-07-10T12:30:00Z"},
    ]
    shop.customers({"subscriptions": subscriptions})
    sent = [
        *(event(number, weight=number, m={"v": number}) for number in range(1, 4)),
        event(4, m={"v": "x"}),
        event(5, m={"v": "y"}, weight=2),
        event(6, m={"v": 6}, subscription="s"),
        event(7, m={"v": 7}, at="2023-07-10T13:00:00Z"),
    ]
    shop.place("logs", lines(sent))
    shop.run(MONTH)
    states = shop.rows(DAILY_USAGE)
    keys = [tuple(row[name] for name in DAILY_USAGE.key) for row in states]
    assert len(keys) == len(set(keys))
    figures = {(row["subscription_id"], row["meter_id"]): row["quantity"] for row in shop.rows(USAGE, [MONTH])}
    # Weights 1, 2, 3, 1, 2, 1 and 1; values 1, 2, 3, 6 and 7. The later subscription has the last call alone.
    assert figures == {("s", "counts"): 11, ("s", "sums"): 19, ("s", "bytes"): 0, ("t", "counts"): 1}


@pytest.mark.parametrize(
    "key", ["a b", "a.b", "it's", 'say "x"', "back\\slash", "a*", "a/b~c", "$", "[0]", "é😀", "x:y"]
)
def test_a_group_is_found_by_its_name_whatever_signs_are_in_it(shop: Workshop, key: str) -> None:
    dimension = f'metadata."{key.replace(chr(34), 2 * chr(34))}"'
    price = {"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": "1", "group_by": [dimension]}
    shop.catalog(
        {
            "meters": [{"meter_id": "calls", "aggregation": "count", "dimensions": [dimension, "metadata.other"]}],
            "plans": [{"plan_id": "p", "currency": "USD", "interval": "month", "prices": [price]}],
        }
    )
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    shop.place("logs", lines(event(n, m={key: "ab"[n % 2], "other": n}) for n in range(3)))
    shop.run(MONTH)
    found = {row["group"]: row["quantity"] for row in shop.rows(USAGE, [MONTH])}
    assert {json.loads(group)[dimension]: quantity for group, quantity in found.items()} == {"a": 2, "b": 1}
