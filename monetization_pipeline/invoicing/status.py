"""Where an invoice stands, derived on reading and never stored (DESIGN, section 4; rules 15, 16)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monetization_pipeline.invoicing.models import Invoice, content_hash, minor_text
from monetization_pipeline.money import EXACT


@dataclass(frozen=True, slots=True)
class Booking:
    """What the ledger holds of an invoice: what was booked, and whether it was issued."""

    total: Decimal
    content_hash: str
    issued: bool


def is_final(bill_at: datetime, as_of: datetime, grace: timedelta, inputs_complete: bool) -> bool:
    """Whether an invoice may be booked: `bill_at + grace ≤ as_of`, and all that it is made from is there."""
    return inputs_complete and bill_at + grace <= as_of


def invoice_status(
    invoice: Invoice, booking: Booking | None, as_of: datetime, grace: timedelta, *, inputs_complete: bool
) -> str:
    """One of `estimate`, `draft`, `final`, `booked`, `issued` and `booked, differs by X`.

    Estimate: `bill_at` is still to come. Draft: due, but within `grace` or with inputs missing. Final: ready to be
    booked. Once booked, it is compared with what is computed now: X is computed − booked total, with the currency's
    minor digits, and `0.00` where another content has the same total. A difference outweighs having been issued.
    """
    if booking is not None:
        if booking.content_hash != content_hash(invoice):
            difference = EXACT.subtract(invoice.total, booking.total)
            return f"booked, differs by {minor_text(difference, invoice.currency)}"
        return "issued" if booking.issued else "booked"
    if is_final(invoice.bill_at, as_of, grace, inputs_complete):
        return "final"
    return "estimate" if as_of < invoice.bill_at else "draft"
