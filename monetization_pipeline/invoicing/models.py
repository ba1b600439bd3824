"""Invoices as the company sees them, their JSON and its hash."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monetization_pipeline.money import plain, round_amount
from monetization_pipeline.rating.ids import instant_text


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line: `amount` is `exact_amount` rounded to the currency's minor unit, half away from zero (rule 13)."""

    line_id: str
    subscription_id: str
    price_id: str
    meter_id: str | None
    period_start: datetime
    period_end: datetime
    quantity: Decimal
    amount: Decimal
    exact_amount: Decimal
    description: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """All that one company owes in one currency at one instant; `total` is the sum of the lines' rounded amounts.

    `subscription_id` is None where the lines have several.
    """

    invoice_id: str
    company_id: str
    subscription_id: str | None
    currency: str
    bill_at: datetime
    lines: tuple[InvoiceLine, ...]
    total: Decimal


def minor_text(amount: Decimal, currency: str) -> str:
    """A rounded amount with all of its currency's minor digits: `16.01`, `0.00`; in JPY `16`."""
    rounded = round_amount(amount, currency)
    return format(rounded or rounded.copy_abs(), "f")


def invoice_json(invoice: Invoice) -> dict[str, object]:
    """The invoice, ready for `json.dumps`: decimals are text, instants look like `2023-08-01T00:00:00Z`."""
    return {
        "invoice_id": invoice.invoice_id,
        "company_id": invoice.company_id,
        "subscription_id": invoice.subscription_id,
        "currency": invoice.currency,
        "bill_at": instant_text(invoice.bill_at),
        "lines": [_line_json(line, invoice.currency) for line in invoice.lines],
        "total": minor_text(invoice.total, invoice.currency),
    }


def content_hash(invoice: Invoice) -> str:
    """SHA-256 in hex of the invoice's JSON with sorted keys: equal for equal invoices, and only for those."""
    text = json.dumps(invoice_json(invoice), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _line_json(line: InvoiceLine, currency: str) -> dict[str, object]:
    return {
        "line_id": line.line_id,
        "subscription_id": line.subscription_id,
        "price_id": line.price_id,
        "meter_id": line.meter_id,
        "period_start": instant_text(line.period_start),
        "period_end": instant_text(line.period_end),
        "quantity": plain(line.quantity),
        "amount": minor_text(line.amount, currency),
        "exact_amount": plain(line.exact_amount),
        "description": line.description,
    }
