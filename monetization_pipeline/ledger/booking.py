"""Book invoices, and read what is booked. Each function works within the transaction of the connection it is given."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, insert, select

from monetization_pipeline.datasets.invoice_fields import FORM, INVOICE_FIELDS, LINE_FIELDS
from monetization_pipeline.invoicing.comparing import differences
from monetization_pipeline.invoicing.models import Invoice, InvoiceLine, content_hash, invoice_json
from monetization_pipeline.ledger.chunks import chunks
from monetization_pipeline.ledger.errors import BookedDiffersError, LedgerMovedError, LineBookedElsewhereError
from monetization_pipeline.ledger.records import BookedInvoice, BookedLine, BookedLines, ChargedFor
from monetization_pipeline.ledger.tables import BOOKED_INVOICES, BOOKED_LINES, BookedPlanRow
from monetization_pipeline.periods import Period

#: The only revision that there is: what is booked is corrected by documents of their own, not by a new revision.
REVISION = 1

_PLANS = BookedPlanRow.__table__


@dataclass(frozen=True, slots=True)
class Booking:
    """Under which period, from which cut-off, by whom, when and why invoices are booked."""

    billing_period: str
    as_of: datetime
    booked_by: str
    booked_at: datetime
    reason: str


def book(
    connection: Connection,
    invoices: Sequence[Invoice],
    booking: Booking,
    charged_for: ChargedFor,
    seen: BookedLines | None,
) -> tuple[str, ...]:
    """Book those of `invoices` that are not booked yet and return their ids, in the order given.

    `seen` is what was booked of their subscriptions when it was decided to book them. Raises LedgerMovedError where
    that is something else now; BookedDiffersError, naming each difference, where an invoice is booked and does not
    charge the same now; and LineBookedElsewhereError where a line is booked in another invoice. Then nothing is to be
    committed.
    """
    if seen is not None and lines_of(connection, seen.subscription_ids, seen.time) != seen:
        raise LedgerMovedError("something else was booked in the meantime, and nothing was booked; run it again")
    known = booked(connection, [invoice.invoice_id for invoice in invoices])
    fresh = [invoice for invoice in invoices if invoice.invoice_id not in known]
    differing = [
        difference
        for invoice in invoices
        if (entry := known.get(invoice.invoice_id)) is not None
        for difference in differences(invoice, entry.invoice, entry.form)
    ]
    if differing:
        raise BookedDiffersError(
            "what is booked never changes, and these invoices are booked with other figures; nothing was booked:\n  "
            + "\n  ".join(differing)
        )
    _refuse_lines_booked_elsewhere(connection, fresh)
    if fresh:
        connection.execute(insert(BOOKED_INVOICES), [_invoice_row(invoice, booking) for invoice in fresh])
        if lines := [row for invoice in fresh for row in _line_rows(invoice, charged_for)]:
            connection.execute(insert(BOOKED_LINES), lines)
        if plans := [row for invoice in fresh for row in _plan_rows(invoice, charged_for)]:
            connection.execute(insert(BookedPlanRow), plans)
    return tuple(invoice.invoice_id for invoice in fresh)


def canonical(invoice: Invoice) -> str:
    """The invoice as the text that is stored, in today's form: the same for the same content."""
    return json.dumps(invoice_json(invoice), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def booked(connection: Connection, invoice_ids: Iterable[str]) -> dict[str, BookedInvoice]:
    """Each booked invoice among `invoice_ids`, by its id."""
    found: dict[str, BookedInvoice] = {}
    for chunk in chunks(invoice_ids):
        lines: dict[str, list[InvoiceLine]] = {}
        for row in connection.execute(
            select(BOOKED_LINES)
            .where(BOOKED_LINES.c.invoice_id.in_(chunk), BOOKED_LINES.c.revision == REVISION)
            .order_by(BOOKED_LINES.c.invoice_id, BOOKED_LINES.c.position)
        ):
            lines.setdefault(row.invoice_id, []).append(_line(row))
        for row in connection.execute(
            select(BOOKED_INVOICES)
            .where(BOOKED_INVOICES.c.invoice_id.in_(chunk), BOOKED_INVOICES.c.revision == REVISION)
            .order_by(BOOKED_INVOICES.c.invoice_id)
        ):
            found[row.invoice_id] = _booked_invoice(row, tuple(lines.get(row.invoice_id, ())))
    return found


def periods(connection: Connection) -> tuple[str, ...]:
    """The billing periods under which anything is booked, in order."""
    column = BOOKED_INVOICES.c.billing_period
    return tuple(connection.scalars(select(column).distinct().order_by(column)))


def booked_in(connection: Connection, billing_period: str) -> tuple[BookedInvoice, ...]:
    """Everything booked under a billing period, by company, currency and bill_at."""
    query = select(BOOKED_INVOICES.c.invoice_id).where(BOOKED_INVOICES.c.billing_period == billing_period)
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


def lines_of(
    connection: Connection, subscription_ids: Iterable[str], time: Period, until: datetime | None = None
) -> BookedLines:
    """What subscriptions are charged for a time by what is booked; `until`: by what was booked until then."""
    wanted = tuple(sorted(set(subscription_ids)))
    found: list[BookedLine] = []
    for chunk in chunks(wanted):
        query = (
            select(BOOKED_LINES, BOOKED_INVOICES.c.billing_period, BOOKED_INVOICES.c.as_of, _PLANS.c.price_ids)
            .join(BOOKED_INVOICES, _same_document(BOOKED_LINES, BOOKED_INVOICES))
            .outerjoin(
                _PLANS,
                and_(_same_document(BOOKED_LINES, _PLANS), BOOKED_LINES.c.subscription_id == _PLANS.c.subscription_id),
            )
            .where(
                BOOKED_LINES.c.subscription_id.in_(chunk),
                BOOKED_LINES.c.period_end > time.start,
                BOOKED_LINES.c.period_start < time.end,
                BOOKED_LINES.c.revision == REVISION,
                *([] if until is None else [BOOKED_INVOICES.c.booked_at <= until]),
            )
        )
        found += map(_booked_line, connection.execute(query))
    return BookedLines(wanted, time, tuple(sorted(found, key=lambda line: (line.invoice_id, line.line_id))))


def _refuse_lines_booked_elsewhere(connection: Connection, invoices: Sequence[Invoice]) -> None:
    invoice_of = {line.line_id: invoice.invoice_id for invoice in invoices for line in invoice.lines}
    for chunk in chunks(invoice_of):
        query = select(BOOKED_LINES.c.line_id, BOOKED_LINES.c.invoice_id, BOOKED_LINES.c.amount).where(
            BOOKED_LINES.c.line_id.in_(chunk), BOOKED_LINES.c.revision == REVISION
        )
        # What was booked as zero charges nobody.
        charging = (row for row in connection.execute(query.order_by(BOOKED_LINES.c.line_id)) if row.amount != 0)
        for row in charging:
            raise LineBookedElsewhereError(
                f"line {row.line_id} of invoice {invoice_of[row.line_id]} is booked already, in invoice "
                f"{row.invoice_id}; booking it again would charge it twice, so nothing was booked. Did the company's, "
                "plan's or currency's id change after the period was booked?"
            )


def _invoice_row(invoice: Invoice, booking: Booking) -> dict[str, Any]:
    return {field.name: getattr(invoice, field.name) for field in INVOICE_FIELDS} | {
        "revision": REVISION,
        "billing_period": booking.billing_period,
        "form": FORM,
        "content_hash": content_hash(invoice),
        "content_json": canonical(invoice),
        "as_of": booking.as_of,
        "booked_at": booking.booked_at,
        "booked_by": booking.booked_by,
        "reason": booking.reason,
    }


def _line_rows(invoice: Invoice, charged_for: ChargedFor) -> Iterator[dict[str, Any]]:
    for position, line in enumerate(invoice.lines):
        place = {"invoice_id": invoice.invoice_id, "revision": REVISION, "position": position}
        shown = {field.name: getattr(line, field.name) for field in LINE_FIELDS}
        yield place | shown | {"line_group": charged_for.groups.get(line.line_id)}


def _plan_rows(invoice: Invoice, charged_for: ChargedFor) -> Iterator[dict[str, Any]]:
    for subscription_id in sorted({line.subscription_id for line in invoice.lines}):
        if (plan := charged_for.plans.get(subscription_id)) is not None:
            yield {
                "invoice_id": invoice.invoice_id,
                "revision": REVISION,
                "subscription_id": subscription_id,
                "plan_id": plan.plan_id,
                "price_ids": json.dumps(plan.price_ids),
            }


def _line(row: Any) -> InvoiceLine:
    return InvoiceLine(**{field.name: getattr(row, field.name) for field in LINE_FIELDS})


def _booked_invoice(row: Any, lines: tuple[InvoiceLine, ...]) -> BookedInvoice:
    return BookedInvoice(
        invoice=Invoice(**{field.name: getattr(row, field.name) for field in INVOICE_FIELDS}, lines=lines),
        revision=row.revision,
        billing_period=row.billing_period,
        form=row.form,
        content_hash=row.content_hash,
        as_of=row.as_of,
        booked_at=row.booked_at,
        booked_by=row.booked_by,
        reason=row.reason,
    )


def _booked_line(row: Any) -> BookedLine:
    return BookedLine(
        invoice_id=row.invoice_id,
        line_id=row.line_id,
        subscription_id=row.subscription_id,
        price_id=row.price_id,
        meter_id=row.meter_id,
        group=row.line_group,
        time=Period(row.period_start, row.period_end),
        amount=row.amount,
        billing_period=row.billing_period,
        as_of=row.as_of,
        plan_prices=None if row.price_ids is None else frozenset(json.loads(row.price_ids)),
    )


def _same_document(one: FromClause, other: FromClause) -> ColumnElement[bool]:
    return and_(one.c.invoice_id == other.c.invoice_id, one.c.revision == other.c.revision)
