"""Who is charged for what when (rule 4), as rows that usage is joined to."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from monetization_pipeline.catalog.models import PricingEntry
from monetization_pipeline.customers.activity import ActiveTime, active_span
from monetization_pipeline.customers.models import Subscription, User
from monetization_pipeline.periods import Period, end_within, months_of

#: Meter ids of a plan, each with the prices that it has there.
_PlanPrices = Mapping[str, frozenset[str]]

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Charging:
    """What one subscription is charged in one piece `[from_at, to_at)` of a company's timeline.

    A piece lies within one billing period (`period_start`, `period_end`: the full one) of the company's `zone`, and no
    subscription of the company begins or ends inside it; all rows of a company in a piece have the same bounds, and
    exactly one of them is `first`. `segment_start` is 1970-01-01 where the subscription has no start; `segment_end` is
    empty where it ends with the period or after it, so that a later end changes nothing of this period.
    `priced` are the meters that the plan prices, to be charged when an event names the subscription; `charged` are
    those charged when it names none: `priced` but for the ambiguous ones. `company_charged` is the union of
    `charged`, `company_ambiguous` all ambiguous meters, over the company's rows in the piece.
    """

    company_id: str
    zone: str
    subscription_id: str
    plan_id: str
    segment_start: datetime
    segment_end: datetime | None
    period_start: datetime
    period_end: datetime
    from_at: datetime
    to_at: datetime
    priced: frozenset[str]
    charged: frozenset[str]
    company_charged: frozenset[str]
    company_ambiguous: frozenset[str]
    first: bool


@dataclass(frozen=True, slots=True)
class UserCompany:
    """The company of a user in `[from_at, to_at)`; None is open."""

    user_id: str
    company_id: str
    from_at: datetime | None
    to_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Active:
    subscription_id: str
    plan_id: str
    span: ActiveTime


@dataclass(frozen=True, slots=True)
class _Piece:
    period: Period
    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True)
class _Split:
    """The meters of subscriptions that are active together, in their order."""

    priced: tuple[frozenset[str], ...]
    charged: tuple[frozenset[str], ...]
    company_charged: frozenset[str]
    ambiguous: frozenset[str]


def charging(
    subscriptions: Iterable[Subscription],
    entries: Iterable[PricingEntry],
    window: Period,
    zone_of: Callable[[str], str],
) -> list[Charging]:
    """The charging rows of `window`, sorted by company_id, from_at and subscription_id.

    Only current rows (`valid_to` None) of `subscriptions` count. `zone_of` gives the zone of a company's months by its
    id. A subscription without a plan, or with one that no entry prices, yields no rows. Where two active subscriptions
    of a company have the same price for a meter, neither is charged for it (rule 4); a third one with another price
    still is.
    """
    plans = _plan_prices(entries)
    pieces: dict[str, list[_Piece]] = {}
    splits: dict[tuple[str, ...], _Split] = {}
    rows: list[Charging] = []
    for company_id, active in _active_by_company(subscriptions, plans, window):
        zone = zone_of(company_id)
        if zone not in pieces:
            pieces[zone] = list(_base_pieces(window, zone))
        for piece, charged in _timeline(pieces[zone], active):
            key = tuple(one.plan_id for one in charged)
            split = splits.get(key)
            if split is None:
                split = splits[key] = _split([plans[plan_id] for plan_id in key])
            rows.extend(_rows(company_id, zone, piece, charged, split))
    return rows


def user_companies(users: Iterable[User], window: Period) -> list[UserCompany]:
    """The known companies of users whose time overlaps `window`, with the bounds they have, sorted by user and time.

    An event without a company has that of the row of its user that holds its instant (rule 4).
    """
    rows = [
        UserCompany(user.user_id, user.company_id, user.valid_from, user.valid_to)
        for user in users
        if user.company_id is not None
        and (user.valid_from is None or user.valid_from < window.end)
        and (user.valid_to is None or user.valid_to > window.start)
    ]
    return sorted(rows, key=lambda row: (row.user_id, row.from_at is not None, row.from_at or window.start))


def _plan_prices(entries: Iterable[PricingEntry]) -> dict[str, _PlanPrices]:
    plans: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for entry in entries:
        plans[entry.plan_id][entry.meter_id].add(entry.price_id)
    return {
        plan_id: {meter_id: frozenset(prices) for meter_id, prices in meters.items()}
        for plan_id, meters in plans.items()
    }


def _base_pieces(window: Period, zone: str) -> Iterator[_Piece]:
    """The months of the zone, as far as they lie in the window."""
    for period in months_of(window.start, window.end, zone):
        yield _Piece(period, max(period.start, window.start), min(period.end, window.end))


def _active_by_company(
    subscriptions: Iterable[Subscription], plans: Mapping[str, _PlanPrices], window: Period
) -> Iterator[tuple[str, list[_Active]]]:
    """The subscriptions of each company that can be charged in the window, by id."""
    companies: defaultdict[str, list[_Active]] = defaultdict(list)
    for subscription in subscriptions:
        if subscription.valid_to is not None or subscription.plan_id is None or subscription.plan_id not in plans:
            continue
        span = active_span(subscription)
        if span is not None and window.overlap(span.start, span.end) is not None:
            active = _Active(subscription.subscription_id, subscription.plan_id, span)
            companies[subscription.company_id].append(active)
    for company_id in sorted(companies):
        yield company_id, sorted(companies[company_id], key=lambda active: active.subscription_id)


def _timeline(pieces: list[_Piece], active: list[_Active]) -> Iterator[tuple[_Piece, list[_Active]]]:
    """The pieces in which anything is active, cut at every start and end, each with what is."""
    bounds = sorted({bound for one in active for bound in (one.span.start, one.span.end) if bound is not None})
    for piece in pieces:
        cuts = [bound for bound in bounds if piece.from_at < bound < piece.to_at]
        for from_at, to_at in pairwise([piece.from_at, *cuts, piece.to_at]):
            now = [one for one in active if _is_active(one.span, from_at)]
            if now:
                yield (_Piece(piece.period, from_at, to_at) if cuts else piece), now


def _is_active(span: ActiveTime, instant: datetime) -> bool:
    return span.start <= instant and (span.end is None or instant < span.end)


def _split(plans: list[_PlanPrices]) -> _Split:
    """What each of the subscriptions on `plans`, active together, is charged for."""
    holders = Counter((meter, price) for plan in plans for meter, prices in plan.items() for price in prices)
    unclear = [
        frozenset(meter for meter, prices in plan.items() if any(holders[meter, price] > 1 for price in prices))
        for plan in plans
    ]
    priced = tuple(frozenset(plan) for plan in plans)
    charged = tuple(meters - doubtful for meters, doubtful in zip(priced, unclear, strict=True))
    return _Split(priced, charged, _NOTHING.union(*charged), _NOTHING.union(*unclear))


def _rows(company_id: str, zone: str, piece: _Piece, active: list[_Active], split: _Split) -> Iterator[Charging]:
    for index, one in enumerate(active):
        yield Charging(
            company_id,
            zone,
            one.subscription_id,
            one.plan_id,
            one.span.start,
            end_within(one.span.end, piece.period),
            piece.period.start,
            piece.period.end,
            piece.from_at,
            piece.to_at,
            split.priced[index],
            split.charged[index],
            split.company_charged,
            split.ambiguous,
            index == 0,
        )
