"""Tables that one step commits one after another: a run that was cut short between them, and what it had read put back.

Each table then says of itself what it was made from, and those that do not belong to the others are made anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from workshop import Workshop, event, lines

from monetization_pipeline.closing.gate import gate_problems
from monetization_pipeline.datasets import (
    DAILY_USAGE,
    METER_REFUSALS,
    UNBILLED,
    USAGE,
    DatasetSpec,
)
from monetization_pipeline.invoicing.models import minor_text
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import Claim, NewFile, Table
from monetization_pipeline.standing.outlook import stale_days
from monetization_pipeline.steps.invoices import read_invoices
from monetization_pipeline.steps.road import ROAD, Row

MONTH, DAY = "2023-07", "2023-07-10"

#: Each step that commits several tables, cut short before each of them.
CUTS = [
    pytest.param(row.name, spec, id=f"{row.name} before {spec.name}")
    for row in ROAD
    if row.stated and row.beside
    for spec in row.specs
]


def catalog(filtered: str = "status < 400", unit_amount: str = "0.50") -> dict[str, object]:
    meter = {"meter_id": "tokens", "aggregation": "sum", "value": "metadata.tokens", "filter": filtered}
    price = {"price_id": "x", "model": "per_unit", "meter": "tokens", "unit_amount": unit_amount}
    return {
        "meters": [meter],
        "plans": [{"plan_id": "p", "currency": "USD", "interval": "month", "prices": [price]}],
    }


@pytest.fixture
def ran(shop: Workshop) -> Workshop:
    """Three calls of acme, all of which the meter selects: 5 and 7 tokens, and "n/a", which it refuses."""
    shop.catalog(catalog())
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    tokens = enumerate(("5", "7", "n/a"))
    shop.place("logs", lines(event(number, status=200, m={"tokens": text}) for number, text in tokens))
    shop.run(MONTH)
    return shop


def said(shop: Workshop) -> Mapping[str, object]:
    """What the shop says of what happened, by hand."""
    refused = [(row["event_id"], row["meter_id"], row["value"]) for row in shop.rows(METER_REFUSALS)]
    (invoice,) = read_invoices(shop.pipeline, MONTH)
    return {
        "refused": refused,
        "unbilled": [(row["event_id"], row["reason"]) for row in shop.rows(UNBILLED)],
        "quantity": [str(row["quantity"].normalize()) for row in shop.rows(USAGE)],
        "invoice": [minor_text(amount, "USD") for amount in (invoice.total, *(line.amount for line in invoice.lines))],
    }


#: 5 + 7 tokens at 0.50.
RIGHT = {
    "refused": [("e2", "tokens", "n/a")],
    "unbilled": [("e2", "meter_refused")],
    "quantity": ["12"],
    "invoice": ["6.00", "6.00"],
}


def cut_short(shop: Workshop, monkeypatch: pytest.MonkeyPatch, before: DatasetSpec) -> None:
    """A run that dies before a table is committed; those before it are."""
    commit = Table.replace

    def cut(table: Table, claim: Claim, files: Sequence[NewFile], states: Mapping[str, PartitionState]) -> None:
        if table.spec is before:
            raise KeyboardInterrupt
        commit(table, claim, files, states)

    monkeypatch.setattr(Table, "replace", cut)
    with pytest.raises(KeyboardInterrupt):
        shop.run(MONTH)
    monkeypatch.undo()


def test_the_shop_says_what_was_worked_out_by_hand(ran: Workshop) -> None:
    assert said(ran) == RIGHT


@pytest.mark.parametrize(("step", "before"), CUTS)
def test_a_run_cut_short_between_two_tables_and_the_catalog_put_back_leave_nothing_wrong(
    ran: Workshop, monkeypatch: pytest.MonkeyPatch, step: str, before: DatasetSpec
) -> None:
    # By this catalog no meter selects a call, the text is refused by nobody, and a unit costs twice as much.
    ran.catalog(catalog(filtered="status >= 400", unit_amount="1.00"))
    cut_short(ran, monkeypatch, before)
    ran.catalog(catalog())
    ran.run(MONTH)
    assert said(ran) == RIGHT
    assert gate_problems(ran.pipeline, ran.known(), MONTH) == []


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(METER_REFUSALS, [], id="nothing was committed"),
        pytest.param(UNBILLED, [DAY], id="refusals were committed"),
        pytest.param(DAILY_USAGE, [DAY], id="refusals and what is unbilled were committed"),
    ],
)
def test_a_day_whose_tables_are_of_two_runs_is_out_of_date_to_whoever_asks(
    ran: Workshop, monkeypatch: pytest.MonkeyPatch, before: DatasetSpec, expected: list[str]
) -> None:
    ran.catalog(catalog(filtered="status >= 400"))
    cut_short(ran, monkeypatch, before)
    ran.catalog(catalog())
    assert [reason.partition for reason in ran.reasons(MONTH)] == expected
    assert [work.partition for work in stale_days(ran.pipeline, ran.known())] == expected
    assert [f"{day}" for day in ran.stale_days(DAILY_USAGE, MONTH)] == expected


@pytest.mark.parametrize("row", [row for row in ROAD if row.stated and row.beside], ids=lambda row: row.name)
def test_the_tables_of_a_step_share_one_state_but_for_their_rows(ran: Workshop, row: Row) -> None:
    states = [ran.pipeline.lake.table(spec).states() for spec in row.specs]
    for spec, others in zip(row.specs, states, strict=True):
        assert {key: replace(state, rows=0) for key, state in others.items()} == {
            key: replace(state, rows=0) for key, state in states[0].items()
        }
        for key, state in others.items():
            assert state.rows == len(ran.rows(spec, [key])), (spec.name, key)
