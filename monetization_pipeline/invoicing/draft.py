"""Invoices while they are made: columns of lines, gathered into invoices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import accumulate, groupby, pairwise

#: In this order lines stand: by invoice, subscription, full period, fees first ("fee" < "usage"), price and group.
LINE_ORDER = (
    *("company_id", "currency", "bill_at"),
    *("subscription_id", "full_period_start", "period_start", "kind", "price_id", "group", "line_id"),
)

#: What an invoice is made for: company_id, currency and bill_at (rule 18).
InvoiceKey = tuple[str, str, datetime]


@dataclass(frozen=True, slots=True)
class Draft:
    """Invoices while they are made, as columns; a step of their order puts others in place of some.

    Of each line, in LINE_ORDER: the key of its invoice, its subscription, its exact amount, and in `shown` the JSON of
    all fields that it shows but for its amount, by name; `amounts` once they are rounded. Of each invoice, once lines
    are gathered: its key and the number of its lines; `totals` once they are added up.
    """

    line_keys: Sequence[InvoiceKey]
    subscription_ids: Sequence[str]
    exact_amounts: Sequence[Decimal]
    shown: Mapping[str, Sequence[str]]
    keys: Sequence[InvoiceKey] = ()
    counts: Sequence[int] = ()
    amounts: Sequence[Decimal] = ()
    totals: Sequence[Decimal] = ()

    def places(self) -> list[slice]:
        """Where the lines of each invoice stand among all."""
        return [slice(*bounds) for bounds in pairwise(accumulate(self.counts, initial=0))]


def gather(draft: Draft) -> Draft:
    """Lines stand on invoices: one for each company, currency and bill_at (rule 18), zero ones included (rule 16).

    Raises ValueError where lines do not stand in LINE_ORDER. That each line_id comes once is the caller's to check.
    """
    groups = [(key, sum(1 for _ in lines)) for key, lines in groupby(draft.line_keys)]
    keys = [key for key, _ in groups]
    if len(set(keys)) < len(keys):
        raise ValueError("lines of one invoice stand apart; sort them by LINE_ORDER")
    return replace(draft, keys=keys, counts=[count for _, count in groups])
