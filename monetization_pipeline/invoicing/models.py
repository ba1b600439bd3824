"""Invoices as the company sees them, and their JSON and its hash, which walk the list of their fields."""

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

from monetization_pipeline.datasets.invoice_fields import (
    FORM,
    INVOICE_FIELDS,
    LINE_FIELDS,
    Field,
    Invoice,
    InvoiceLine,
    Kind,
    of_form,
)
from monetization_pipeline.invoicing.texts import json_column, json_invoices, rounded_text, text_column
from monetization_pipeline.money import round_amount

__all__ = ["Invoice", "InvoiceLine", "content_hash", "content_hashes", "hash_json", "invoice_json", "minor_text"]


def minor_text(amount: Decimal, currency: str) -> str:
    """A rounded amount with all of its currency's minor digits: `16.01`, `0.00`; in JPY `16`."""
    return rounded_text(round_amount(amount, currency))


def invoice_json(invoice: Invoice, form: int = FORM) -> dict[str, object]:
    """The invoice in a form, ready for `json.dumps`: decimals are text, instants look like `2023-08-01T00:00:00Z`."""
    [shown] = _shown(of_form(INVOICE_FIELDS, form), [invoice], [invoice.currency])
    shown["lines"] = _shown(of_form(LINE_FIELDS, form), invoice.lines, [invoice.currency] * len(invoice.lines))
    return {name: shown[name] for name in Invoice.__slots__ if name in shown}


def content_hash(invoice: Invoice, form: int = FORM) -> str:
    """SHA-256 in hex of the invoice's JSON in a form, keys sorted: equal for equal invoices, and only for those."""
    return content_hashes([invoice], form)[0]


def content_hashes(invoices: Sequence[Invoice], form: int = FORM) -> list[str]:
    """The `content_hash` of each of many invoices."""
    lines = [line for invoice in invoices for line in invoice.lines]
    counts = [len(invoice.lines) for invoice in invoices]
    currencies = [invoice.currency for invoice in invoices]
    of_lines = [invoice.currency for invoice in invoices for _ in invoice.lines]
    contents = json_invoices(
        {each.name: json_column(each, _values(each, invoices, currencies)) for each in of_form(INVOICE_FIELDS, form)},
        {each.name: json_column(each, _values(each, lines, of_lines)) for each in of_form(LINE_FIELDS, form)},
        counts,
    )
    return [hash_json(content) for content in contents]


def hash_json(content: str) -> str:
    """SHA-256 in hex of an invoice's JSON, keys sorted, no blanks, in ASCII."""
    return hashlib.sha256(content.encode()).hexdigest()


def _shown(
    fields: Sequence[Field], holders: Sequence[Invoice | InvoiceLine], currencies: Sequence[str]
) -> list[dict[str, object]]:
    names = [field.name for field in fields]
    columns = [text_column(field, _values(field, holders, currencies)) for field in fields]
    return [dict(zip(names, texts, strict=True)) for texts in zip(*columns, strict=True)]


def _values(field: Field, holders: Iterable[Invoice | InvoiceLine], currencies: Iterable[str]) -> list[Any]:
    values = list(map(attrgetter(field.name), holders))
    if field.kind is not Kind.AMOUNT:
        return values
    return [
        value if value is None else round_amount(value, currency)
        for value, currency in zip(values, currencies, strict=True)
    ]
