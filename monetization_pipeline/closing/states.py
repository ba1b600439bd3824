"""Where each invoice of a billing period stands: computed, booked, issued, or charged for elsewhere already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from monetization_pipeline.closing.booked_groups import as_booked
from monetization_pipeline.closing.books import Books
from monetization_pipeline.closing.charged_already import Held, Uncharged, examine
from monetization_pipeline.datasets import INVOICES
from monetization_pipeline.datasets.invoice_fields import FORM
from monetization_pipeline.invoicing.comparing import same_as_booked
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.invoicing.status import Booked, invoice_status
from monetization_pipeline.lake.rows import read_table
from monetization_pipeline.ledger.records import (
    BookedInvoice,
    BookedLines,
    ChargedFor,
    Place,
    Publication,
    PublicationState,
)
from monetization_pipeline.periods import add_months
from monetization_pipeline.steps.invoices import SetAside, read_invoices, read_set_aside
from monetization_pipeline.steps.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class InvoiceState:
    """An invoice and where it stands: as computed now; as booked, where that is the same.

    One that is booked but no longer computed has no lines. `held` are lines that it would have, if other invoices did
    not charge for the same; `waits_for` are billing periods that have to be made before that can be said. It is final
    from `final_from` on. `issued` says where it was issued, whatever place that is; `issued_here`, whether that was at
    the place that is asked about.
    """

    invoice: Invoice
    status: str
    booked: BookedInvoice | None
    issued: tuple[Publication, ...]
    issued_here: bool
    final_from: datetime
    held: tuple[Held, ...] = ()
    waits_for: tuple[str, ...] = ()

    @property
    def form(self) -> int:
        """The form in which the invoice is shown: the booked one, where it is shown as booked."""
        return FORM if self.booked is None or self.differs else self.booked.form

    @property
    def differs(self) -> bool:
        """Whether it is booked, and does not charge the same now."""
        return self.booked is not None and not same_as_booked(self.invoice, self.booked.invoice, self.booked.form)


@dataclass(frozen=True, slots=True)
class PeriodStates:
    """Every invoice of a billing period, those that are set aside apart, and what goes into the ledger beside those
    that are booked.
    """

    states: Sequence[InvoiceState]
    set_aside: Sequence[SetAside]
    charged_for: ChargedFor
    seen: BookedLines | None


def invoice_states(
    books: Books, month: str, now: datetime, *, inputs_complete: bool, place: Place | None = None
) -> PeriodStates:
    """Every invoice of a billing period, computed or booked, with its status as of `now`.

    It is `issued` where it was issued at `place`, by default the one that is published to.
    """
    pipeline = books.pipeline
    if place is None and (settled := books.ledger.places(pipeline.as_of)):
        place = settled[-1].place
    made = read_invoices(pipeline, month)
    booked = _booked(books, month, made)
    computed = as_booked(pipeline, month, made, booked)
    examined = examine(books, month, computed, booked)
    set_aside = read_set_aside(pipeline, month)
    known = {each.invoice_id for each in (*computed, *set_aside)}
    gone = [entry.invoice for invoice_id, entry in booked.items() if invoice_id not in known]
    every = [*examined.invoices.values(), *(Uncharged(_emptied(each)) for each in _nowhere(pipeline, month, gone))]
    issued = _issued(books, booked)
    states: list[InvoiceState] = []
    for each in sorted(every, key=lambda each: _order(each.invoice)):
        invoice = each.invoice
        entry, places = booked.get(invoice.invoice_id), tuple(issued.get(invoice.invoice_id, ()))
        here = any(publication.intent.place == place for publication in places)
        booking = entry and Booked(entry.invoice, entry.form, here)
        status = invoice_status(invoice, booking, now, pipeline.seller.grace, inputs_complete=inputs_complete)
        final_from = invoice.bill_at + pipeline.seller.grace
        state = InvoiceState(invoice, status, entry, places, here, final_from, each.held, each.waits_for)
        states.append(state if entry is None or state.differs else replace(state, invoice=entry.invoice))
    return PeriodStates(states, set_aside, examined.charged_for, examined.seen)


def _booked(books: Books, month: str, computed: Sequence[Invoice]) -> dict[str, BookedInvoice]:
    """What is booked under a billing period, and of what it computes under any other, until as_of."""
    until = books.pipeline.as_of
    entries = {entry.invoice.invoice_id: entry for entry in books.ledger.booked_in(month)}
    entries |= books.ledger.booked(invoice.invoice_id for invoice in computed)
    return {key: entry for key, entry in entries.items() if until is None or entry.booked_at <= until}


def _issued(books: Books, booked: Mapping[str, BookedInvoice]) -> Mapping[str, Sequence[Publication]]:
    """By invoice: what was issued of it, wherever that was, the oldest first."""
    found: dict[str, list[Publication]] = {}
    publications = books.ledger.publications_for(booked, books.pipeline.as_of)
    for publication in sorted(publications, key=lambda each: (each.created_at, each.publication_id)):
        if publication.state is PublicationState.ISSUED:
            found.setdefault(publication.intent.invoice_id, []).append(publication)
    return found


def _nowhere(pipeline: Pipeline, month: str, gone: Sequence[Invoice]) -> list[Invoice]:
    """Those that no neighbouring billing period computes either: a company's zone, or the first billing period, decide
    which one an invoice lies in.
    """
    if not gone:
        return []
    neighbours = (add_months(month, -1), add_months(month, 1))
    elsewhere = {invoice_id for other in neighbours for invoice_id in _ids(pipeline, other)}
    return [invoice for invoice in gone if invoice.invoice_id not in elsewhere]


def _ids(pipeline: Pipeline, month: str) -> list[str]:
    table = read_table(INVOICES, pipeline.lake.table(INVOICES).files([month])).select(["invoice_id"])
    return [row["invoice_id"] for row in table.to_pylist()]


def _order(invoice: Invoice) -> tuple[str, str, datetime]:
    return invoice.company_id, invoice.currency, invoice.bill_at


def _emptied(invoice: Invoice) -> Invoice:
    return replace(invoice, lines=(), total=Decimal(0))
