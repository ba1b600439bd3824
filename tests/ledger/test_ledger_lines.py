"""What subscriptions are charged for a time by what is booked, and what is written beside their lines."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.errors import LedgerMovedError
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.records import BookedPlan, ChargedFor
from monetization_pipeline.periods import Period

START, END = datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 8, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
JULY = Period(START, END)
TERMS = ChargedFor({"ln_in_a_0": '{"model":"a"}'}, {"sub_1": BookedPlan("growth", ("price_0", "price_1"))})

TIMES = [
    ("the same time", JULY, True),
    ("a part of it", Period(START + 9 * TICK, END - 9 * TICK), True),
    ("all around it", Period(START - TICK, END + TICK), True),
    ("its last instant", Period(END - TICK, END + TICK), True),
    ("its first instant", Period(START - TICK, START + TICK), True),
    ("time that begins as it ends", Period(END, END + TICK), False),
    ("time that ends as it begins", Period(START - TICK, START), False),
]


def book(ledger: Ledger, *invoices: Invoice, at: datetime = END, **more: object) -> tuple[str, ...]:
    return ledger.book(invoices, period="2023-07", as_of=END, by="tester", at=at, reason="close of July", **more)


@pytest.mark.parametrize(("time", "overlaps"), [case[1:] for case in TIMES], ids=[case[0] for case in TIMES])
def test_lines_are_found_by_subscription_and_time(
    ledger: Ledger, make_invoice: Callable[..., Invoice], time: Period, overlaps: bool
) -> None:
    book(ledger, make_invoice("in_a"))
    found = [line.line_id for line in ledger.lines_of(["sub_1"], time).lines]
    assert found == (["ln_in_a_0", "ln_in_a_1"] if overlaps else [])
    assert ledger.lines_of(["sub_2"], time).lines == ledger.lines_of([], time).lines == ()


def test_group_and_plan_are_kept_with_what_is_booked(ledger: Ledger, make_invoice: Callable[..., Invoice]) -> None:
    book(ledger, make_invoice("in_a"), charged_for=TERMS)
    calls, fee = ledger.lines_of(["sub_1"], JULY).lines
    assert (calls.group, calls.meter_id, calls.amount) == ('{"model":"a"}', "api_calls", make_invoice().lines[0].amount)
    assert (fee.group, fee.meter_id, fee.billing_period) == (None, None, "2023-07")
    assert calls.plan_prices == fee.plan_prices == {"price_0", "price_1"}


def test_where_nothing_was_said_nothing_is_known(ledger: Ledger, make_invoice: Callable[..., Invoice]) -> None:
    book(ledger, make_invoice("in_a"))
    assert {(line.group, line.plan_prices) for line in ledger.lines_of(["sub_1"], JULY).lines} == {(None, None)}


def test_what_was_booked_later_is_not_seen_looking_back(ledger: Ledger, make_invoice: Callable[..., Invoice]) -> None:
    book(ledger, make_invoice("in_a"))
    book(ledger, make_invoice("in_b"), at=END + TICK)
    assert {line.invoice_id for line in ledger.lines_of(["sub_1"], JULY, END).lines} == {"in_a"}


def test_nothing_is_booked_where_something_was_since_it_was_decided(
    ledger: Ledger, make_invoice: Callable[..., Invoice]
) -> None:
    seen = ledger.lines_of(["sub_1"], JULY)
    elsewhere = replace(make_invoice("in_c").lines[0], subscription_id="sub_2")
    book(ledger, replace(make_invoice("in_c"), lines=(elsewhere,)))
    assert book(ledger, make_invoice("in_a"), seen=seen) == ("in_a",)
    with pytest.raises(LedgerMovedError):
        book(ledger, make_invoice("in_b"), seen=seen)
    assert ledger.booked(["in_b"]) == {}
