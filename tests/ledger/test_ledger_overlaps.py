"""A booked invoice that charges a price of a subscription for the same time, under another id."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.ledger import Ledger

START, END = datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 8, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)

CASES = [
    ("the same time", {}, True),
    ("a part of it", {"period_start": START + 9 * TICK, "period_end": END - 9 * TICK}, True),
    ("all around it", {"period_start": START - TICK, "period_end": END + TICK}, True),
    ("its last instant", {"period_start": END - TICK, "period_end": END + TICK}, True),
    ("its first instant", {"period_start": START - TICK, "period_end": START + TICK}, True),
    ("time that begins as it ends", {"period_start": END, "period_end": END + TICK}, False),
    ("time that ends as it begins", {"period_start": START - TICK, "period_end": START}, False),
    ("another subscription", {"subscription_id": "sub_2"}, False),
    ("another price", {"price_id": "price_9"}, False),
]


def moved(invoice: Invoice, **changes: object) -> Invoice:
    """The invoice under another id, with one line of another id."""
    line = replace(invoice.lines[0], line_id="ln_moved", **changes)
    return replace(invoice, invoice_id="in_moved", lines=(line,), total=line.amount)


def book(ledger: Ledger, *invoices: Invoice) -> None:
    ledger.book(invoices, period="2023-07", as_of=END, by="tester", at=END, reason="close of July")


@pytest.mark.parametrize(("changes", "overlaps"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_booked_overlaps(
    ledger: Ledger, make_invoice: Callable[..., Invoice], changes: dict[str, object], overlaps: bool
) -> None:
    book(ledger, make_invoice("in_a"))
    assert ledger.overlapping([moved(make_invoice("in_a"), **changes)]) == ({"in_moved": "in_a"} if overlaps else {})


def test_a_booked_invoice_does_not_overlap_itself(ledger: Ledger, make_invoice: Callable[..., Invoice]) -> None:
    book(ledger, make_invoice("in_a"))
    assert ledger.overlapping([make_invoice("in_a")]) == {}


def test_nothing_overlaps_nothing(ledger: Ledger, make_invoice: Callable[..., Invoice]) -> None:
    assert ledger.overlapping([make_invoice("in_a")]) == {}
    assert ledger.overlapping([]) == {}


def test_each_invoice_is_told_of_the_first_that_overlaps_it(
    ledger: Ledger, make_invoice: Callable[..., Invoice]
) -> None:
    apart = replace(make_invoice("in_c").lines[0], subscription_id="sub_2")
    book(ledger, make_invoice("in_b"), make_invoice("in_a"), replace(make_invoice("in_c"), lines=(apart,)))
    other = replace(moved(make_invoice("in_c"), subscription_id="sub_2"), invoice_id="in_other")
    found = ledger.overlapping([moved(make_invoice("in_a")), other])
    assert found == {"in_moved": "in_a", "in_other": "in_c"}
