"""Fingerprints of what subscriptions say in each billing month, made a year at a time.

Two thousand companies and three years are looked at in every tick of a sensor: each subscription is hashed once a year,
not once a month.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from monetization_pipeline.catalog.models import Catalog, pricing_map
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.customers.terms import Term, subscription_terms, term_fingerprints
from monetization_pipeline.periods import month_of, month_period, months_between, parse_month


@dataclass(frozen=True)
class MonthTerms:
    """Fingerprints of what subscriptions say in a billing month: of every zone's companies, in their own month.

    Since when a subscription has been active enters those of all months, as usage names its segment by it; without
    `starts` it does not, and the fingerprints tell what is charged alone.
    """

    subscriptions: Sequence[Subscription]
    catalog: Catalog
    zone_of: Callable[[str], str]
    starts: bool = True

    def metered(self, month: str) -> str:
        """Fingerprint of the subscriptions whose plan prices a meter, as far as they are active in the month."""
        return self._of(self._metered, month)

    def charged(self, month: str) -> str:
        """Fingerprint of all subscriptions on a plan, as far as they are active in the month."""
        return self._of(self._charged, month)

    def in_advance(self, month: str) -> str:
        """Fingerprint of the subscriptions whose fees in advance fall due as the month begins: active then."""
        return self._of(self._in_advance, month)

    @cached_property
    def _metered(self) -> "_Years":
        return _Years(self._terms({entry.plan_id for entry in pricing_map(self.catalog)}))

    @cached_property
    def _charged(self) -> "_Years":
        return _Years(self._terms({plan.plan_id for plan in self.catalog.plans}))

    @cached_property
    def _in_advance(self) -> "_Years":
        plans = {plan.plan_id for plan in self.catalog.plans if any(price.in_advance for price in plan.prices)}
        whole = {zone: [_from_next_month(term, zone) for term in terms] for zone, terms in self._terms(plans).items()}
        return _Years(whole)

    def _terms(self, plans: Collection[str]) -> dict[str, list[Term]]:
        by_zone: defaultdict[str, list[Term]] = defaultdict(list)
        for term in subscription_terms(self.subscriptions, plans, self.zone_of):
            *said, _, zone = term.says
            by_zone[zone].append(term if self.starts else replace(term, says=(*said, zone)))
        return dict(by_zone)

    @staticmethod
    def _of(years: "_Years", month: str) -> str:
        year = parse_month(month)[0]
        if year not in years.made:
            months = months_between(f"{year:04}-01", f"{year:04}-12")
            years.made[year] = dict(zip(months, _fingerprints(years.terms, months), strict=True))
        return years.made[year][month]


class _Years:
    """Terms by zone, and the fingerprints of the years that were asked for."""

    def __init__(self, terms: dict[str, list[Term]]) -> None:
        self.terms = terms
        self.made: dict[int, dict[str, str]] = {}


def _fingerprints(terms: dict[str, list[Term]], months: Sequence[str]) -> list[str]:
    columns = [
        [f"{zone} {made}" for made in term_fingerprints(terms[zone], [month_period(month, zone) for month in months])]
        for zone in sorted(terms)
    ]
    return ["; ".join(parts) for parts in zip(*columns, strict=True)] if columns else [""] * len(months)


def _from_next_month(term: Term, zone: str) -> Term:
    if term.from_at is None:
        return term
    month = month_of(term.from_at, zone)
    return term if month.start == term.from_at else replace(term, from_at=month.end)
