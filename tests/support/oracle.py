"""The oracle, second part: events → what every meter sees. Plain loops, nothing of the package.

Written from rules 4 to 6 and 19 (docs/rules.md). `oracle_money` goes on from here to invoices.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from oracle_events import Event, number

BUCKETS = ("metered", "no_company", "no_meter", "blocked", "meter_refused", "ambiguous_subscription", "no_subscription")


@dataclass(frozen=True)
class Subscription:
    subscription_id: str
    company_id: str
    plan_id: str | None
    start: datetime | None
    end: datetime | None

    def active(self, instant: datetime) -> bool:
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)


@dataclass(frozen=True)
class UserSince:
    """A user belongs to a company from an instant on; the first record also holds before.

    Of several of one instant the last in the order of `World.users` holds.
    """

    user_id: str
    company_id: str
    since: datetime


@dataclass(frozen=True)
class Meter:
    """`selects` is the filter in Python; `value` gives the text that is aggregated."""

    meter_id: str
    aggregation: str
    selects: Callable[[Event], bool]
    value: Callable[[Event], str | None] = lambda _: None
    dimensions: Mapping[str, Callable[[Event], str | None]] = field(default_factory=dict)
    count_blocked: bool = False
    directions: Sequence[str] = ("Incoming",)

    def perhaps(self, event: Event) -> bool:
        """Whether it selects the event, or would if what cannot be read of it said so."""
        return any(self.selects(one) for one in event.possible())

    def passes(self, event: Event) -> bool:
        unblocked = self.count_blocked or event.blocked_by is None
        return self.perhaps(event) and unblocked and event.direction in self.directions

    def usable(self, event: Event) -> bool:
        if len({self.selects(one) for one in event.possible()}) > 1:
            return False
        if any(len({of(one) for one in event.possible()}) > 1 for of in self.dimensions.values()):
            return False
        if self.aggregation == "count":
            return True
        return (
            self.value(event) is not None
            if self.aggregation == "unique_count"
            else number(self.value(event)) is not None
        )


@dataclass(frozen=True)
class World:
    """`pricing`: plan → meter → price ids of it. `zones`: company → its own time zone; without one it is UTC."""

    meters: Sequence[Meter]
    pricing: Mapping[str, Mapping[str, frozenset[str]]]
    subscriptions: Sequence[Subscription]
    users: Sequence[UserSince]
    zones: Mapping[str, str] = field(default_factory=dict)

    def zone(self, subscription: Subscription) -> str:
        return self.zones.get(subscription.company_id, "UTC")


@dataclass
class Metered:
    """`charged`: (subscription, meter) → events. `unbilled`: (place, meter or '', reason). Buckets by day."""

    charged: dict[tuple[str, str], list[Event]]
    unbilled: set[tuple[tuple[str, str, int, int], str, str]]
    refused: set[tuple[tuple[str, str, int, int], str]]
    buckets: dict[date, Counter[str]]


def meter_events(world: World, events: Sequence[Event]) -> Metered:
    """Rules 4 to 6: each event to the subscriptions and meters that it is charged to, and to one bucket."""
    result = Metered(defaultdict(list), set(), set(), defaultdict(Counter))
    for event in events:
        payer = _payer(world, event)
        selecting = [meter for meter in world.meters if meter.perhaps(event)]
        passing = [meter for meter in selecting if meter.passes(event)]
        usable = [meter for meter in passing if meter.usable(event)]
        result.refused |= {(event.place, meter.meter_id) for meter in passing if meter not in usable}
        charges, ambiguous = _charges(world, event, payer, usable)
        for subscription_id, meter_id in charges:
            result.charged[subscription_id, meter_id].append(event)
        tests = (charges, payer is None, not selecting, not passing, not usable, ambiguous, True)
        bucket = next(name for name, fits in zip(BUCKETS, tests, strict=True) if fits)
        result.buckets[event.day][bucket] += 1
        result.unbilled |= {(event.place, meter_id, "ambiguous_subscription") for meter_id in ambiguous}
        if bucket not in ("metered", "ambiguous_subscription"):
            result.unbilled.add((event.place, "", bucket))
    return result


def _payer(world: World, event: Event) -> str | None:
    if event.company_id is not None:
        return event.company_id
    named = [one.company_id for one in world.subscriptions if one.subscription_id == event.subscription_id]
    if named:
        return named[0]
    known = sorted((one for one in world.users if one.user_id == event.user_id), key=lambda one: one.since)
    before = [one for one in known if one.since <= event.occurred_at]
    first = [one for one in known if one.since == known[0].since]
    return before[-1].company_id if before else first[-1].company_id if first else None


def _charges(
    world: World, event: Event, payer: str | None, usable: Sequence[Meter]
) -> tuple[set[tuple[str, str]], set[str]]:
    active = [
        one for one in world.subscriptions if one.company_id == payer and one.active(event.occurred_at) and one.plan_id
    ]
    if event.subscription_id is not None:
        active = [one for one in active if one.subscription_id == event.subscription_id]
    charges: set[tuple[str, str]] = set()
    ambiguous: set[str] = set()
    for meter in usable:
        prices = {one: world.pricing.get(str(one.plan_id), {}).get(meter.meter_id, frozenset()) for one in active}
        for one in active:
            others = frozenset(price for other in active if other is not one for price in prices[other])
            if prices[one] & others:
                ambiguous.add(meter.meter_id)
            elif prices[one]:
                charges.add((one.subscription_id, meter.meter_id))
    return charges, ambiguous
