"""The oracle, first part: raw lines → events, each once, and corrected. Plain loops, nothing of the package.

Written from rules 2, 3 and 8 (docs/rules.md). It reads newline-delimited JSON in the words of
`workshop.CORRECTING_MAPPING`. `oracle` goes on from here.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

FIRST_INSTANT = datetime(2020, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"-?[1-9][0-9]{0,18}|0")
#: What a status, or metadata, that cannot be read might have been: something, at any rate.
_ANY_STATUS = (1, 200, 201, 399, 400, 500, 999)
_ANY_METADATA = ({"k": "a", "v": "1", "V": "1"}, {"k": "something else", "v": "2", "V": "2"})


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
    """`place` is (source, file, line, record): it tells records apart. `event_id` is None where none was sent.

    `unreadable`: of `status` and `metadata`, what is there and cannot be read.
    """

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
    direction: str = "Incoming"
    unreadable: frozenset[str] = frozenset()

    def possible(self) -> list["Event"]:
        """What the event may be, for all that can be read of it."""
        found: list[Event] = [self]
        if "status" in self.unreadable:
            found = [replace(one, status=status) for one in found for status in _ANY_STATUS]
        if "metadata" in self.unreadable:
            found = [replace(one, metadata=metadata) for one in found for metadata in _ANY_METADATA]
        return found

    @property
    def day(self) -> date:
        return self.occurred_at.date()

    def text(self, key: str) -> str | None:
        """A value of the metadata as text."""
        value = self.metadata.get(key)
        if isinstance(value, NumberText):
            return digits(value)
        if value is None or isinstance(value, str):
            return None if value is None else str(value)
        return json.dumps(value)


@dataclass(frozen=True)
class Correction:
    """`event` is what a replacement brings, None for a void; `target` is an identity."""

    place: tuple[str, str, int, int]
    identity: tuple[object, ...]
    received_at: datetime
    target: tuple[object, ...]
    event: Event | None

    @property
    def content(self) -> object:
        return self.target, self.event and self.event.content


@dataclass
class Reading:
    """What became of the lines of some files."""

    raw: list[Event] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    refused: set[tuple[str, str, int, int]] = field(default_factory=set)
    empty: int = 0


@dataclass
class Deduplicated:
    events: list[Event]
    duplicates: Counter[date] = field(default_factory=Counter)
    conflicts: Counter[date] = field(default_factory=Counter)
    voided: Counter[date] = field(default_factory=Counter)
    replacements: Counter[date] = field(default_factory=Counter)


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
                made = _made(file, place, value, ordinals) if isinstance(value, dict) else None
                if made is None:
                    reading.refused.add(place)
                elif isinstance(made, Event):
                    reading.raw.append(made)
                else:
                    reading.corrections.append(made)
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


def _made(
    file: RawFile, place: tuple[str, str, int, int], record: dict[str, object], ordinals: Counter[str]
) -> Event | Correction | None:
    kind = _text(record.get("correction"))
    if kind is None:
        return _event(file, place, record, ordinals)
    target = _text(record.get("target_source")) or file.source, _text(record.get("target"))
    texts = [record.get(name) for name in ("id", "company", "user", "subscription", "target", "target_source")]
    if (
        kind not in ("void", "replacement")
        or target[1] is None
        or any(isinstance(text, (dict, list)) for text in texts)
    ):
        return None
    if target == (file.source, _text(record.get("id"))):
        return None
    if kind == "void":
        return Correction(place, _identity(file, record, ordinals), file.received_at, target, None)
    event = _event(file, place, record, ordinals)
    if event is None:
        return None
    event = replace(event, content=json.dumps([event.content, *target]))
    return Correction(place, event.identity, file.received_at, target, event)


def _identity(file: RawFile, record: dict[str, object], ordinals: Counter[str]) -> tuple[object, ...]:
    event_id = _text(record.get("id"))
    if event_id is not None:
        return file.source, event_id
    canonical = json.dumps(record, sort_keys=True)
    ordinals[canonical] += 1
    return file.source, canonical, ordinals[canonical]


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
    status, weight = (
        None if (text := _leaf(record.get(name))) is None else (text, whole(text)) for name in ("status", "weight")
    )
    direction = (_text(record.get("direction")) or "Incoming").capitalize()
    if direction not in ("Incoming", "Outgoing", "Internal"):
        return None
    if weight is not None and (weight[1] is None or weight[1] < 0):
        return None
    metadata, unreadable = record.get("m"), {}
    if status is not None and (status[1] is None or not -(2**31) <= status[1] < 2**31):
        unreadable["status"], status = status[0], None
    if not (metadata is None or isinstance(metadata, dict)):
        unreadable["metadata"], metadata = json.dumps(metadata), None
    names = ("action", "company", "user", "subscription", "blocked_by", "verb")
    texts = {name: _text(record.get(name)) for name in names}
    numbers = [status and status[1], 1 if weight is None else weight[1]]
    said = [event_type, occurred_at.isoformat(), texts, numbers, _plain(metadata), unreadable, direction]
    content = json.dumps(said)
    return Event(
        place,
        _identity(file, record, ordinals),
        file.received_at,
        _text(record.get("id")),
        event_type,
        texts["action"],
        occurred_at,
        texts["company"],
        texts["user"],
        texts["subscription"],
        numbers[0],
        numbers[1] or 0,
        texts["blocked_by"],
        metadata or {},
        content,
        direction,
        frozenset(unreadable),
    )


def _text(value: object) -> str | None:
    """The text of a JSON leaf; absent, null and '' are none."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _leaf(value: object) -> str | None:
    """The text of a JSON leaf, '' included."""
    return "" if value == "" else _text(value)


def whole(text: str) -> int | None:
    """Rule 8: a whole number in any spelling of the grammar of numbers, or None."""
    if _WHOLE.fullmatch(text) and -(2**63) <= int(text) < 2**63:
        return int(text)
    value = number(text)
    return None if value is None or value.denominator != 1 else int(value)


def digits(text: str) -> str:
    """A JSON number without exponent and without zeros that do not count, unless it would take pages."""
    value = Decimal(text)
    if not -40 <= value.adjusted() <= 40:
        return str(text) if value else "0"
    written = format(value, "f")
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def _plain(value: object) -> object:
    """Metadata such that what is stored alike is equal: numbers of 14 characters or with an exponent are texts."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, NumberText):
        return {"number": digits(value)} if len(value) < 14 and "e" not in value.lower() else digits(value)
    return value


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str) or isinstance(value, NumberText):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _order(record: Event | Correction) -> tuple[object, ...]:
    """First received first; ties go to the file, then the line."""
    return record.received_at, record.place[1:], record.place[0]


def deduplicate(reading: Reading) -> Deduplicated:
    """Rules 2 and 3: of the copies of one identity the first received wins, unless a correction that holds says no.

    Of corrections of one identity the first received holds; of replacements of one event, that hold, the first lives.
    """
    holding: dict[tuple[object, ...], Correction] = {}
    living: dict[tuple[object, ...], Correction] = {}
    for correction in sorted(reading.corrections, key=_order):
        holding.setdefault(correction.identity, correction)
    for correction in sorted(holding.values(), key=_order):
        if correction.event is not None:
            living.setdefault(correction.target, correction)
    removed = {correction.target for correction in holding.values()}
    lives = {correction.place for correction in living.values()}
    brought = {correction.place: correction.event for correction in reading.corrections if correction.event is not None}
    copies: defaultdict[tuple[object, ...], list[Event]] = defaultdict(list)
    for event in [*reading.raw, *brought.values()]:
        copies[event.identity].append(event)
    result = Deduplicated([])
    for event in brought.values():
        result.replacements[event.day] += 1
    for group in copies.values():
        first, *others = sorted(group, key=_order)
        if first.place in brought and first.place not in lives:
            result.conflicts[first.day] += 1
        elif first.identity in removed:
            result.voided[first.day] += 1
        else:
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
