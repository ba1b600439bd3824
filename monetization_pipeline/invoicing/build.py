"""Rated lines to invoices: one for each company, currency and bill_at (rule 18), zero ones included (rule 16)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from monetization_pipeline.invoicing.models import Invoice, InvoiceLine
from monetization_pipeline.money import EXACT, round_amount
from monetization_pipeline.rating.ids import instant_text, make_id
from monetization_pipeline.rating.lines import RatedLine

_Key = tuple[str, str, datetime]


def build_invoices(lines: Iterable[RatedLine]) -> list[Invoice]:
    """Invoices ordered by company, currency and bill_at; the same for any order of `lines`.

    Lines stand by subscription, full period, fees first, price and group. Raises ValueError where a line_id comes
    twice: that line would be charged twice.
    """
    grouped: defaultdict[_Key, list[RatedLine]] = defaultdict(list)
    seen: set[str] = set()
    for line in lines:
        if line.line_id in seen:
            raise ValueError(f"line {line.line_id} (price {line.price_id} of {line.subscription_id}) comes twice")
        seen.add(line.line_id)
        grouped[line.company_id, line.currency, line.bill_at].append(line)
    return [_invoice(key, sorted(grouped[key], key=_order)) for key in sorted(grouped)]


def invoice_id(company_id: str, currency: str, bill_at: datetime) -> str:
    """Id of the invoice: company, currency, bill_at and a grouping, which is empty (rule 18)."""
    return make_id("in", company_id, currency, instant_text(bill_at), "")


def _order(line: RatedLine) -> tuple[str | datetime, ...]:
    period = (line.full_period_start, line.period_start)
    return (line.subscription_id, *period, line.kind, line.price_id, line.group, line.line_id)


def _invoice(key: _Key, rated: Sequence[RatedLine]) -> Invoice:
    company_id, currency, bill_at = key
    lines = tuple(_invoice_line(line) for line in rated)
    total = round_amount(Decimal(0), currency)
    for line in lines:
        total = EXACT.add(total, line.amount)
    subscriptions = {line.subscription_id for line in lines}
    return Invoice(
        invoice_id=invoice_id(company_id, currency, bill_at),
        company_id=company_id,
        subscription_id=subscriptions.pop() if len(subscriptions) == 1 else None,
        currency=currency,
        bill_at=bill_at,
        lines=lines,
        total=total,
    )


def _invoice_line(line: RatedLine) -> InvoiceLine:
    return InvoiceLine(
        line_id=line.line_id,
        subscription_id=line.subscription_id,
        price_id=line.price_id,
        meter_id=line.meter_id,
        period_start=line.period_start,
        period_end=line.period_end,
        quantity=line.quantity,
        amount=round_amount(line.amount, line.currency),
        exact_amount=line.amount,
        description=line.description,
    )
