"""The oracle, first half: raw lines → events, each once → what every meter sees. Plain loops, nothing of the package.

Written from the design's rules 2, 4, 5, 6, 8 and 19. It reads newline-delimited JSON in the words of
`workshop.PLAIN_MAPPING`. `oracle_money` goes on from here to invoices.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

FIRST_INSTANT = datetime(2020, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")

BUCKETS = ("metered", "no_company", "no_meter", "blocked", "meter_refused", "ambiguous_subscription", "no_subscription")


class NumberText(str):
    """A JSON number as it was written."""

    __slots__ = ()


@dataclass(frozen=True)
class RawFile:
    source: str
    name: str
    received_at: datetime
    content: str


@dataclass(frozen=True)
class Event:
    """`place` is (source, file, line, record): it tells records apart. `event_id` is None where none was sent."""

    place: tuple[str, str, int, int]
    identity: tuple[object, ...]
    received_at: datetime
    event_id: str | None
    event_type: str
    action_name: str | None
    occurred_at: datetime
    company_id: str | None
    user_id: str | None
    subscription_id: str | None
    status: int | None
    weight: int
    blocked_by: str | None
    metadata: Mapping[str, object]
    content: str

    @property
    def day(self) -> date:
        return self.occurred_at.date()

    def text(self, key: str) -> str | None:
        """A value of the metadata as text."""
        value = self.metadata.get(key)
        if value is None or isinstance(value, str):
            return None if value is None else str(value)
        return json.dumps(value)


@dataclass
class Reading:
    """What became of the lines of some files."""

    raw: list[Event] = field(default_factory=list)
    refused: set[tuple[str, str, int, int]] = field(default_factory=set)
    empty: int = 0


@dataclass
class Deduplicated:
    events: list[Event]
    duplicates: Counter[date]
    conflicts: Counter[date]


def read(files: Sequence[RawFile]) -> Reading:
    """Every record of every file is an event, refused, or a line that carries none."""
    reading = Reading()
    seen: set[tuple[str, str]] = set()
    for file in sorted(files, key=lambda file: (file.received_at, file.name)):
        if (file.source, file.content) in seen:
            continue
        seen.add((file.source, file.content))
        ordinals: Counter[str] = Counter()
        for line, text in enumerate(file.content.split("\n")[: _line_count(file.content)], 1):
            records = _records(text)
            if not records:
                reading.empty += 1
            for record, value in enumerate(records, 1):
                place = (file.source, file.name, line, record)
                event = _event(file, place, value, ordinals) if isinstance(value, dict) else None
                if event is None:
                    reading.refused.add(place)
                else:
                    reading.raw.append(event)
    return reading


def _line_count(content: str) -> int:
    return content.count("\n") + (not content.endswith("\n") and content != "")


def _records(text: str) -> list[object]:
    if not text.strip():
        return []
    try:
        value = json.loads(text, parse_float=NumberText, parse_int=NumberText, parse_constant=str)
    except ValueError:
        return [None]
    return value if isinstance(value, list) else [value]


def _event(
    file: RawFile, place: tuple[str, str, int, int], record: dict[str, object], ordinals: Counter[str]
) -> Event | None:
    occurred_at = _instant(record.get("at"))
    if occurred_at is None or not FIRST_INSTANT <= occurred_at <= file.received_at + timedelta(days=1):
        return None
    event_type = _text(record.get("type")) or "api_call"
    if event_type not in ("api_call", "action") or (event_type == "action" and not _text(record.get("action"))):
        return None
    ids = [record.get(name) for name in ("id", "company", "user", "subscription")]
    if any(isinstance(value, (dict, list)) for value in ids):
        return None
    numbers: dict[str, int | None] = {}
    for name in ("status", "weight"):
        text = _text(record.get(name))
        if text is not None and not _WHOLE.fullmatch(text):
            return None
        numbers[name] = None if text is None else int(text)
    weight = 1 if numbers["weight"] is None else numbers["weight"]
    metadata = record.get("m")
    if weight < 0 or not (metadata is None or isinstance(metadata, dict)):
        return None
    event_id = _text(record.get("id"))
    if event_id is None:
        canonical = json.dumps(record, sort_keys=True)
        ordinals[canonical] += 1
        identity: tuple[object, ...] = (file.source, canonical, ordinals[canonical])
    else:
        identity = (file.source, event_id)
    names = ("action", "company", "user", "subscription", "blocked_by", "verb")
    texts = {name: _text(record.get(name)) for name in names}
    content = json.dumps([event_type, occurred_at.isoformat(), texts, numbers["status"], weight, _plain(metadata)])
    return Event(
        place,
        identity,
        file.received_at,
        event_id,
        event_type,
        texts["action"],
        occurred_at,
        texts["company"],
        texts["user"],
        texts["subscription"],
        numbers["status"],
        weight,
        texts["blocked_by"],
        metadata or {},
        content,
    )


def _text(value: object) -> str | None:
    """The text of a JSON leaf; absent, null and '' are none."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _plain(value: object) -> object:
    """Metadata such that what is stored alike is equal: numbers of 14 characters or with an exponent are texts."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, NumberText) and len(value) < 14 and "e" not in value.lower():
        return {"number": str(value)}
    return value


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str) or isinstance(value, NumberText):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def deduplicate(raw: Sequence[Event]) -> Deduplicated:
    """Rule 2: of the copies of one identity the first received wins; ties go to the file, then the line."""
    copies: defaultdict[tuple[object, ...], list[Event]] = defaultdict(list)
    for event in raw:
        copies[event.identity].append(event)
    result = Deduplicated([], Counter(), Counter())
    for group in copies.values():
        first, *others = sorted(group, key=lambda event: (event.received_at, event.place[1:]))
        result.events.append(first)
        for other in others:
            same = other.content == first.content
            (result.duplicates if same else result.conflicts)[other.day] += 1
    return result


def number(text: str | None) -> Fraction | None:
    """Rule 8: an exact number of at most 16 whole and 12 fractional digits, or None."""
    if text is None or not _NUMBER.fullmatch(text):
        return None
    mantissa, _, exponent = text.lower().partition("e")
    value = Fraction(Decimal(mantissa)) * Fraction(10) ** int(exponent or 0)
    fits = (value * 10**12).denominator == 1 and abs(value) < 10**16
    return value if fits else None


# --- who is charged, and for what -------------------------------------------------------------------------------------


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
    """A user belongs to a company from an instant on; the first record also holds before."""

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

    def passes(self, event: Event) -> bool:
        return self.selects(event) and (self.count_blocked or event.blocked_by is None)

    def usable(self, event: Event) -> bool:
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
        selecting = [meter for meter in world.meters if meter.selects(event)]
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
    return before[-1].company_id if before else known[0].company_id if known else None


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
