"""rated_lines → invoices and invoice_lines: draft invoices of a billing period."""

from collections.abc import Sequence
from dataclasses import replace

from monetization_pipeline.datasets import INVOICE_LINES, INVOICES, RATED_LINES
from monetization_pipeline.invoicing.build import build_invoices
from monetization_pipeline.invoicing.models import Invoice, InvoiceLine, content_hash
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import ConcurrentCommitError, NewFile
from monetization_pipeline.steps.pipeline import CODE_VERSION, Pipeline
from monetization_pipeline.steps.rated_lines import read_lines
from monetization_pipeline.steps.tables import fingerprint_of, read_rows, write_rows


def expected_state(pipeline: Pipeline, month: str) -> PartitionState:
    """What `invoices` of a billing period would be made from now."""
    rated = pipeline.lake.table(RATED_LINES).state(month)
    return PartitionState("", 0, inputs={"rated_lines": rated.fingerprint if rated else ""}, code_version=CODE_VERSION)


def build(pipeline: Pipeline, month: str) -> PartitionState:
    """Make `invoice_lines`, then `invoices` of a billing period. Raises ConcurrentCommitError."""
    tables = {spec.name: pipeline.lake.table(spec) for spec in (INVOICE_LINES, INVOICES)}
    claims = {name: table.claim([month]) for name, table in tables.items()}
    expected = expected_state(pipeline, month)
    invoices = build_invoices(read_lines(pipeline, month))
    state = expected
    for spec, rows in ((INVOICE_LINES, _line_rows(invoices, month)), (INVOICES, _invoice_rows(invoices, month))):
        path = tables[spec.name].new_path(month)
        write_rows(spec, rows, path)
        with pipeline.engine.session() as session:
            fingerprint = fingerprint_of(session, spec, [path])
        state = replace(expected, fingerprint=fingerprint, rows=len(rows))
        tables[spec.name].replace(claims[spec.name], [NewFile(path, month, len(rows))], {month: state})
    return state


def read_invoices(pipeline: Pipeline, month: str) -> list[Invoice]:
    """The invoices of a billing period as they are in the lake, in their order.

    Raises ConcurrentCommitError where invoices and lines are not of one run: one was cut short, or is at work.
    """
    lines: dict[str, list[InvoiceLine]] = {}
    for row in read_rows(pipeline.lake.table(INVOICE_LINES).files([month])):
        line = InvoiceLine(**{name: row[name] for name in InvoiceLine.__slots__})
        lines.setdefault(row["invoice_id"], []).append(line)
    names = [name for name in Invoice.__slots__ if name != "lines"]
    invoices: list[Invoice] = []
    for row in read_rows(pipeline.lake.table(INVOICES).files([month])):
        found = tuple(lines.pop(row["invoice_id"], ()))
        invoices.append(Invoice(**{name: row[name] for name in names}, lines=found))
        if content_hash(invoices[-1]) != row["content_hash"]:
            raise _mixed(month)
    if lines:
        raise _mixed(month)
    return invoices


def _mixed(month: str) -> ConcurrentCommitError:
    return ConcurrentCommitError(
        f"invoices of {month}: their lines are of another run, which was cut short or is at work; "
        f"run `monetize run {month}`"
    )


def _invoice_rows(invoices: Sequence[Invoice], month: str) -> list[dict[str, object]]:
    return [
        {
            "invoice_id": invoice.invoice_id,
            "company_id": invoice.company_id,
            "subscription_id": invoice.subscription_id,
            "currency": invoice.currency,
            "bill_at": invoice.bill_at,
            "total": invoice.total,
            "lines": len(invoice.lines),
            "content_hash": content_hash(invoice),
            "billing_period": month,
        }
        for invoice in invoices
    ]


def _line_rows(invoices: Sequence[Invoice], month: str) -> list[dict[str, object]]:
    return [
        {
            **{name: getattr(line, name) for name in InvoiceLine.__slots__},
            "invoice_id": invoice.invoice_id,
            "billing_period": month,
        }
        for invoice in invoices
        for line in invoice.lines
    ]
