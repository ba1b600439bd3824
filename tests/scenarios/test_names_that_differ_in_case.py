"""Names that a user writes are told apart as they are written, wherever they stand: figures worked out by hand."""

import json
from collections.abc import Mapping
from decimal import Decimal
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counting import MONTH, Question, ask
from workshop import Workshop, event, lines

from monetization_pipeline.datasets import INVOICE_LINES, RAW_EVENTS, USAGE
from monetization_pipeline.reports.explain import explain
from monetization_pipeline.steps import invoices

#: Pairs that some program folds into one: by case, by case beyond ASCII, by a sign that is one letter or two.
PAIRS = [
    ("tokens", "Tokens"),
    ("größe", "GRÖßE"),
    ("ä", "Ä"),
    ("é", "e\u0301"),
    ("k", "\u212a"),
    ("\u0131", "I"),
    ("ß", "SS"),
    ("\u03c3", "\u03c2"),
    ("a b", "A B"),
    ("leaf_1", "LEAF_1"),
]


def quoted(name: str) -> str:
    return f'metadata."{name}"'


def test_sums_over_fields_that_differ_in_case_are_each_their_own(shop: Workshop) -> None:
    values = {
        f"{size}{pair}": quoted(name)
        for pair, names in enumerate(PAIRS)
        for size, name in zip("sl", names, strict=True)
    }
    prices = [{"price_id": name, "model": "per_unit", "meter": name, "unit_amount": "1.00"} for name in values]
    meters = [{"meter_id": name, "aggregation": "sum", "value": value} for name, value in values.items()]
    plan = {"plan_id": "p", "currency": "USD", "interval": "month", "prices": prices}
    shop.catalog({"meters": meters, "plans": [plan]})
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    sent = [{one: small, other: large} for one, other in PAIRS for small, large in ((5, 100), (7, 200))]
    shop.place("logs", lines([event(number, m=metadata) for number, metadata in enumerate(sent)]))
    shop.run(MONTH)
    found = {line["price_id"]: line["amount"] for line in shop.rows(INVOICE_LINES, [MONTH])}
    # Of each pair 5 + 7 = 12 and 100 + 200 = 300, together 312; once both were read as the second, 600.
    assert found == {name: Decimal("12.00" if name[0] == "s" else "300.00") for name in values}
    assert [invoice.total for invoice in invoices.read_invoices(shop.pipeline, MONTH)] == [312 * len(PAIRS)]
    for line in shop.rows(INVOICE_LINES, [MONTH])[:2]:
        assert explain(shop.pipeline, line["line_id"]).events == 2


def test_filters_values_and_groups_read_the_field_that_they_name(shop: Workshop) -> None:
    asked: dict[str, Question] = {}
    expected: dict[str, dict[frozenset[tuple[str, str | None]], int]] = {}
    for one, other in PAIRS:
        sent = [{"m": {one: "x", other: "y"}}, {"m": {one: "x", other: "z"}}, {"m": {other: "x"}}]
        small, large = quoted(one), quoted(other)

        def ask_for(name: str, question: Question, *groups: tuple[dict[str, str | None], int], of: str = one) -> None:
            asked[f"{of} {name}"] = question
            expected[f"{of} {name}"] = {frozenset(group.items()): count for group, count in groups}

        ask_for("filter", Question("count", sent, filter=f"{small} = 'x'"), ({}, 2))
        ask_for("filter of the other", Question("count", sent, filter=f"{large} = 'x'"), ({}, 1))
        ask_for("distinct", Question("unique_count", sent, value=small, filter=f"{small} is not null"), ({}, 1))
        ask_for("distinct of the other", Question("unique_count", sent, value=large), ({}, 3))
        by_one = Question("count", sent, dimensions=[small, large], groups=[small])
        ask_for("groups", by_one, ({small: "x"}, 2), ({small: None}, 1))
        by_other = Question("count", sent, dimensions=[small, large], groups=[large])
        ask_for("groups of the other", by_other, *(({large: value}, 1) for value in "xyz"))
        by_both = Question("count", sent, dimensions=[small, large], groups=[small, large])
        both = [{small: "x", large: "y"}, {small: "x", large: "z"}, {small: None, large: "x"}]
        ask_for("groups of both", by_both, *((group, 1) for group in both))
    answers = ask(shop, asked)
    found = {
        name: {frozenset(json.loads(group).items()): int(count) for group, count in answer.quantities.items()}
        for name, answer in answers.items()
    }
    assert found == expected


def parquet(columns: Mapping[str, list[str]]) -> bytes:
    target = BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


#: A value for each name; those of one pair differ. The second of a pair is said first.
SAID = {name: f"value {number}" for number, name in enumerate(name for pair in PAIRS for name in reversed(pair))}
RECORD = {"at": "2023-07-10", **SAID}
FILES = {
    "ndjson": lines([json.dumps(RECORD | {"in": SAID})]),
    "json": json.dumps([RECORD | {"in": SAID}]).encode(),
    "csv": "\n".join(",".join(row) for row in (RECORD, RECORD.values())).encode(),
    "parquet": parquet({name: [value] for name, value in RECORD.items()}),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_mapping_reads_the_field_that_it_names(shop: Workshop, kind: str) -> None:
    nested = kind in ("ndjson", "json")
    below = {f"metadata.in {name}": f'"in"."{name}"' for name in SAID} if nested else {}
    mapping = {f"metadata.{name}": f'"{name}"' for name in SAID} | below
    mapping |= {"event_type": "'api_call'", "occurred_at": "at", "company_id": "tokens", "user_id": "Tokens"}
    shop.source("logs", format=kind, mapping=mapping)
    shop.take(FILES[kind])
    (row,) = shop.rows(RAW_EVENTS)
    assert (row["company_id"], row["user_id"]) == (SAID["tokens"], SAID["Tokens"])
    inner = {f"in {name}": value for name, value in SAID.items()} if nested else {}
    assert json.loads(row["metadata"]) == SAID | inner


def test_a_field_that_only_looks_like_the_one_that_is_named_is_absent(shop: Workshop) -> None:
    mapping = {f"metadata.{one}": f'"{one}"' for one, _ in PAIRS}
    shop.source("logs", mapping=mapping | {"event_type": "'api_call'", "occurred_at": "at"})
    shop.take(lines([{"at": "2023-07-10"} | {other: "another" for _, other in PAIRS}]))
    assert [row["metadata"] for row in shop.rows(RAW_EVENTS)] == ["{}"]


def test_ids_of_meters_prices_plans_companies_and_subscriptions_that_differ_in_case_are_different(
    shop: Workshop,
) -> None:
    meters = [{"meter_id": name, "aggregation": "sum", "value": f"metadata.{name}"} for name in ("calls", "Calls")]
    plans = [
        {
            "plan_id": plan_id,
            "currency": "USD",
            "interval": "month",
            "prices": [
                {"price_id": f"{plan_id}{meter}", "model": "per_unit", "meter": meter, "unit_amount": amount}
                for meter, amount in (("calls", small), ("Calls", large))
            ],
        }
        for plan_id, small, large in (("p", "1", "10"), ("P", "100", "1000"))
    ]
    shop.catalog({"meters": meters, "plans": plans})
    customers = [("s", "acme", "p"), ("S", "Acme", "P")]
    shop.customers(
        {
            "subscriptions": [
                {"subscription_id": subscription, "company_id": company, "plan_id": plan}
                for subscription, company, plan in customers
            ],
            "users": [{"user_id": "u", "company_id": "acme"}, {"user_id": "U", "company_id": "Acme"}],
        }
    )
    sent = [
        event(1, m={"calls": 1, "Calls": 2}),
        event(2, company="Acme", m={"calls": 3, "Calls": 4}),
        event(3, company=None, user="u", m={"calls": 5, "Calls": 6}),
        event(4, company=None, user="U", m={"calls": 7, "Calls": 8}),
        event(1, id="E1", m={"calls": 0, "Calls": 0}),
    ]
    shop.place("logs", lines(sent))
    shop.run(MONTH)
    quantities = {(row["subscription_id"], row["meter_id"]): row["quantity"] for row in shop.rows(USAGE, [MONTH])}
    assert quantities == {("s", "calls"): 6, ("s", "Calls"): 8, ("S", "calls"): 10, ("S", "Calls"): 12}
    totals = {invoice.company_id: invoice.total for invoice in invoices.read_invoices(shop.pipeline, MONTH)}
    # 6 × 1 + 8 × 10, and 10 × 100 + 12 × 1000.
    assert totals == {"acme": Decimal("86.00"), "Acme": Decimal("13000.00")}
