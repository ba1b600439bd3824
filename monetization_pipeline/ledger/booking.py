"""Book invoices, and read what is booked. Each function works within the transaction of the connection it is given."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, insert, select

from monetization_pipeline.invoicing.models import Invoice, InvoiceLine, content_hash, invoice_json
from monetization_pipeline.ledger.errors import BookedDiffersError, LineBookedElsewhereError
from monetization_pipeline.ledger.records import BookedInvoice
from monetization_pipeline.ledger.tables import BookedInvoiceRow, BookedLineRow

#: The only revision that there is: what is booked is corrected by documents of their own, not by a new revision.
REVISION = 1

# SQLite takes a limited number of values in one statement.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Booking:
    """Under which period, from which cut-off, by whom, when and why invoices are booked."""

    billing_period: str
    as_of: datetime
    booked_by: str
    booked_at: datetime
    reason: str


def book(connection: Connection, invoices: Sequence[Invoice], booking: Booking) -> tuple[str, ...]:
    """Book those of `invoices` that are not booked yet and return their ids, in the order given.

    Raises BookedDiffersError, naming each, where one is booked with other content, and LineBookedElsewhereError where
    one of its lines is booked in another invoice. Then nothing is to be committed.
    """
    known = contents(connection, [invoice.invoice_id for invoice in invoices])
    fresh: list[Invoice] = []
    differing: list[str] = []
    for invoice in invoices:
        if invoice.invoice_id not in known:
            fresh.append(invoice)
        elif known[invoice.invoice_id] != canonical(invoice):
            differing += _differences(invoice, json.loads(known[invoice.invoice_id]))
    if differing:
        raise BookedDiffersError(
            "what is booked never changes, and these invoices are booked with other figures; nothing was booked:\n  "
            + "\n  ".join(differing)
        )
    _refuse_lines_booked_elsewhere(connection, fresh)
    if fresh:
        connection.execute(insert(BookedInvoiceRow), [_invoice_row(invoice, booking) for invoice in fresh])
        lines = [row for invoice in fresh for row in _line_rows(invoice)]
        if lines:
            connection.execute(insert(BookedLineRow), lines)
    return tuple(invoice.invoice_id for invoice in fresh)


def canonical(invoice: Invoice) -> str:
    """The invoice as the text that is stored, the same for the same content."""
    return json.dumps(invoice_json(invoice), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def contents(connection: Connection, invoice_ids: Iterable[str]) -> dict[str, str]:
    """Stored text of each booked invoice among `invoice_ids`."""
    found: dict[str, str] = {}
    for chunk in _chunks(invoice_ids):
        query = select(BookedInvoiceRow.invoice_id, BookedInvoiceRow.content_json).where(
            BookedInvoiceRow.invoice_id.in_(chunk), BookedInvoiceRow.revision == REVISION
        )
        found.update((row.invoice_id, row.content_json) for row in connection.execute(query))
    return found


def booked(connection: Connection, invoice_ids: Iterable[str]) -> dict[str, BookedInvoice]:
    """Each booked invoice among `invoice_ids`, by its id."""
    found: dict[str, BookedInvoice] = {}
    for chunk in _chunks(invoice_ids):
        lines: dict[str, list[InvoiceLine]] = {}
        for row in connection.execute(
            select(BookedLineRow.__table__)
            .where(BookedLineRow.invoice_id.in_(chunk), BookedLineRow.revision == REVISION)
            .order_by(BookedLineRow.invoice_id, BookedLineRow.position)
        ):
            lines.setdefault(row.invoice_id, []).append(_line(row))
        for row in connection.execute(
            select(BookedInvoiceRow.__table__)
            .where(BookedInvoiceRow.invoice_id.in_(chunk), BookedInvoiceRow.revision == REVISION)
            .order_by(BookedInvoiceRow.invoice_id)
        ):
            found[row.invoice_id] = _booked_invoice(row, tuple(lines.get(row.invoice_id, ())))
    return found


def booked_in(connection: Connection, billing_period: str) -> tuple[BookedInvoice, ...]:
    """Everything booked under a billing period, by company, currency and bill_at."""
    query = select(BookedInvoiceRow.invoice_id).where(BookedInvoiceRow.billing_period == billing_period)
    found = booked(connection, connection.execute(query).scalars()).values()
    return tuple(
        sorted(
            found,
            key=lambda each: (
                each.invoice.company_id,
                each.invoice.currency,
                each.invoice.bill_at,
                each.invoice.invoice_id,
            ),
        )
    )


def overlapping(connection: Connection, invoices: Sequence[Invoice]) -> dict[str, str]:
    """By id of each of `invoices`: another booked invoice that charges a subscription's price for the same time.

    So it is where a subscription's start moved after its fee in advance was booked: neither id is the same then.
    """
    lines: dict[tuple[str, str], list[tuple[str, InvoiceLine]]] = {}
    for invoice in invoices:
        for line in invoice.lines:
            lines.setdefault((line.subscription_id, line.price_id), []).append((invoice.invoice_id, line))
    found: dict[str, str] = {}
    if not lines:
        return found
    first = min(line.period_start for charged in lines.values() for _, line in charged)
    last = max(line.period_end for charged in lines.values() for _, line in charged)
    for chunk in _chunks(subscription_id for subscription_id, _ in lines):
        query = select(BookedLineRow.__table__).where(
            BookedLineRow.subscription_id.in_(chunk),
            BookedLineRow.period_end > first,
            BookedLineRow.period_start < last,
            BookedLineRow.revision == REVISION,
        )
        for row in connection.execute(query.order_by(BookedLineRow.invoice_id, BookedLineRow.position)):
            for invoice_id, line in lines.get((row.subscription_id, row.price_id), ()):
                overlaps = line.period_start < row.period_end and row.period_start < line.period_end
                if overlaps and row.invoice_id != invoice_id:
                    found.setdefault(invoice_id, row.invoice_id)
    return found


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    every = sorted(set(ids))
    for start in range(0, len(every), _CHUNK):
        yield every[start : start + _CHUNK]


def _refuse_lines_booked_elsewhere(connection: Connection, invoices: Sequence[Invoice]) -> None:
    invoice_of = {line.line_id: invoice.invoice_id for invoice in invoices for line in invoice.lines}
    for chunk in _chunks(invoice_of):
        query = select(BookedLineRow.line_id, BookedLineRow.invoice_id).where(
            BookedLineRow.line_id.in_(chunk), BookedLineRow.revision == REVISION
        )
        for row in connection.execute(query.order_by(BookedLineRow.line_id)):
            raise LineBookedElsewhereError(
                f"line {row.line_id} of invoice {invoice_of[row.line_id]} is booked already, in invoice "
                f"{row.invoice_id}; booking it again would charge it twice, so nothing was booked. Did the company's, "
                "plan's or currency's id change after the period was booked?"
            )


def _differences(invoice: Invoice, stored: Mapping[str, Any]) -> list[str]:
    """What sets the computed invoice apart from the stored one, a line of text for each difference."""
    computed = cast("dict[str, Any]", json.loads(canonical(invoice)))
    name = f"invoice {invoice.invoice_id} of company {invoice.company_id}"
    found = [
        f"{name}: {field} is booked as {stored.get(field)!r}, computed as {computed.get(field)!r}"
        for field in sorted(stored.keys() | computed.keys())
        if field != "lines" and stored.get(field) != computed.get(field)
    ]
    before, after = _lines_by_id(stored), _lines_by_id(computed)
    for line_id in sorted(before.keys() | after.keys()):
        old, new = before.get(line_id), after.get(line_id)
        if old is None or new is None:
            found.append(f"{name}: line {line_id} is only {'computed' if old is None else 'booked'}")
        elif old != new:
            fields = sorted(field for field in old.keys() | new.keys() if old.get(field) != new.get(field))
            changes = ", ".join(f"{field} booked {old.get(field)!r}, computed {new.get(field)!r}" for field in fields)
            found.append(f"{name}: line {line_id}: {changes}")
    return found or [f"{name}: its lines are in another order"]


def _lines_by_id(invoice: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {line["line_id"]: line for line in cast("list[dict[str, Any]]", invoice["lines"])}


def _invoice_row(invoice: Invoice, booking: Booking) -> dict[str, object]:
    return {
        "invoice_id": invoice.invoice_id,
        "revision": REVISION,
        "company_id": invoice.company_id,
        "subscription_id": invoice.subscription_id,
        "currency": invoice.currency,
        "bill_at": invoice.bill_at,
        "billing_period": booking.billing_period,
        "total": invoice.total,
        "content_hash": content_hash(invoice),
        "content_json": canonical(invoice),
        "as_of": booking.as_of,
        "booked_at": booking.booked_at,
        "booked_by": booking.booked_by,
        "reason": booking.reason,
    }


def _line_rows(invoice: Invoice) -> Iterator[dict[str, object]]:
    for position, line in enumerate(invoice.lines):
        yield {
            "invoice_id": invoice.invoice_id,
            "revision": REVISION,
            "position": position,
            "line_id": line.line_id,
            "subscription_id": line.subscription_id,
            "price_id": line.price_id,
            "meter_id": line.meter_id,
            "period_start": line.period_start,
            "period_end": line.period_end,
            "quantity": line.quantity,
            "amount": line.amount,
            "exact_amount": line.exact_amount,
            "description": line.description,
        }


def _line(row: Any) -> InvoiceLine:
    return InvoiceLine(
        line_id=row.line_id,
        subscription_id=row.subscription_id,
        price_id=row.price_id,
        meter_id=row.meter_id,
        period_start=row.period_start,
        period_end=row.period_end,
        quantity=row.quantity,
        amount=row.amount,
        exact_amount=row.exact_amount,
        description=row.description,
    )


def _booked_invoice(row: Any, lines: tuple[InvoiceLine, ...]) -> BookedInvoice:
    invoice = Invoice(
        invoice_id=row.invoice_id,
        company_id=row.company_id,
        subscription_id=row.subscription_id,
        currency=row.currency,
        bill_at=row.bill_at,
        lines=lines,
        total=row.total,
    )
    return BookedInvoice(
        invoice=invoice,
        revision=row.revision,
        billing_period=row.billing_period,
        content_hash=row.content_hash,
        as_of=row.as_of,
        booked_at=row.booked_at,
        booked_by=row.booked_by,
        reason=row.reason,
    )
