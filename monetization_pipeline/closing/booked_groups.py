"""Lines that were booked under a group whose numbers were written otherwise then: they are the lines of today."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.records import BookedInvoice
from monetization_pipeline.rating.former_groups import former_line_ids
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.rated_lines import read_lines


def as_booked(
    pipeline: Pipeline, month: str, computed: Sequence[Invoice], booked: Mapping[str, BookedInvoice]
) -> list[Invoice]:
    """The computed invoices of a billing period; a line that is booked under a former spelling has the id booked."""
    known = {
        invoice.invoice_id: _ids(booked[invoice.invoice_id].invoice)
        for invoice in computed
        if invoice.invoice_id in booked
    }
    lost = {line_id for invoice in computed for line_id in known.get(invoice.invoice_id, set()) - _ids(invoice)}
    fresh = {
        line_id for invoice in computed for line_id in _ids(invoice) - known.get(invoice.invoice_id, _ids(invoice))
    }
    if not lost or not fresh:
        return [*computed]
    former = {
        line.line_id: former_id
        for line in read_lines(pipeline, month)
        if line.line_id in fresh
        for former_id in former_line_ids(line)
        if former_id in lost
    }
    return [_renamed(invoice, former) for invoice in computed]


def _renamed(invoice: Invoice, former: Mapping[str, str]) -> Invoice:
    if not former.keys() & _ids(invoice):
        return invoice
    lines = (replace(line, line_id=former.get(line.line_id, line.line_id)) for line in invoice.lines)
    return replace(invoice, lines=tuple(lines))


def _ids(invoice: Invoice) -> set[str]:
    return {line.line_id for line in invoice.lines}
