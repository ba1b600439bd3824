"""One number has one text, however it was written and whatever it was computed from: figures worked out by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counting import MONTH, Question, Raw, ask
from workshop import PLAIN_MAPPING, Workshop, event, lines

from monetization_pipeline.closing import opening, publish
from monetization_pipeline.closing.books import Books
from monetization_pipeline.closing.states import InvoiceState, invoice_states
from monetization_pipeline.datasets import RAW_EVENTS
from monetization_pipeline.ids import make_ids
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.periods import Period
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.rating.former_groups import former_groups
from monetization_pipeline.rating.lines import RatedLine, Span
from monetization_pipeline.steps import invoices
from monetization_pipeline.steps.rated_lines import read_lines

LATER = datetime(2023, 9, 5, tzinfo=UTC)
SUBSCRIBED = {"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]}


def catalog(meter: Mapping[str, object], **price: object) -> dict[str, object]:
    priced = {"price_id": "x", "model": "per_unit", "meter": "m", "unit_amount": "1.00"} | price
    plan = {"plan_id": "p", "currency": "USD", "interval": "month", "prices": [priced]}
    return {"meters": [{"meter_id": "m", "aggregation": "count"} | meter], "plans": [plan]}


def totals(shop: Workshop) -> list[Decimal]:
    return [invoice.total for invoice in invoices.read_invoices(shop.pipeline, MONTH)]


# --- whole numbers that a table writes as floats

FLOATS = b"""id,at,account,status,ms,bytes,n
a,2023-07-10 12:00:00,acme,200.0,12.0,100.0,2.0
b,2023-07-10 12:00:00,acme,404.0,,,
c,2023-07-10 12:00:00,acme,,3.0,5000000000.0,1.0
"""
WAREHOUSE = {
    "event_id": "id",
    "event_type": "'api_call'",
    "occurred_at": "at",
    "company_id": "account",
    "status": "status",
    "duration_ms": "ms",
    "response_size": "bytes",
    "weight": "n",
}


def floats_as_parquet() -> bytes:
    columns = {
        "id": ["a", "b", "c"],
        "at": ["2023-07-10 12:00:00"] * 3,
        "account": ["acme"] * 3,
        "status": [200.0, 404.0, None],
        "ms": [12.0, None, 3.0],
        "bytes": [100.0, None, 5e9],
        "n": [2.0, None, 1.0],
    }
    target = BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def floats_as_json() -> bytes:
    return lines(
        [
            '{"id":"a","at":"2023-07-10 12:00:00","account":"acme","status":200.0,"ms":1.2e1,"bytes":"1.0e2","n":2.0}',
            '{"id":"b","at":"2023-07-10 12:00:00","account":"acme","status":"404.0"}',
            '{"id":"c","at":"2023-07-10 12:00:00","account":"acme","ms":3.0,"bytes":5000000000.0,"n":1}',
        ]
    )


FILES = {"csv": FLOATS, "parquet": floats_as_parquet(), "ndjson": floats_as_json()}


@pytest.mark.parametrize("kinds", [("csv",), ("parquet",), ("ndjson",), ("csv", "parquet")], ids=" and ".join)
def test_whole_numbers_that_are_written_as_floats_are_read_alike_from_every_format(
    shop: Workshop, kinds: Sequence[str]
) -> None:
    shop.catalog(catalog({}))
    shop.customers(SUBSCRIBED)
    for kind in kinds:
        shop.source(kind, format=kind, mapping=WAREHOUSE)
        shop.place(kind, FILES[kind], name=f"calls.{kind}")
    shop.run(MONTH)
    names = ("event_id", "status", "duration_ms", "response_size", "weight")
    found = sorted(tuple(row[name] for name in names) for row in shop.rows(RAW_EVENTS))
    each = [("a", 200, 12, 100, 2), ("b", 404, None, None, 1), ("c", None, 3, 5_000_000_000, 1)]
    assert found == sorted(each * len(kinds))
    # Weights 2, 1 and 1, by each of the sources.
    assert totals(shop) == [Decimal("4.00") * len(kinds)]


def test_a_whole_number_is_whole_in_every_spelling_and_nothing_else_is(shop: Workshop) -> None:
    """A weight that is none refuses its record."""
    whole = {"7": 7, "7.0": 7, "7.": 7, "+7": 7, "0.7e1": 7, "700E-2": 7, "007": 7, "7.000000000000000": 7, "0e9": 0}
    none = ["7.5", "7,0", "7_0", "0x7", "seven", "NaN", "7e-1", " 7", "1e17", "\u0667"]
    texts = [*whole, *none]
    shop.take(lines(event(number, weight=text) for number, text in enumerate(texts)))
    found = {texts[int(row["event_id"][1:])]: row["weight"] for row in shop.rows(RAW_EVENTS)}
    assert found == whole


# --- numbers that tell groups and distinct values apart


def test_numbers_that_passed_an_expression_are_the_numbers_that_did_not(shop: Workshop) -> None:
    """7 by five ways, and 8; text that only looks like a number is another one."""
    mapping = PLAIN_MAPPING | {
        "metadata.v": "case how when 'times' then cast(v * 1 as text) when 'plus' then cast(v + 0 as text) else v end",
        "metadata.w": "case when how = 'none' then v * 1 else v + 0 end",
    }
    shop.source("logs", mapping=mapping)
    meters = [
        {"meter_id": "v", "aggregation": "unique_count", "value": "metadata.v"},
        {"meter_id": "w", "aggregation": "unique_count", "value": "metadata.w"},
        {"meter_id": "sum", "aggregation": "unique_count", "value": "metadata.w + 0"},
    ]
    prices = [
        {"price_id": meter["meter_id"], "model": "per_unit", "meter": meter["meter_id"], "unit_amount": "1.00"}
        for meter in meters
    ]
    shop.catalog(
        {"meters": meters, "plans": [{"plan_id": "p", "currency": "USD", "interval": "month", "prices": prices}]}
    )
    shop.customers(SUBSCRIBED)
    values = ["7", "7.0", "7e0", "7.000000000000000", "8"]
    sent = [
        f'{{"id":"{number} {how}","at":"2023-07-10","company":"acme","how":"{how}","v":{value}}}'
        for number, value in enumerate(values)
        for how in ("none", "times", "plus")
    ]
    shop.place("logs", lines(sent))
    shop.run(MONTH)
    # 7 and 8: two for each of three meters.
    assert totals(shop) == [Decimal("6.00")]


def test_groups_of_one_number_are_one_and_those_of_texts_are_as_many_as_there_are(shop: Workshop) -> None:
    numbers = [{"m": {"k": Raw(text)}} for text in ("7", "7.0", "7.00", "7e0", "0.7e1", "7.000000000000")]
    texts = [{"m": {"k": text}} for text in ("1.1", "1.10", "7", "007", "7.0")]
    answers = ask(
        shop,
        {
            "numbers": Question("count", numbers, dimensions=["metadata.k"], groups=["metadata.k"]),
            "texts": Question("count", texts, dimensions=["metadata.k"], groups=["metadata.k"]),
            "distinct numbers": Question("unique_count", numbers, value="metadata.k"),
            "distinct texts": Question("unique_count", texts, value="metadata.k"),
        },
    )
    assert answers["numbers"].quantities == {'{"metadata.k":"7"}': 6}
    assert answers["texts"].quantities == {f'{{"metadata.k":"{text["m"]["k"]}"}}': 1 for text in texts}
    assert (answers["distinct numbers"].quantities, answers["distinct texts"].quantities) == ({"{}": 1}, {"{}": 5})


# --- what is booked under another spelling

GROUPED = catalog({"dimensions": ["metadata.n", "metadata.model"]}, group_by=["metadata.n", "metadata.model"])
SENT = [event(1, m={"n": 7, "model": "a"}), event(2, m={"n": 7, "model": "a"}), event(3, m={"n": 0.5, "model": "7"})]


def grouped(shop: Workshop) -> None:
    shop.source("logs", mapping=PLAIN_MAPPING | {"metadata.n": "m.n * 1", "metadata.model": "m.model"})
    shop.catalog(GROUPED)
    shop.customers(SUBSCRIBED)
    shop.place("logs", lines(SENT))
    shop.run(MONTH)


def old_id(line: RatedLine, group: str) -> str:
    full = Period(line.full_period_start, line.full_period_end)
    span = Span(full, Period(line.period_start, line.period_end))
    return make_ids("ln", [span.line_hash(line.subscription_id, line.price_id, group, line.kind.value)])[0]


def booked_the_old_way(shop: Workshop) -> list[Invoice]:
    """The invoices with the line ids of the first version, which wrote 7 * 1 with twelve zeros."""
    texts = {
        '{"metadata.model":"a","metadata.n":"7"}': '{"metadata.model":"a","metadata.n":"7.000000000000"}',
        '{"metadata.model":"7","metadata.n":"0.5"}': '{"metadata.model":"7","metadata.n":"0.500000000000"}',
    }
    ids = {line.line_id: old_id(line, texts[line.group]) for line in read_lines(shop.pipeline, MONTH)}
    return [
        replace(each, lines=tuple(replace(line, line_id=ids[line.line_id]) for line in each.lines))
        for each in invoices.read_invoices(shop.pipeline, MONTH)
    ]


def states(shop: Workshop, ledger: Ledger) -> Sequence[InvoiceState]:
    books = Books(shop.pipeline, shop.known(), ledger)
    return invoice_states(books, MONTH, LATER, inputs_complete=True).states


def test_a_group_that_a_booked_line_spells_the_old_way_is_that_of_the_line(shop: Workshop) -> None:
    grouped(shop)
    assert totals(shop) == [Decimal("3.00")]
    with (
        opening.opened_ledger(shop.pipeline) as ledger,
        opening.opened_provider(shop.pipeline, Account("stripe")) as provider,
    ):
        old = booked_the_old_way(shop)
        assert {line.line_id for line in old[0].lines}.isdisjoint(
            line.line_id for line in invoices.read_invoices(shop.pipeline, MONTH)[0].lines
        )
        ledger.book(old, period=MONTH, as_of=LATER, by="the first version", at=LATER)
        (state,) = states(shop, ledger)
        assert (state.status, state.differs) == ("booked", False)
        done = publish.publish_period(shop.pipeline, ledger, provider, MONTH, clock=lambda: LATER, by="tester")
        assert (done.booked, done.left_alone, [each.intent.total for each in done.report.issued]) == ((), [], [3])


def test_a_figure_that_changed_is_a_difference_of_its_own_line_alone(shop: Workshop) -> None:
    grouped(shop)
    with opening.opened_ledger(shop.pipeline) as ledger:
        ledger.book(booked_the_old_way(shop), period=MONTH, as_of=LATER, by="the first version", at=LATER)
        shop.place("logs", lines([event(4, m={"n": 7, "model": "a"})]))
        shop.run(MONTH)
        (state,) = states(shop, ledger)
    assert state.status == "booked, differs by 1.00"


@pytest.mark.parametrize(
    ("group", "former"),
    [
        ('{"a":"7"}', ['{"a":"7.000000000000"}', '{"a":"7.0"}']),
        ('{"a":"-0.5"}', ['{"a":"-0.500000000000"}']),
        ('{"a":"0.00001"}', ['{"a":"0.000010000000"}', '{"a":"1e-05"}', '{"a":"1e-5"}', '{"a":"1E-5"}']),
        ('{"a":"x","b":null}', []),
        ('{"a":"v7","b":"7 ","c":"\\":\\"7\\","}', []),
        ("{}", []),
    ],
)
def test_how_a_group_may_have_been_written(group: str, former: list[str]) -> None:
    assert former_groups(group) == former


def test_of_several_numbers_every_mixture_may_have_been_written() -> None:
    assert former_groups('{"a":"7","b":"x","c":"8"}') == [
        f'{{"a":"{one}","b":"x","c":"{other}"}}'
        for one in ("7", "7.000000000000", "7.0")
        for other in ("8", "8.000000000000", "8.0")
        if (one, other) != ("7", "8")
    ]
