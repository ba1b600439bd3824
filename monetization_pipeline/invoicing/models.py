"""Invoices as the company sees them, their JSON and its hash."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monetization_pipeline.money import plain, round_amount
from monetization_pipeline.rating.ids import instant_text, json_text

#: What a line's JSON shows beside its amount, by key: description, exact_amount, line_id, meter_id, period_end,
#: period_start, price_id, quantity, subscription_id. What may hold any character is JSON already: description,
#: meter_id, price_id, subscription_id. A bare tuple: there may be millions.
ShownLine = tuple[str, str, str, str, str, str, str, str, str]


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
    return rounded_text(round_amount(amount, currency))


def rounded_text(rounded: Decimal) -> str:
    """The same of what `round_amount` gave; there is no negative zero."""
    return str(rounded or rounded.copy_abs())


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
    lines = (
        line_text(
            minor_text(line.amount, invoice.currency),
            (
                *(json_text(line.description), plain(line.exact_amount), line.line_id),
                *(null_or_json_text(line.meter_id), instant_text(line.period_end), instant_text(line.period_start)),
                *(json_text(line.price_id), plain(line.quantity), json_text(line.subscription_id)),
            ),
        )
        for line in invoice.lines
    )
    return hash_texts(
        ",".join(lines),
        bill_at=instant_text(invoice.bill_at),
        company_id=invoice.company_id,
        currency=invoice.currency,
        invoice_id=invoice.invoice_id,
        subscription_id=invoice.subscription_id,
        total=minor_text(invoice.total, invoice.currency),
    )


def line_text(amount: str, shown: ShownLine) -> str:
    """A line's JSON with sorted keys and no blanks; written out, as `json` would take thrice as long."""
    description, exact_amount, line_id, meter_id, period_end, period_start, price_id, quantity, subscription_id = shown
    return (
        f'{{"amount":"{amount}","description":{description},"exact_amount":"{exact_amount}","line_id":"{line_id}",'
        f'"meter_id":{meter_id},"period_end":"{period_end}","period_start":"{period_start}","price_id":{price_id},'
        f'"quantity":"{quantity}","subscription_id":{subscription_id}}}'
    )


def hash_texts(
    lines: str,
    *,
    bill_at: str,
    company_id: str,
    currency: str,
    invoice_id: str,
    subscription_id: str | None,
    total: str,
) -> str:
    """`content_hash` from the JSON of the lines, with commas between them, and the texts of the rest."""
    text = (
        f'{{"bill_at":"{bill_at}","company_id":{json_text(company_id)},"currency":"{currency}",'
        f'"invoice_id":"{invoice_id}","lines":[{lines}],'
        f'"subscription_id":{null_or_json_text(subscription_id)},"total":"{total}"}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()


def null_or_json_text(text: str | None) -> str:
    """Text as JSON."""
    return "null" if text is None else json_text(text)


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
