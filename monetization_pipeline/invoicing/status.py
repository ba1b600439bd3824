"""Where an invoice stands, derived on reading and never stored (docs/rules.md, "Billing periods"; rules 15, 16)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monetization_pipeline.invoicing.comparing import same_as_booked
from monetization_pipeline.invoicing.models import Invoice, minor_text
from monetization_pipeline.money import EXACT


@dataclass(frozen=True, slots=True)
class Booked:
    """What the ledger holds of an invoice: as what and in which form it was booked, and whether it was issued."""

    invoice: Invoice
    form: int
    issued: bool


def is_final(bill_at: datetime, as_of: datetime, grace: timedelta, inputs_complete: bool) -> bool:
    """Whether an invoice may be booked: `bill_at + grace ≤ as_of`, and all that it is made from is there."""
    return inputs_complete and bill_at + grace <= as_of


def invoice_status(
    invoice: Invoice, booking: Booked | None, as_of: datetime, grace: timedelta, *, inputs_complete: bool
) -> str:
    """One of `estimate`, `draft`, `final`, `booked`, `issued` and `booked, differs by X`.

    Estimate: `bill_at` is still to come. Draft: due, but within `grace` or with inputs missing. Final: ready to be
    booked. Once booked, it is compared with what is computed now (`same_as_booked`): X is computed − booked total, with
    the currency's minor digits, and `0.00` where something else that is charged differs and the totals are the same. A
    difference outweighs having been issued.
    """
    if booking is not None:
        if not same_as_booked(invoice, booking.invoice, booking.form):
            difference = EXACT.subtract(invoice.total, booking.invoice.total)
            return f"booked, differs by {minor_text(difference, invoice.currency)}"
        return "issued" if booking.issued else "booked"
    if is_final(invoice.bill_at, as_of, grace, inputs_complete):
        return "final"
    return "estimate" if as_of < invoice.bill_at else "draft"
