"""Small histories for the oracle: strategies of customers, events, corrections and files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from history_catalog import METERS, PRICING
from hypothesis import strategies as st
from oracle import Subscription, UserSince, World
from workshop import lines

MONTHS = ("2023-07", "2023-08")
RECEIPTS = (
    datetime(2023, 8, 2, tzinfo=UTC),
    datetime(2023, 8, 2, 6, 30, tzinfo=UTC),
    datetime(2023, 8, 3, 0, 0, 0, 1, tzinfo=UTC),
)
#: From when on requests say whose a user is: at few instants, so that files often speak of the same one.
_MOVED_AT = (datetime(2023, 7, 31, 12, 34, 56, 7, UTC), datetime(2023, 8, 1, 12, 34, 56, 7, UTC), None)
_COMPANIES = ("acme", "globex", "initech")
_INSTANTS = (
    "2023-07-30T22:00:00Z",
    "2023-07-31T00:00:00Z",
    "2023-07-31T23:59:59.999999Z",
    "2023-08-01T00:00:00Z",
    "2023-08-01T00:00:00.000001+00:00",
    "2023-08-01T01:30:00+02:00",
    "2023-08-01T10:00:00",
    "2023-08-01T00:00:00-12:00",
    # August begins in Apia, Kolkata, Berlin and St John's; the days around it.
    "2023-07-31T10:59:59.999999Z",
    "2023-07-31T11:00:00Z",
    "2023-07-31T18:29:59.999999Z",
    "2023-07-31T18:30:00Z",
    "2023-07-31T21:59:59.999999Z",
    "2023-07-31T22:00:00Z",
    "2023-08-01T02:29:59.999999Z",
    "2023-08-01T02:30:00Z",
)
_ZONES = (None, None, None, "Asia/Kolkata", "America/St_Johns", "Pacific/Apia", "Europe/Berlin")
#: As they stand in JSON.
_VALUES = (
    "1",
    "2.5",
    '"3"',
    "0.1",
    '"0.1"',
    "-2.5",
    "1e2",
    '"1E-3"',
    '"+4"',
    '".5"',
    "12345678.123456789012",
    '"12345678.123456789012"',
    '"0.000000000001"',
    "0.0000000000001",
    "123456789012345678901234567890",
    '"999999999999"',
    "12345678901234567",
    "NaN",
    "-Infinity",
    '"NaN"',
    '"12 apples"',
    '""',
    "null",
    "true",
    "[1]",
    '{"x":1}',
    "1e400",
)
_BAD_LINES = (
    "",
    "   ",
    "[]",
    "nonsense",
    '{"id":"cut","at":"2023-08-01',
    '"text"',
    "5",
    '{"id":"b1","company":"acme"}',
    '{"id":"b2","company":"acme","at":"noon"}',
    '{"id":"b3","company":"acme","at":"2019-12-31T23:59:59.999999Z"}',
    '{"id":"b4","company":"acme","at":"2023-08-05T00:00:00Z"}',
    '{"id":"b5","company":{"a":1},"at":"2023-08-01T00:00:00Z"}',
    '{"id":"b6","company":"acme","at":"2023-08-01T00:00:00Z","status":"abc"}',
    '{"id":"b7","company":"acme","at":"2023-08-01T00:00:00Z","weight":-1}',
    '{"id":"b8","company":"acme","at":"2023-08-01T00:00:00Z","weight":1.5}',
    '{"id":"b9","company":"acme","at":"2023-08-01T00:00:00Z","type":"action"}',
    '{"id":"b10","company":"acme","at":"2023-08-01T00:00:00Z","m":[1]}',
    '{"id":"b15","company":"acme","at":"2023-08-01T00:00:00Z","status":3000000000,"weight":""}',
    '{"id":"b16","company":"acme","at":"2023-08-01T00:00:00Z","m":"text","status":200}',
    '{"id":"b11","company":"acme","at":"2023-08-01T00:00:00Z","type":"call"}',
    '[{"id":"a1","company":"acme","at":"2023-08-01T00:00:00Z","status":200},7]',
    '{"id":"b12","company":"acme","at":"2023-08-01T00:00:00Z","correction":"cancel","target":"e1"}',
    '{"id":"b13","correction":"void"}',
    '{"id":"e1","correction":"void","target":"e1"}',
    '{"id":"b14","correction":"replacement","target":"e1"}',
)


@dataclass(frozen=True)
class Sent:
    """A file to come: its source, when it is received, its text."""

    source: str
    received_at: datetime
    text: str


@dataclass(frozen=True)
class Moves:
    """A file of requests to come, which say whose users are from an instant on, else from when it is received."""

    number: int
    received_at: datetime
    users: tuple[tuple[str, str, datetime | None], ...]

    @property
    def text(self) -> str:
        """As a Moesif client sends it; no two files are the same."""
        bodies: list[Mapping[str, object]] = [
            {"user_id": user, "company_id": company} | ({"modified_time": since.isoformat()} if since else {})
            for user, company, since in self.users
        ]
        bodies.append({"user_id": f"of file {self.number}"})
        return lines({"method": "POST", "path": "/v1/users", "body": body} for body in bodies).decode()


@dataclass(frozen=True)
class History:
    subscriptions: tuple[Subscription, ...]
    users: tuple[UserSince, ...]
    files: tuple[Sent, ...]
    zones: Mapping[str, str] = field(default_factory=dict)
    #: In the order in which they land.
    moves: tuple[Moves, ...] = ()

    @property
    def world(self) -> World:
        return World(METERS, PRICING, self.subscriptions, self._whose(), self.zones)

    def _whose(self) -> list[UserSince]:
        """What files in `customers/` say, since ever and from then on, and what requests say; in order."""
        said = [
            ((datetime.min.replace(tzinfo=UTC) if one in self._first_of_users() else one.since, RECEIPTS[0], 0, 0), one)
            for one in self.users
        ]
        said += [
            ((since or moves.received_at, moves.received_at, number, line), UserSince(user, company, RECEIPTS[0]))
            for number, moves in enumerate(self.moves, 1)
            for line, (user, company, since) in enumerate(moves.users)
        ]
        return [replace(one, since=key[0]) for key, one in sorted(said, key=lambda each: each[0])]

    def _first_of_users(self) -> list[UserSince]:
        ids = sorted({one.user_id for one in self.users})
        return [min((one for one in self.users if one.user_id == name), key=lambda one: one.since) for name in ids]

    @property
    def customers(self) -> Mapping[str, object]:
        """As the user writes it; a user's first company holds since ever, the others from their instant on."""
        subscriptions = [
            {"subscription_id": one.subscription_id, "company_id": one.company_id}
            | ({"plan_id": one.plan_id} if one.plan_id else {})
            | ({"start_at": one.start.isoformat()} if one.start else {})
            | ({"end_at": one.end.isoformat()} if one.end else {})
            for one in self.subscriptions
        ]
        users = [
            {"user_id": one.user_id, "company_id": one.company_id}
            | ({} if one in self._first_of_users() else {"valid_from": one.since.isoformat()})
            for one in self.users
        ]
        companies = [
            {"company_id": company} | ({"time_zone": self.zones[company]} if company in self.zones else {})
            for company in _COMPANIES
        ]
        return {"companies": companies, "subscriptions": subscriptions, "users": users}

    def earlier(self, random: Random) -> "History":
        """What the user might have written before: some records missing, and much of the others taken back since."""
        subscriptions = [
            replace(
                one,
                company_id=random.choice((one.company_id, *_COMPANIES)),
                plan_id=random.choice((one.plan_id, "pro", None)),
                start=random.choice((one.start, RECEIPTS[0], one.start and one.start - timedelta(days=9))),
                end=random.choice((one.end, RECEIPTS[0], one.end and one.end - timedelta(days=9))),
            )
            for one in self.subscriptions
            if random.random() < 0.7
        ]
        users = [
            UserSince(
                one.user_id,
                random.choice((one.company_id, *_COMPANIES)),
                one.since + random.choice((0, 1, -1)) * timedelta(hours=7),
            )
            for one in self.users
            if random.random() < 0.8
        ]
        zones = {company: zone for company in _COMPANIES if (zone := random.choice((*_ZONES, self.zones.get(company))))}
        return replace(self, subscriptions=tuple(subscriptions), users=tuple(users), zones=zones)


def instants() -> st.SearchStrategy[str]:
    """Edges more often than not; the rest to the microsecond, so that few of them are equal."""
    anywhere = st.integers(0, 2 * 86_400_000_000).map(
        lambda micros: datetime.fromtimestamp(1_690_761_600 + micros // 10**6, UTC).replace(microsecond=micros % 10**6)
    )
    return st.sampled_from(_INSTANTS) | anywhere.map(datetime.isoformat)


def _moments() -> st.SearchStrategy[datetime]:
    return (
        instants()
        .map(datetime.fromisoformat)
        .map(lambda at: at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))
    )


@st.composite
def _event_texts(draw: st.DrawFn, number: int) -> str:
    """One line. Events without an id have an instant of their own, so that no tie of theirs decides anything."""
    with_id = draw(st.integers(0, 5)) > 0
    at = draw(instants()) if with_id else f"2023-07-31T20:00:00.{number:06d}Z"
    fields: dict[str, object] = {"at": at}
    if with_id:
        fields["id"] = f"e{number}"
    company = draw(st.sampled_from((*_COMPANIES, "acme", "acme", None, None)))
    user = draw(st.sampled_from((None, "u1", "u2", "stranger")))
    subscription = draw(st.sampled_from((None,) * 6 + ("s1", "s2", "s3", "nobody's")))
    ids = {"company": company, "user": user, "subscription": subscription}
    fields |= {name: value for name, value in ids.items() if value is not None}
    if draw(st.booleans()):
        fields["status"] = draw(st.sampled_from((200, 200, 399, 400, 500, "200", None, 200.0, "4e2", "timeout", "")))
    if draw(st.integers(0, 3)) == 0:
        fields |= {"type": "action", "action": draw(st.sampled_from(("job", "job", "other")))}
    if draw(st.integers(0, 4)) == 0:
        fields["weight"] = draw(st.sampled_from((0, 2, "3", 1, 2.0)))
    if draw(st.integers(0, 5)) == 0:
        fields["blocked_by"] = "rule"
    if draw(st.integers(0, 5)) == 0:
        fields["direction"] = draw(st.sampled_from(("Outgoing", "internal", "Incoming", "sideways")))
    metadata: list[str] = []
    if draw(st.integers(0, 2)):
        metadata.append('"k":' + draw(st.sampled_from(('"a"', '"b"', "null", '"é\\"\\u0041"'))))
    if draw(st.integers(0, 4)):
        metadata.append('"v":' + draw(st.sampled_from(_VALUES)))
    # Another field, whose name differs in case alone.
    if draw(st.integers(0, 2)) == 0:
        metadata.append('"V":' + draw(st.sampled_from(("100", '"n/a"', "7.0"))))
    text = json.dumps(fields, sort_keys=True)
    return text[:-1] + ', "m": {' + ", ".join(metadata) + "}}" if metadata else text


@st.composite
def _correction_texts(draw: st.DrawFn, number: int, events: Sequence[str]) -> str:
    """A void or a replacement of an event or of another correction; few have no id, or one that an event has."""
    event_ids = [fields["id"] for fields in map(json.loads, events) if "id" in fields]
    fields: dict[str, object] = {
        "correction": draw(st.sampled_from(("void", "void", "replacement", "replacement", "replacement"))),
        "target": draw(st.sampled_from([*event_ids, "c0", "c1", "c2", "never sent"])),
        "why": draw(st.sampled_from(("wrong", "wrong day"))),
    }
    if draw(st.integers(0, 3)) == 0:
        fields["target_source"] = draw(st.sampled_from(("logs", "other")))
    own = draw(st.sampled_from((f"c{number}",) * 8 + (f"e{number}", None)))
    # One without an id has an instant of its own, as an event without one.
    event = draw(_event_texts(number)) if own else f'{{"at": "2023-07-31T21:00:00.{number:06d}Z", "company": "acme"}}'
    fields |= {"id": own} if own else {}
    text = json.dumps({name: value for name, value in json.loads(event).items() if name not in ("id", "m")} | fields)
    return text[:-1] + event[event.index(', "m": ') :] if ', "m": ' in event else text


def _mutated(draw: st.DrawFn, text: str) -> str:
    """The same id with another content, or on another day."""
    fields = json.loads(text)
    if "target" in fields and draw(st.booleans()):
        fields["target"] = draw(st.sampled_from(("e0", "e1", "c0")))
    elif draw(st.booleans()):
        fields["at"] = draw(instants())
    else:
        fields["status"] = 201
    return json.dumps(fields, sort_keys=True) if "id" in fields and "NaN" not in text and "Inf" not in text else text


@st.composite
def histories(draw: st.DrawFn, *, resent: bool = True, odd: bool = True) -> History:
    """`resent`: files that come twice; `odd`: unusable lines, and equal lines without an id in one file."""
    subscriptions = tuple(
        Subscription(
            f"s{number}",
            draw(st.sampled_from(_COMPANIES[:2] if number < 3 else _COMPANIES)),
            draw(st.sampled_from(("basic", "pro", "extra", "pro", "basic", None, "gone"))),
            draw(st.none() | _moments()),
            draw(st.none() | st.none() | _moments()),
        )
        for number in range(draw(st.integers(1, 5)))
    )
    # One that ends before it begins is refused.
    subscriptions = tuple(
        replace(one, end=max(one.start, one.end)) if one.start and one.end else one for one in subscriptions
    )
    moved = st.tuples(st.sampled_from(("u1", "u2")), st.sampled_from(_COMPANIES), st.sampled_from(_MOVED_AT))
    moves = tuple(
        Moves(number, draw(st.sampled_from(RECEIPTS)), tuple(draw(st.lists(moved, min_size=1, max_size=3))))
        for number in range(draw(st.integers(0, 3)))
    )
    users = tuple(
        UserSince(user, draw(st.sampled_from(_COMPANIES)), since)
        for user in ("u1", "u2")
        for since in draw(st.lists(_moments(), max_size=2, unique=True))
    )
    drawn = {company: draw(st.sampled_from(_ZONES)) for company in _COMPANIES}
    zones = {company: zone for company, zone in drawn.items() if zone is not None}
    texts = [draw(_event_texts(number)) for number in range(draw(st.integers(5, 40)))]
    corrections = [draw(_correction_texts(number, texts)) for number in range(draw(st.integers(0, 8)))]
    texts += corrections * 2
    files: list[Sent] = []
    for nth in range(draw(st.integers(2, 4))):
        chosen = draw(st.lists(st.sampled_from(texts), min_size=1, max_size=20, unique=not odd))
        chosen = [_mutated(draw, text) if draw(st.integers(0, 9)) == 0 else text for text in chosen]
        if odd:
            chosen += draw(st.lists(st.sampled_from(_BAD_LINES), max_size=3))
        else:
            chosen = sorted(set(chosen), key=chosen.index)
        source = draw(st.sampled_from(("logs", "logs", "other")))
        files.append(Sent(source, draw(st.sampled_from(RECEIPTS)), lines(chosen).decode()))
        if resent and draw(st.integers(0, 3)) == 0:
            files.append(Sent(source, draw(st.sampled_from(RECEIPTS)), files[nth].text))
    return History(subscriptions, users, tuple(sorted(files, key=lambda file: file.received_at)), zones, moves)
