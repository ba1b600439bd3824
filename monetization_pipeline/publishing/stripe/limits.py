"""What a Stripe invoice can show at all, known without asking Stripe."""

from decimal import Decimal

from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.publishing.protocol import PermanentError
from monetization_pipeline.publishing.stripe.amounts import is_documented, showable

#: Lines that one Stripe invoice holds at most.
MAX_LINES = 250


def shown_amounts(invoice: Invoice) -> tuple[Decimal, ...]:
    """The lines' amounts as Stripe can show them; PermanentError for an invoice that it cannot take."""
    name = f"invoice {invoice.invoice_id} of company {invoice.company_id!r}"
    if not is_documented(invoice.currency):
        raise PermanentError(f"{name}: Stripe does not document how it takes {invoice.currency}; bill it elsewhere")
    if not 1 <= len(invoice.lines) <= MAX_LINES:
        raise PermanentError(
            f"{name} has {len(invoice.lines)} lines; a Stripe invoice has 1 to {MAX_LINES}. "
            "Group usage by fewer dimensions, or bill some subscriptions to a company of their own"
        )
    if invoice.total < 0:
        raise PermanentError(f"{name} has a total of {invoice.total} {invoice.currency}; an invoice is never below 0")
    return showable([line.amount for line in invoice.lines], invoice.currency)
