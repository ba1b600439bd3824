"""Rated lines to invoices: a draft goes through the steps of the order and is printed."""

from monetization_pipeline.invoicing.draft import Draft
from monetization_pipeline.invoicing.order import ORDER
from monetization_pipeline.invoicing.printing import PrintedInvoices, print_invoices


def build_invoices(draft: Draft) -> PrintedInvoices:
    """Invoices of a draft's lines, which stand in LINE_ORDER. Raises ValueError where they do not."""
    for step in ORDER:
        if step.work is not None:
            draft = step.work(draft)
    return print_invoices(draft)
