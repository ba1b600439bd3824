"""Drafts printed: the fields of each invoice, its JSON, and the hash of that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from monetization_pipeline.datasets.invoice_fields import INVOICE_FIELDS
from monetization_pipeline.ids import hash_list, instant_text, json_text, make_ids
from monetization_pipeline.invoicing.draft import Draft, InvoiceKey
from monetization_pipeline.invoicing.models import hash_json
from monetization_pipeline.invoicing.texts import json_column, json_invoices, rounded_text


@dataclass(frozen=True, slots=True)
class PrintedInvoices:
    """Invoices as columns, in order: each field by its name, the number of lines, the content's hash.

    `amounts` are the rounded amounts of the lines, in their order.
    """

    fields: Mapping[str, Sequence[Any]]
    counts: Sequence[int]
    content_hashes: Sequence[str]
    amounts: Sequence[Decimal]


def print_invoices(draft: Draft) -> PrintedInvoices:
    """A draft that has gone through every step, as what is kept of it."""
    fields: dict[str, Sequence[Any]] = {
        "invoice_id": invoice_ids(draft.keys),
        "company_id": [company_id for company_id, _, _ in draft.keys],
        "subscription_id": [_only(draft.subscription_ids[place]) for place in draft.places()],
        "currency": [currency for _, currency, _ in draft.keys],
        "bill_at": [bill_at for _, _, bill_at in draft.keys],
        "total": draft.totals,
    }
    contents = json_invoices(
        {field.name: json_column(field, fields[field.name]) for field in INVOICE_FIELDS},
        {**draft.shown, "amount": [f'"{rounded_text(amount)}"' for amount in draft.amounts]},
        draft.counts,
    )
    return PrintedInvoices(fields, draft.counts, [hash_json(content) for content in contents], draft.amounts)


def invoice_ids(keys: Iterable[InvoiceKey]) -> list[str]:
    """Ids of invoices: company, currency, bill_at and a grouping, which is empty (rule 18)."""
    hashes = [
        hash_list(f'[{json_text(company_id)},"{currency}","{instant_text(bill_at)}",""]')
        for company_id, currency, bill_at in keys
    ]
    return make_ids("in", hashes)


def _only(subscription_ids: Sequence[str]) -> str | None:
    """The one subscription of an invoice's lines, None where they have several."""
    first, *others = set(subscription_ids)
    return None if others else first
