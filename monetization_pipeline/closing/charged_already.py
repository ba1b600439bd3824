"""What of a billing period's invoices other booked invoices charge for already (rule 21), asked of ledger and lake."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, reduce

from monetization_pipeline.catalog.models import Catalog, FlatPrice, Plan
from monetization_pipeline.closing.books import Books
from monetization_pipeline.datasets import INVOICE_LINES, RATED_LINES
from monetization_pipeline.invoicing.held_back import (
    BookedCharge,
    Charge,
    Claim,
    LineKey,
    Overlap,
    claims,
    overlaps,
    without,
)
from monetization_pipeline.invoicing.models import Invoice, InvoiceLine
from monetization_pipeline.lake.rows import read_table
from monetization_pipeline.ledger.records import BookedInvoice, BookedLine, BookedLines, BookedPlan, ChargedFor
from monetization_pipeline.money import EXACT, round_amount
from monetization_pipeline.periods import Period
from monetization_pipeline.rating import flat
from monetization_pipeline.standing.out_of_date import reasons
from monetization_pipeline.steps.catalogs import KeptCatalog, kept_catalogs
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Held:
    """A computed line that is held back, whole or but for a rest, as a booked invoice charges for its time already."""

    line: InvoiceLine
    charged_in: str
    rest: InvoiceLine | None


@dataclass(frozen=True, slots=True)
class Uncharged:
    """An invoice without what other invoices charge for already.

    `waits_for` are billing periods that are out of date: only once they are made can be said what they charge for.
    """

    invoice: Invoice
    held: tuple[Held, ...] = ()
    waits_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Examined:
    """Computed invoices of a billing period, by id, without what others charge for; `charged_for` says of their lines
    what goes into the ledger beside them, and `seen` is what was looked at there.
    """

    invoices: Mapping[str, Uncharged]
    charged_for: ChargedFor
    seen: BookedLines | None


def examine(books: Books, month: str, computed: Sequence[Invoice], booked: Mapping[str, BookedInvoice]) -> Examined:
    """Hold back what is charged already, of every computed invoice of a billing period."""
    if all(invoice.invoice_id in booked and not list(_unbooked(invoice, booked)) for invoice in computed):
        return Examined({invoice.invoice_id: Uncharged(invoice) for invoice in computed}, ChargedFor(), None)
    pipeline, known = books.pipeline, books.known
    terms = _read_terms(pipeline, month)
    new = [
        _charge(invoice.invoice_id, line, time, terms.groups.get(line.line_id))
        for invoice in computed
        for line, time in _unbooked(invoice, booked)
    ]
    window = Period(min(each.time.start for each in new), max(each.time.end for each in new)) if new else None
    seen = window and books.ledger.lines_of((each.subscription_id for each in new), window, pipeline.as_of)
    found = claims(_booked_charges(pipeline, seen.lines if seen else ()), new)
    own = {(invoice.invoice_id, line.line_id): _time(line) for invoice in computed for line in invoice.lines}
    others = {claim.booked.billing_period for claim in found} - {month}
    stale = {other for other in others if reasons(pipeline, known, other)}
    lines = own | {key: time for other in sorted(others - stale) for key, time in _computed(pipeline, other)}
    lost = overlaps((claim for claim in found if claim.booked.billing_period not in stale), lines)
    invoices = _without_all(known, terms, computed, lost)
    for invoice_id, months in _waiting(found, stale, lines).items():
        invoices[invoice_id] = replace(invoices[invoice_id], waits_for=months)
    return Examined(invoices, _charged_for(known.catalog, terms), seen)


@dataclass(frozen=True, slots=True)
class _Terms:
    """By line_id, of a billing period's rated lines: the group, and of fees the full period; the plan of each
    subscription.
    """

    groups: Mapping[str, str]
    full: Mapping[str, Period]
    plans: Mapping[str, str]


def _read_terms(pipeline: Pipeline, month: str) -> _Terms:
    names = ["line_id", "group", "subscription_id", "plan_id", "kind", "full_period_start", "full_period_end"]
    table = read_table(RATED_LINES, pipeline.lake.table(RATED_LINES).files([month])).select(names)
    rows = table.to_pylist()
    return _Terms(
        {row["line_id"]: row["group"] for row in rows},
        {
            row["line_id"]: Period(row["full_period_start"], row["full_period_end"])
            for row in rows
            if row["kind"] == "fee"
        },
        {row["subscription_id"]: row["plan_id"] for row in rows},
    )


def _charged_for(catalog: Catalog, terms: _Terms) -> ChargedFor:
    prices = {plan.plan_id: tuple(price.price_id for price in plan.prices) for plan in catalog.plans}
    plans = {
        subscription_id: BookedPlan(plan_id, prices[plan_id])
        for subscription_id, plan_id in terms.plans.items()
        if plan_id in prices
    }
    return ChargedFor(terms.groups, plans)


def _unbooked(invoice: Invoice, booked: Mapping[str, BookedInvoice]) -> Iterator[tuple[InvoiceLine, Period]]:
    """The lines of an invoice that are not booked under it, and parts of lines that were booked for less time."""
    entry = booked.get(invoice.invoice_id)
    lines = {} if entry is None else {line.line_id: line for line in entry.invoice.lines}
    for line in invoice.lines:
        before = lines.get(line.line_id)
        for part in without(_time(line), None if before is None else _time(before)):
            yield line, part


def _computed(pipeline: Pipeline, month: str) -> Iterator[tuple[LineKey, Period]]:
    names = ["invoice_id", "line_id", "period_start", "period_end"]
    table = read_table(INVOICE_LINES, pipeline.lake.table(INVOICE_LINES).files([month])).select(names)
    for row in table.to_pylist():
        yield (row["invoice_id"], row["line_id"]), Period(row["period_start"], row["period_end"])


def _waiting(found: Sequence[Claim], stale: set[str], computed: Mapping[LineKey, Period]) -> dict[str, tuple[str, ...]]:
    """By invoice: the periods out of date of which a booked line may be computed no longer."""
    months: dict[str, set[str]] = {}
    doubtful = [claim for claim in found if claim.booked.billing_period in stale]
    for claim in doubtful:
        if overlaps([claim], computed):
            months.setdefault(claim.new.invoice_id, set()).add(claim.booked.billing_period)
    return {invoice_id: tuple(sorted(of_invoice)) for invoice_id, of_invoice in months.items()}


def _without_all(
    known: Known, terms: _Terms, computed: Sequence[Invoice], lost: Iterable[Overlap]
) -> dict[str, Uncharged]:
    held: dict[LineKey, list[Overlap]] = {}
    for overlap in lost:
        held.setdefault(overlap.new.key, []).append(overlap)
    return {invoice.invoice_id: _without(known, terms, invoice, held) for invoice in computed}


def _without(known: Known, terms: _Terms, invoice: Invoice, held: Mapping[LineKey, Sequence[Overlap]]) -> Uncharged:
    kept: list[InvoiceLine] = []
    back: list[Held] = []
    for line in invoice.lines:
        found = held.get((invoice.invoice_id, line.line_id))
        rest = line if found is None else _rest(known, terms, invoice, line, [each.time for each in found])
        if found is not None:
            back.append(Held(line, found[0].booked.invoice_id, rest))
        if rest is not None:
            kept.append(rest)
    if not back:
        return Uncharged(invoice)
    subscriptions = {line.subscription_id for line in kept}
    return Uncharged(
        replace(
            invoice,
            lines=tuple(kept),
            subscription_id=subscriptions.pop() if len(subscriptions) == 1 else None,
            total=reduce(EXACT.add, (line.amount for line in kept), 0 * invoice.total),
        ),
        tuple(back),
    )


def _rest(
    known: Known, terms: _Terms, invoice: Invoice, line: InvoiceLine, lost: Sequence[Period]
) -> InvoiceLine | None:
    """What is left of a fee for the time that nobody charges for yet; None where the line cannot be cut."""
    left = [_time(line)]
    for time in lost:
        left = [part for each in left for part in without(each, time)]
    price = _fee(known.catalog, terms.plans.get(line.subscription_id), line.price_id)
    if len(left) != 1 or price is None or line.line_id not in terms.full:
        return None
    [time] = left
    zone = known.customers.zone_of(invoice.company_id)
    amount = flat.cut(price, time, _time(line), terms.full[line.line_id], zone)
    if amount is None:
        return None
    return replace(
        line,
        period_start=time.start,
        period_end=time.end,
        exact_amount=amount,
        amount=round_amount(amount, invoice.currency),
    )


def _fee(catalog: Catalog, plan_id: str | None, price_id: str) -> FlatPrice | None:
    prices = [price for plan in catalog.plans if plan.plan_id == plan_id for price in plan.prices]
    return next((each for each in prices if isinstance(each, FlatPrice) and each.price_id == price_id), None)


def _charge(invoice_id: str, line: InvoiceLine, time: Period, group: str | None) -> Charge:
    return Charge(
        invoice_id,
        line.line_id,
        line.subscription_id,
        line.price_id,
        line.meter_id,
        None if group is None else json.loads(group),
        time,
    )


def _time(line: InvoiceLine) -> Period:
    return Period(line.period_start, line.period_end)


def _booked_charges(pipeline: Pipeline, lines: Sequence[BookedLine]) -> list[BookedCharge]:
    priced: dict[tuple[str, str], set[str]] = {}
    for line in lines:
        priced.setdefault((line.invoice_id, line.subscription_id), set()).add(line.price_id)
    earlier = _EarlierPlans(kept_catalogs(pipeline) if any(line.plan_prices is None for line in lines) else [])
    return [
        BookedCharge(
            Charge(
                line.invoice_id,
                line.line_id,
                line.subscription_id,
                line.price_id,
                line.meter_id,
                None if line.group is None else json.loads(line.group),
                line.time,
            ),
            line.billing_period,
            line.amount,
            earlier.prices(line.as_of, frozenset(priced[line.invoice_id, line.subscription_id]))
            if line.plan_prices is None
            else line.plan_prices,
        )
        for line in lines
    ]


class _EarlierPlans:
    """Plans of what was booked before they were written with it, by the catalogs that were kept."""

    def __init__(self, kept: Sequence[KeptCatalog]) -> None:
        self._plans = [(each.used_from, [_prices_of(plan) for plan in each.catalog().plans]) for each in kept]
        self.prices = lru_cache(maxsize=None)(self._prices)

    def _prices(self, as_of: datetime, booked: frozenset[str]) -> frozenset[str]:
        """The prices of the plan that had all of those that are booked, by the catalog of an instant.

        Where several plans had them, those that all of these have: what is not sure to have stood beside a fee may be
        the same under another name. Without a catalog of that time, those that are booked.
        """
        then = [plans for used_from, plans in self._plans if used_from <= as_of]
        having = [prices for prices in (then[-1] if then else ()) if booked <= prices]
        return reduce(lambda one, other: one & other, having) if having else booked


def _prices_of(plan: Plan) -> frozenset[str]:
    return frozenset(price.price_id for price in plan.prices)
