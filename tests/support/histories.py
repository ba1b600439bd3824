"""Small histories for the oracle: a catalog with every meter and price model, and strategies of customers and files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction

from hypothesis import strategies as st
from oracle import Event, Meter, Subscription, UserSince, World, number
from workshop import lines

MONTHS = ("2023-07", "2023-08")
_METERS: list[dict[str, object]] = [
    {"meter_id": "calls", "event_type": "api_call", "filter": "status < 400", "aggregation": "count"},
    {
        "meter_id": "attempts",
        "event_type": "api_call",
        "filter": "status is null or not (status = 500)",
        "aggregation": "count",
        "count_blocked": True,
    },
    {
        "meter_id": "tokens",
        "event_type": "api_call",
        "aggregation": "sum",
        "value": "metadata.v",
        "dimensions": ["metadata.k"],
    },
    {"meter_id": "low", "event_type": "action", "action_name": "job", "aggregation": "min", "value": "metadata.v"},
    {"meter_id": "peak", "filter": "not (metadata.k = 'a')", "aggregation": "max", "value": "metadata.v * 2 + 1"},
    {"meter_id": "last", "aggregation": "latest", "value": "metadata.v", "dimensions": ["user_id", "metadata.k"]},
    {
        "meter_id": "users",
        "filter": "status = 200 or not (weight > 1)",
        "aggregation": "unique_count",
        "value": "user_id",
        "dimensions": ["metadata.k"],
    },
]
_PLANS: list[dict[str, object]] = [
    {
        "plan_id": "basic",
        "currency": "USD",
        "interval": "month",
        "prices": [
            {"price_id": "basic_fee", "model": "flat", "amount": "31.00", "bill": "in_advance"},
            {
                "price_id": "basic_calls",
                "model": "graduated",
                "meter": "calls",
                "tiers": [
                    {"up_to": "2", "unit_amount": "0", "flat_amount": "1.005"},
                    {"up_to": "4", "unit_amount": "0.015"},
                    {"up_to": None, "unit_amount": "0.005", "flat_amount": "0.1"},
                ],
            },
            {
                "price_id": "basic_tokens",
                "model": "per_unit",
                "meter": "tokens",
                "group_by": ["metadata.k"],
                "transform": {"divide": "3", "round": "nearest", "step": "0.5"},
                "unit_amount": "0.333333333333",
            },
            {"price_id": "basic_users", "model": "per_unit", "meter": "users", "unit_amount": "4.5"},
        ],
    },
    {
        "plan_id": "pro",
        "currency": "USD",
        "interval": "month",
        "prices": [
            {"price_id": "pro_fee", "model": "flat", "amount": "99.99", "prorate": "second"},
            {
                "price_id": "pro_calls",
                "model": "volume",
                "meter": "attempts",
                "tiers": [
                    {"up_to": "3", "unit_amount": "0.125"},
                    {"up_to": None, "unit_amount": "0.1", "flat_amount": "1"},
                ],
            },
            {
                "price_id": "pro_tokens",
                "model": "package",
                "meter": "tokens",
                "package_size": "2.5",
                "package_amount": "0.335",
                "included_units": "1",
            },
            {
                "price_id": "pro_tokens_by_kind",
                "model": "graduated",
                "meter": "tokens",
                "group_by": ["metadata.k"],
                "tiers": [{"up_to": "2.5", "unit_amount": "0.5"}, {"up_to": None, "unit_amount": "0.1"}],
            },
            {"price_id": "pro_low", "model": "per_unit", "meter": "low", "unit_amount": "1"},
            {
                "price_id": "pro_peak",
                "model": "per_unit",
                "meter": "peak",
                "transform": {"multiply": "1.5", "round": "up"},
                "unit_amount": "0.01",
            },
            {"price_id": "pro_last", "model": "per_unit", "meter": "last", "unit_amount": "0.5"},
            {
                "price_id": "pro_users",
                "model": "per_unit",
                "meter": "users",
                "group_by": ["metadata.k"],
                "included_units": "1",
                "unit_amount": "2",
            },
        ],
    },
    {
        "plan_id": "extra",
        "currency": "EUR",
        "interval": "month",
        "prices": [
            {"price_id": "extra_fee", "model": "flat", "amount": "5", "prorate": "none", "bill": "in_advance"},
            {"price_id": "extra_calls", "model": "per_unit", "meter": "calls", "unit_amount": "0.01"},
            {
                "price_id": "extra_last",
                "model": "per_unit",
                "meter": "last",
                "group_by": ["metadata.k", "user_id"],
                "unit_amount": "1",
            },
        ],
    },
]
CATALOG: Mapping[str, object] = {"meters": _METERS, "plans": _PLANS}


def _peak_value(event: Event) -> str | None:
    """`metadata.v * 2 + 1`, as text where it is a number."""
    value = number(event.text("v"))
    return None if value is None else _decimal_text(value * 2 + 1)


def _decimal_text(value: Fraction) -> str:
    digits = str(abs(value) * 10**12 // 1).rjust(13, "0")
    return f"{'-' if value < 0 else ''}{digits[:-12]}.{digits[-12:]}"


def _kind(event: Event) -> str | None:
    return event.text("k")


def _user(event: Event) -> str | None:
    return event.user_id


def _value(event: Event) -> str | None:
    return event.text("v")


METERS: Sequence[Meter] = (
    Meter("calls", "count", lambda e: e.event_type == "api_call" and e.status is not None and e.status < 400),
    Meter("attempts", "count", lambda e: e.event_type == "api_call" and e.status != 500, count_blocked=True),
    Meter("tokens", "sum", lambda e: e.event_type == "api_call", _value, {"metadata.k": _kind}),
    Meter("low", "min", lambda e: e.event_type == "action" and e.action_name == "job", _value),
    Meter("peak", "max", lambda e: _kind(e) not in (None, "a"), _peak_value),
    Meter("last", "latest", lambda _: True, _value, {"user_id": _user, "metadata.k": _kind}),
    Meter("users", "unique_count", lambda e: e.status == 200 or e.weight <= 1, _user, {"metadata.k": _kind}),
)
PRICING: Mapping[str, Mapping[str, frozenset[str]]] = {
    "basic": {
        "calls": frozenset({"basic_calls"}),
        "tokens": frozenset({"basic_tokens"}),
        "users": frozenset({"basic_users"}),
    },
    "pro": {
        "attempts": frozenset({"pro_calls"}),
        "tokens": frozenset({"pro_tokens", "pro_tokens_by_kind"}),
        "low": frozenset({"pro_low"}),
        "peak": frozenset({"pro_peak"}),
        "last": frozenset({"pro_last"}),
        "users": frozenset({"pro_users"}),
    },
    "extra": {"calls": frozenset({"extra_calls"}), "last": frozenset({"extra_last"})},
}

# --- strategies -------------------------------------------------------------------------------------------------------

RECEIPTS = (
    datetime(2023, 8, 2, tzinfo=UTC),
    datetime(2023, 8, 2, 6, 30, tzinfo=UTC),
    datetime(2023, 8, 3, 0, 0, 0, 1, tzinfo=UTC),
)
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
    '{"id":"b11","company":"acme","at":"2023-08-01T00:00:00Z","type":"call"}',
    '[{"id":"a1","company":"acme","at":"2023-08-01T00:00:00Z","status":200},7]',
)


@dataclass(frozen=True)
class Sent:
    """A file to come: its source, when it is received, its text."""

    source: str
    received_at: datetime
    text: str


@dataclass(frozen=True)
class History:
    subscriptions: tuple[Subscription, ...]
    users: tuple[UserSince, ...]
    files: tuple[Sent, ...]
    zones: Mapping[str, str] = field(default_factory=dict)

    @property
    def world(self) -> World:
        return World(METERS, PRICING, self.subscriptions, self.users, self.zones)

    @property
    def customers(self) -> Mapping[str, object]:
        """As the user writes it; users come with an explicit valid_from."""
        subscriptions = [
            {"subscription_id": one.subscription_id, "company_id": one.company_id}
            | ({"plan_id": one.plan_id} if one.plan_id else {})
            | ({"start_at": one.start.isoformat()} if one.start else {})
            | ({"end_at": one.end.isoformat()} if one.end else {})
            for one in self.subscriptions
        ]
        users = [
            {"user_id": one.user_id, "company_id": one.company_id, "valid_from": one.since.isoformat()}
            for one in self.users
        ]
        companies = [{"company_id": company, "time_zone": zone} for company, zone in self.zones.items()]
        return {"companies": companies, "subscriptions": subscriptions, "users": users}


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
        fields["status"] = draw(st.sampled_from((200, 200, 399, 400, 500, "200", None)))
    if draw(st.integers(0, 3)) == 0:
        fields |= {"type": "action", "action": draw(st.sampled_from(("job", "job", "other")))}
    if draw(st.integers(0, 4)) == 0:
        fields["weight"] = draw(st.sampled_from((0, 2, "3", 1)))
    if draw(st.integers(0, 5)) == 0:
        fields["blocked_by"] = "rule"
    metadata: list[str] = []
    if draw(st.integers(0, 2)):
        metadata.append('"k":' + draw(st.sampled_from(('"a"', '"b"', "null", '"é\\"\\u0041"'))))
    if draw(st.integers(0, 4)):
        metadata.append('"v":' + draw(st.sampled_from(_VALUES)))
    text = json.dumps(fields, sort_keys=True)
    return text[:-1] + ', "m": {' + ", ".join(metadata) + "}}" if metadata else text


def _mutated(draw: st.DrawFn, text: str) -> str:
    """The same id with another content, or on another day."""
    fields = json.loads(text)
    if draw(st.booleans()):
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
    users = tuple(
        UserSince(user, draw(st.sampled_from(_COMPANIES)), since)
        for user in ("u1", "u2")
        for since in draw(st.lists(_moments(), max_size=2, unique=True))
    )
    drawn = {company: draw(st.sampled_from(_ZONES)) for company in _COMPANIES}
    zones = {company: zone for company, zone in drawn.items() if zone is not None}
    texts = [draw(_event_texts(number)) for number in range(draw(st.integers(5, 40)))]
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
    return History(subscriptions, users, tuple(sorted(files, key=lambda file: file.received_at)), zones)
