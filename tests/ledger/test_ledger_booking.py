"""What is booked is booked once, exactly, and for ever."""

import hashlib
import json
import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import first_ledger
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError

from monetization_pipeline.datasets.invoice_fields import FORM
from monetization_pipeline.invoicing.models import Invoice, content_hash
from monetization_pipeline.ledger.errors import BookedDiffersError, LineBookedElsewhereError
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.opening import open_ledger

MakeInvoice = Callable[..., Invoice]
AS_OF = datetime(2023, 8, 2, tzinfo=UTC)
AT = datetime(2023, 8, 2, 7, 30, 0, 123456, tzinfo=UTC)


def book(ledger: Ledger, *invoices: Invoice) -> tuple[str, ...]:
    return ledger.book(invoices, period="2023-07", as_of=AS_OF, by="tester", at=AT, reason="close of July")


def test_a_booked_invoice_is_read_back_as_it_was(ledger: Ledger, make_invoice: MakeInvoice) -> None:
    invoice = make_invoice(amounts=["0.00", "-1.50", "12345678901234567890.12"])
    assert book(ledger, invoice) == ("in_a",)
    found = ledger.booked(["in_a", "in_unknown"])
    assert list(found) == ["in_a"]
    booked = found["in_a"]
    assert booked.invoice == invoice
    assert str(booked.invoice.lines[0].amount) == "0.00"
    assert (booked.content_hash, booked.billing_period) == (content_hash(invoice), "2023-07")
    assert (booked.as_of, booked.booked_at) == (AS_OF, AT)
    assert (booked.booked_by, booked.reason) == ("tester", "close of July")


def test_the_rows_are_those_that_the_first_version_wrote(
    ledger: Ledger, ledger_url: str, make_invoice: MakeInvoice
) -> None:
    book(ledger, make_invoice("in_a"))
    engine = create_engine(ledger_url)
    with engine.connect() as connection:
        [invoice], lines = (
            [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]
            for table in ("booked_invoices", "booked_lines ORDER BY position")
        )
    engine.dispose()
    assert invoice == first_ledger.INVOICE_ROW | {"form": 1}
    assert lines == [row | {"line_group": None} for row in first_ledger.LINE_ROWS]


def test_the_text_that_is_kept_has_the_hash_that_is_kept(
    ledger: Ledger, ledger_url: str, make_invoice: MakeInvoice
) -> None:
    """As docs/decisions/booked-documents.md says how anybody may check it."""
    book(ledger, make_invoice("in_a"))
    engine = create_engine(ledger_url)
    with engine.connect() as connection:
        [(content, kept)] = connection.execute(text("SELECT content_json, content_hash FROM booked_invoices"))
    engine.dispose()
    assert "Größe ✓" in content
    ascii_text = json.dumps(json.loads(content), sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(ascii_text.encode()).hexdigest() == kept


def test_booking_the_same_again_books_nothing(ledger: Ledger, make_invoice: MakeInvoice) -> None:
    assert book(ledger, make_invoice("in_a"), make_invoice("in_b")) == ("in_a", "in_b")
    assert book(ledger, make_invoice("in_b"), make_invoice("in_c"), make_invoice("in_a")) == ("in_c",)
    assert [each.invoice.invoice_id for each in ledger.booked_in("2023-07")] == ["in_a", "in_b", "in_c"]
    assert ledger.booked_in("2023-08") == ()
    assert ledger.periods() == ("2023-07",)


def test_the_periods_that_anything_is_booked_under_are_known(ledger: Ledger, make_invoice: MakeInvoice) -> None:
    assert ledger.periods() == ()
    for number, period in enumerate(("2023-08", "2022-12", "2023-08")):
        invoice = make_invoice(f"in_{number}")
        ledger.book([invoice], period=period, as_of=AS_OF, by="tester", at=AT)
    assert ledger.periods() == ("2022-12", "2023-08")


def test_other_figures_are_refused_by_name_and_nothing_is_booked(ledger: Ledger, make_invoice: MakeInvoice) -> None:
    book(ledger, make_invoice("in_a"))
    with pytest.raises(BookedDiffersError) as caught:
        book(ledger, make_invoice("in_new"), make_invoice("in_a", ["2.01", "99.00", "5.00"]))
    message = str(caught.value)
    assert "invoice in_a of company acme: total is booked as '100.01', computed as '106.01'" in message
    assert "line ln_in_a_0: amount booked '1.01', computed '2.01'" in message
    assert "line ln_in_a_2 is only computed" in message
    assert [each.invoice.invoice_id for each in ledger.booked_in("2023-07")] == ["in_a"]


def test_another_description_is_no_difference_and_what_was_booked_stays(
    ledger: Ledger, make_invoice: MakeInvoice
) -> None:
    invoice = make_invoice("in_a")
    book(ledger, invoice)
    reworded = replace(invoice, lines=tuple(replace(line, description="Size") for line in invoice.lines))
    assert book(ledger, reworded) == ()
    entry = ledger.booked(["in_a"])["in_a"]
    assert (entry.invoice, entry.content_hash) == (invoice, content_hash(invoice))


def test_an_invoice_is_booked_in_the_form_of_now(ledger: Ledger, make_invoice: MakeInvoice) -> None:
    book(ledger, make_invoice("in_a"))
    assert ledger.booked(["in_a"])["in_a"].form == FORM


def test_every_difference_is_named_and_nothing_else(ledger: Ledger, make_invoice: MakeInvoice) -> None:
    book(ledger, make_invoice("in_a"))
    name = "invoice in_a of company acme"
    exact = "exact_amount booked '1.010000000000000000000001', computed '2.010000000000000000000001'"
    for other, differences in (
        (
            make_invoice("in_a", ["2.01"]),
            [
                f"{name}: total is booked as '100.01', computed as '2.01'",
                f"{name}: line ln_in_a_0: amount booked '1.01', computed '2.01', {exact}",
                f"{name}: line ln_in_a_1 is only booked",
            ],
        ),
        (
            make_invoice("in_a", ["1.01", "99.00", "0.00"]),
            [f"{name}: line ln_in_a_2 is only computed"],
        ),
    ):
        with pytest.raises(BookedDiffersError) as caught:
            book(ledger, other)
        assert str(caught.value).split("\n  ")[1:] == differences


def test_a_line_is_not_booked_under_two_invoices(ledger: Ledger, make_invoice: MakeInvoice) -> None:
    invoice = make_invoice("in_a")
    book(ledger, invoice)
    with pytest.raises(LineBookedElsewhereError, match="ln_in_a_0 of invoice in_b is booked already, in invoice in_a"):
        book(ledger, replace(invoice, invoice_id="in_b", currency="EUR"))
    assert ledger.booked(["in_b"]) == {}


def test_a_line_that_is_booked_as_nothing_may_be_booked_with_something_on_it(
    ledger: Ledger, make_invoice: MakeInvoice
) -> None:
    """And then no third time, whatever it comes to."""
    nothing, something = make_invoice("in_a", ["0.00"]), make_invoice("in_a", ["1.01"])
    book(ledger, nothing)
    assert book(ledger, replace(something, invoice_id="in_b")) == ("in_b",)
    for again in (nothing, something):
        with pytest.raises(
            LineBookedElsewhereError, match="ln_in_a_0 of invoice in_c is booked already, in invoice in_b"
        ):
            book(ledger, replace(again, invoice_id="in_c"))


def test_many_invoices_are_booked_and_read_at_once(ledger: Ledger, make_invoice: MakeInvoice) -> None:
    invoices = [make_invoice(f"in_{number:04d}") for number in range(1_200)]
    assert len(book(ledger, *invoices)) == 1_200
    assert [each.invoice for each in ledger.booked_in("2023-07")] == invoices


@pytest.mark.parametrize("statement", ["UPDATE booked_invoices SET total = '0'", "DELETE FROM booked_lines"])
def test_the_database_itself_refuses_to_change_or_remove_a_row(
    ledger: Ledger, ledger_url: str, make_invoice: MakeInvoice, statement: str
) -> None:
    book(ledger, make_invoice())
    engine = create_engine(ledger_url)
    with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    assert ledger.booked(["in_a"])["in_a"].invoice.total == Decimal("100.01")


def book_in_a_process(url: str, invoices: list[Invoice], start: object, results: object) -> None:
    ledger = open_ledger(url)
    start.wait()  # type: ignore[attr-defined]
    results.put(book(ledger, *invoices))  # type: ignore[attr-defined]
    ledger.close()


def test_two_processes_that_book_the_same_book_it_once(ledger_url: str, make_invoice: MakeInvoice) -> None:
    invoices = [make_invoice(f"in_{number:03d}") for number in range(200)]
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(2), context.Queue()
    arguments = (ledger_url, invoices, start, results)
    processes = [context.Process(target=book_in_a_process, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    newly = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    assert sorted(map(len, newly)) == [0, 200]
    ledger = open_ledger(ledger_url)
    assert len(ledger.booked_in("2023-07")) == 200
    ledger.close()
