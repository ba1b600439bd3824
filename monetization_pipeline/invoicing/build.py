"""Rated lines to invoices: one for each company, currency and bill_at (rule 18), zero ones included (rule 16)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

from monetization_pipeline.invoicing.models import ShownLine, hash_texts, line_text, rounded_text
from monetization_pipeline.money import EXACT, round_amount
from monetization_pipeline.rating.ids import hash_list, instant_text, json_text, make_ids

#: In this order lines stand: by invoice, subscription, full period, fees first ("fee" < "usage"), price and group.
LINE_ORDER = (
    *("company_id", "currency", "bill_at"),
    *("subscription_id", "full_period_start", "period_start", "kind", "price_id", "group", "line_id"),
)


_InvoiceKey = tuple[str, str, datetime]

#: A rated line: the key of its invoice (company_id, currency, bill_at), subscription_id, amount, and what is shown.
BilledLine = tuple[_InvoiceKey, str, Decimal, ShownLine]


@dataclass(frozen=True, slots=True)
class BuiltInvoices:
    """Invoices as columns, in order; and of each line, in the order of the lines, its rounded amount.

    `keys` are company_id, currency and bill_at; a subscription_id is None where the lines have several.
    """

    amounts: list[Decimal] = field(default_factory=list[Decimal])
    keys: list[_InvoiceKey] = field(default_factory=list[_InvoiceKey])
    invoice_ids: list[str] = field(default_factory=list[str])
    subscription_ids: list[str | None] = field(default_factory=list[str | None])
    totals: list[Decimal] = field(default_factory=list[Decimal])
    counts: list[int] = field(default_factory=list[int])
    content_hashes: list[str] = field(default_factory=list[str])


def build_invoices(lines: Iterable[BilledLine]) -> BuiltInvoices:
    """Invoices of lines that stand in LINE_ORDER.

    Raises ValueError where they do not. That each line_id comes once is the caller's to check.
    """
    built = BuiltInvoices()
    texts: list[str] = []
    for key, group in groupby(lines, itemgetter(0)):
        built.keys.append(key)
        texts.append(_add_lines(built, key[1], group))
    if len(set(built.keys)) < len(built.keys):
        raise ValueError("lines of one invoice stand apart; sort them by LINE_ORDER")
    built.invoice_ids.extend(invoice_ids(built.keys))
    columns = (built.keys, built.invoice_ids, built.subscription_ids, built.totals, texts)
    for (company_id, currency, bill_at), invoice_id, subscription_id, total, text in zip(*columns, strict=True):
        built.content_hashes.append(
            hash_texts(
                text,
                bill_at=instant_text(bill_at),
                company_id=company_id,
                currency=currency,
                invoice_id=invoice_id,
                subscription_id=subscription_id,
                total=rounded_text(total),
            )
        )
    return built


def invoice_ids(keys: Iterable[_InvoiceKey]) -> list[str]:
    """Ids of invoices: company, currency, bill_at and a grouping, which is empty (rule 18)."""
    hashes = [
        hash_list(f'[{json_text(company_id)},"{currency}","{instant_text(bill_at)}",""]')
        for company_id, currency, bill_at in keys
    ]
    return make_ids("in", hashes)


def _add_lines(built: BuiltInvoices, currency: str, lines: Iterable[BilledLine]) -> str:
    """Round and add up the lines of one invoice; their JSON."""
    total = round_amount(Decimal(0), currency)
    texts: list[str] = []
    subscriptions: set[str] = set()
    for _, subscription_id, exact_amount, shown in lines:
        amount = round_amount(exact_amount, currency)
        total = EXACT.add(total, amount)
        built.amounts.append(amount)
        texts.append(line_text(rounded_text(amount), shown))
        subscriptions.add(subscription_id)
    built.totals.append(total)
    built.counts.append(len(texts))
    built.subscription_ids.append(subscriptions.pop() if len(subscriptions) == 1 else None)
    return ",".join(texts)
