"""A run that is cut short leaves nothing behind that somebody could take for a result."""

from collections.abc import Mapping, Sequence

import pytest
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.datasets import INVOICES, RAW_EVENTS, REFUSALS
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import Claim, ConcurrentCommitError, NewFile, Table
from monetization_pipeline.standing.verdicts import problems_shown
from monetization_pipeline.steps import invoices, raw_events

MONTH = "2023-07"
CATALOG: dict[str, object] = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": "p",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": "1"}],
        }
    ],
}


def test_new_lines_are_never_read_with_the_old_total(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines are committed before invoices; somebody who publishes meanwhile must not see the one without the other."""
    shop.catalog(CATALOG)
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    shop.place("logs", lines([event(1)]))
    shop.run(MONTH)
    replace = Table.replace

    def cut_short(table: Table, claim: Claim, files: Sequence[NewFile], states: Mapping[str, PartitionState]) -> None:
        if table.spec is INVOICES:
            raise KeyboardInterrupt
        replace(table, claim, files, states)

    shop.place("logs", lines([event(2)]))
    monkeypatch.setattr(Table, "replace", cut_short)
    with pytest.raises(KeyboardInterrupt):
        shop.run(MONTH)
    monkeypatch.undo()
    with pytest.raises(ConcurrentCommitError, match=f"run `monetize run {MONTH}`"):
        invoices.read_invoices(shop.pipeline, MONTH)
    shop.run(MONTH)
    (invoice,) = invoices.read_invoices(shop.pipeline, MONTH)
    assert (invoice.total, sum(line.amount for line in invoice.lines)) == (2, 2)


def test_a_first_month_changed_after_a_crash_loses_and_doubles_nothing(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was refused for its month then is an event now; the rows left behind are not taken for the whole batch."""
    strict = Workshop(shop.root, first_month=MONTH)
    strict.place("logs", lines([event(1, at="2023-06-10T00:00:00Z"), event(2)]))

    def cut_short(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(raw_events, "add_to_log", cut_short)
    with pytest.raises(KeyboardInterrupt):
        strict.ingest()
    monkeypatch.undo()
    (file,) = shop.ingest()
    assert (file.raw_events, file.refusals) == (2, 0)
    assert (len(shop.rows(RAW_EVENTS)), len(shop.rows(REFUSALS))) == (2, 0)
    assert problems_shown(shop.pipeline, shop.known(), "raw_events", [f"{RECEIVED.date()}"]) == []
