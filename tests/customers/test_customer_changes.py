"""Which records of companies, users and subscriptions become changes, and why the others do not."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monetization_pipeline.customers.changes import change_of
from monetization_pipeline.customers.models import EntityChange, EntityKind
from monetization_pipeline.customers.moesif import Terms, terms_of
from monetization_pipeline.customers.values import RecordError, canonical_json, is_list, is_object, parse_instant

COMPANY, USER, SUBSCRIPTION = EntityKind.COMPANY, EntityKind.USER, EntityKind.SUBSCRIPTION
RECEIVED = datetime(2024, 6, 1, tzinfo=UTC)


def change(kind: EntityKind, fields: Mapping[str, object]) -> EntityChange:
    return change_of(kind, fields, received_at=RECEIVED, source="moesif", file="f", line=3)


def nested(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = {"in": value}
    return value


def sub(**fields: object) -> dict[str, object]:
    return {"subscription_id": "s", "company_id": "c", **fields}


REFUSED: dict[str, tuple[EntityKind, dict[str, object], str]] = {
    "a company without an id": (COMPANY, {"name": "Acme"}, "company_id is missing"),
    "an id of blanks": (USER, {"user_id": "  "}, "user_id is missing"),
    "an id that is null": (USER, {"user_id": None}, "user_id is missing"),
    "an id that is a list": (USER, {"user_id": ["u"]}, "user_id is a list where text is expected"),
    "an id that is true": (USER, {"user_id": True}, "user_id is true or false where text is expected"),
    "an id that is a fraction": (USER, {"user_id": 1.5}, "user_id is a number where text is expected"),
    "a user's company that is an object": (
        USER,
        {"user_id": "u", "company_id": {}},
        "company_id is an object where text is expected",
    ),
    "a subscription of no company": (SUBSCRIPTION, {"subscription_id": "s"}, "company_id is missing"),
    "a subscription without an id": (SUBSCRIPTION, {"company_id": "c"}, "subscription_id is missing"),
    "a time that is none": (
        COMPANY,
        {"company_id": "c", "modified_time": "yesterday"},
        "modified_time 'yesterday' is not a time; write it like 2024-05-01T00:00:00Z or 2024-05-01",
    ),
    "a day that does not exist": (
        SUBSCRIPTION,
        sub(end_at="2023-02-29"),
        "end_at '2023-02-29' is not a time; write it like 2024-05-01T00:00:00Z or 2024-05-01",
    ),
    "a time as a number": (
        SUBSCRIPTION,
        sub(start_at=1700000000),
        "start_at is a number where a time such as 2024-05-01T00:00:00Z is expected",
    ),
    "the zero time of some clients": (
        SUBSCRIPTION,
        sub(cancel_time="0001-01-01T00:00:00Z"),
        "cancel_time '0001-01-01T00:00:00Z' lies before 1970-01-01",
    ),
    "a time beyond the calendar once it is in UTC": (
        SUBSCRIPTION,
        sub(end_at="9999-12-31T23:59:59-12:00"),
        "end_at '9999-12-31T23:59:59-12:00' is not a time; write it like 2024-05-01T00:00:00Z or 2024-05-01",
    ),
    "metadata that is text": (
        COMPANY,
        {"company_id": "c", "metadata": "gold"},
        "metadata is text where an object is expected",
    ),
    "a time zone that is not there": (
        COMPANY,
        {"company_id": "c", "time_zone": "Europe/Bremen"},
        (
            "time_zone 'Europe/Bremen' is not a time zone of the IANA database; "
            "write a name such as Europe/Berlin, or none"
        ),
    ),
    "a time zone in other letters": (
        COMPANY,
        {"company_id": "c", "time_zone": "europe/berlin"},
        (
            "time_zone 'europe/berlin' is not a time zone of the IANA database; "
            "write a name such as Europe/Berlin, or none"
        ),
    ),
    "a time zone that is a path": (
        COMPANY,
        {"company_id": "c", "time_zone": "../UTC"},
        "time_zone '../UTC' is not a time zone of the IANA database; write a name such as Europe/Berlin, or none",
    ),
    "an unknown status": (
        SUBSCRIPTION,
        sub(status="pasued"),
        (
            "status 'pasued' is not known; write one of "
            "active, canceled, cancelled, draft, future, paused, pending, trialing"
        ),
    ),
    "items that are no list": (SUBSCRIPTION, sub(items={"plan_id": "p"}), "items is not a list"),
    "an item that is text": (SUBSCRIPTION, sub(items=["p"]), "items[0] is not an object"),
    "an item's plan that is a list": (
        SUBSCRIPTION,
        sub(items=[{"plan_id": "p"}, {"plan_id": ["q"]}]),
        "items[1].plan_id is a list where text is expected",
    ),
    "items on two plans": (
        SUBSCRIPTION,
        sub(items=[{"plan_id": "p"}, {"plan_id": "q"}]),
        "items on several plans (p, q) is not supported yet; send a subscription for each plan",
    ),
    "half of a surrogate pair": (
        COMPANY,
        {"company_id": "c", "name": "\ud800"},
        "name has text that is no Unicode (half of a surrogate pair)",
    ),
    "a name of a field that is no Unicode": (
        COMPANY,
        {"company_id": "c", "\ud800": "x"},
        "\\ud800 has text that is no Unicode (half of a surrogate pair)",
    ),
    "a number that is none": (
        COMPANY,
        {"company_id": "c", "metadata": {"score": float("nan")}},
        "metadata has a value that JSON does not know",
    ),
    "an object too deep to store": (
        COMPANY,
        {"company_id": "c", "metadata": nested(5000)},
        "metadata is nested more than 64 levels deep",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    kind, fields, message = REFUSED[name]
    with pytest.raises(RecordError) as error:
        change(kind, fields)
    assert str(error.value) == message
    assert message.startswith(error.value.field)


def test_a_change_carries_its_place_and_what_was_said() -> None:
    fields: dict[str, object] = {
        "company_id": "acme",
        "name": "Acme",
        "campaign": {},
        "email": "",
        "metadata": {"note": "", "gone": None},
    }
    assert change(COMPANY, {**fields, "modified_time": None}) == EntityChange(
        COMPANY,
        "acme",
        None,
        RECEIVED,
        "moesif",
        "f",
        3,
        1,
        {"company_id": "acme", "name": "Acme", "campaign": {}, "metadata": {"note": "", "gone": None}},
    )


def test_session_tokens_and_addresses_are_not_kept() -> None:
    fields = {"user_id": "u", "session_token": "secret", "ip_address": "10.0.0.1", "user_agent_string": "curl"}
    assert change(USER, dict(fields)).fields == {"user_id": "u"}


def test_an_id_that_is_a_number_is_its_digits() -> None:
    assert change(USER, {"user_id": 42}).entity_id == "42"


VALID_FROM: dict[str, tuple[dict[str, object], str | None]] = {
    "an explicit valid_from wins": ({"valid_from": "2024-01-02", "modified_time": "2024-01-03"}, "2024-01-02"),
    "else modified_time": ({"modified_time": "2024-01-03T04:05:06.123456"}, "2024-01-03T04:05:06.123456"),
    "a blank valid_from is none": ({"valid_from": "", "modified_time": "2024-01-03"}, "2024-01-03"),
    "else nothing": ({}, None),
}


@pytest.mark.parametrize("name", VALID_FROM)
def test_valid_from(name: str) -> None:
    fields, expected = VALID_FROM[name]
    instant = change(COMPANY, {"company_id": "c", **fields}).valid_from
    assert instant == (None if expected is None else parse_instant(expected))


TIMES = {
    "a date is its midnight in UTC": ("2024-05-01", datetime(2024, 5, 1, tzinfo=UTC)),
    "a naive time is in UTC": ("2024-05-01T10:00:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
    "Z is UTC": ("2024-05-01T10:00:00Z", datetime(2024, 5, 1, 10, tzinfo=UTC)),
    "an offset is applied": ("2024-05-01T01:00:00+02:00", datetime(2024, 4, 30, 23, tzinfo=UTC)),
    "milliseconds count": ("2024-05-01T10:00:00.480Z", datetime(2024, 5, 1, 10, 0, 0, 480_000, tzinfo=UTC)),
    "a blank may stand for the T": (" 2024-05-01 10:00 ", datetime(2024, 5, 1, 10, tzinfo=UTC)),
}


@pytest.mark.parametrize("name", TIMES)
def test_times(name: str) -> None:
    text, expected = TIMES[name]
    assert parse_instant(text) == expected
    assert parse_instant(text).tzinfo is UTC


def terms(
    plan: str | None = None,
    start: str | None = None,
    period: str | None = None,
    end: str | None = None,
    status: str = "active",
) -> Terms:
    start_at, period_start, end_at = (None if at is None else parse_instant(at) for at in (start, period, end))
    return Terms(plan, start_at, period_start, end_at, status)


TERMS: dict[str, tuple[dict[str, object], Terms]] = {
    "nothing said is active, without plan and bounds": ({}, terms()),
    "our own shape": (
        {"plan_id": "p", "start_at": "2024-01-01", "end_at": "2024-02-01"},
        terms("p", "2024-01-01", None, "2024-02-01"),
    ),
    "Moesif's shape": (
        {
            "items": [{"plan_id": "p", "price_id": "a"}, {"plan_id": "p", "price_id": "b"}, {"plan_id": None}],
            "current_period_start": "2024-03-01",
            "start_date": "2024-01-01",
            "cancel_time": "2024-06-01",
            "status": "cancelled",
        },
        terms("p", "2024-01-01", "2024-03-01", "2024-06-01", "cancelled"),
    ),
    "our own names win over Moesif's": (
        {
            "plan_id": "ours",
            "items": [{"plan_id": "theirs"}],
            "start_at": "2024-01-02",
            "start_date": "2024-01-01",
            "end_at": "2024-05-01",
            "cancel_time": "2024-04-01",
        },
        terms("ours", "2024-01-02", None, "2024-05-01"),
    ),
    "items on several plans do not matter beside a plan_id": (
        {"plan_id": "p", "items": [{"plan_id": "q"}, {"plan_id": "r"}]},
        terms("p"),
    ),
    "empty items name no plan": ({"items": []}, terms()),
}


@pytest.mark.parametrize("name", TERMS)
def test_terms_of_a_subscription(name: str) -> None:
    fields, expected = TERMS[name]
    assert terms_of(fields) == expected


def test_canonical_json_does_not_know_the_order_of_keys() -> None:
    assert canonical_json({"b": {"d": 1, "c": "ü"}, "a": []}) == '{"a":[],"b":{"c":"ü","d":1}}'


KINDS = {"companies": COMPANY, "users": USER, "subscriptions": SUBSCRIPTION}


def test_all_that_moesifs_own_clients_send_becomes_changes(shared_data: Path) -> None:
    ids: list[str] = []
    for capture in sorted((shared_data / "moesif").glob("*.jsonl")):
        for text in capture.read_text().splitlines():
            request = json.loads(text)
            kind = KINDS.get(request["path"].split("/")[2])
            if kind is not None:
                body: object = request["body"]
                ids += [
                    change(kind, record).entity_id
                    for record in (body if is_list(body) else [body])
                    if is_object(record)
                ]
    assert len(ids) == 14
    assert set(ids) == {"u1", "u2", "u3", "acme", "globex", "blocked_co", "sub_1", "sub_2"}
