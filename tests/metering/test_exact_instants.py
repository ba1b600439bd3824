"""Who pays for what happens at the very instant at which something changes: what begins then, never what ends (rule 1).

Each bound is met a microsecond before, at it and a microsecond after; every event is a group of its own.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from workshop import Workshop, event, lines

from monetization_pipeline.datasets import DAILY_USAGE, UNBILLED, USAGE

MONTHS = ("2023-07", "2023-08")
MICROSECOND = timedelta(microseconds=1)
PRICE = {"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": "1", "group_by": ["metadata.name"]}
CATALOG: dict[str, object] = {
    "meters": [{"meter_id": "calls", "aggregation": "count", "dimensions": ["metadata.name"]}],
    "plans": [{"plan_id": "p", "currency": "USD", "interval": "month", "prices": [PRICE]}],
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


MOVES, BEGINS, ENDS, PASSES = (at(f"2023-07-{day}") for day in ("15T12:00", "10T08:00", "20T08:00", "18T09:30"))
#: August begins in Berlin; so does its 10 July.
AUGUST, TENTH = at("2023-07-31T22:00"), at("2023-07-09T22:00")

CUSTOMERS: dict[str, object] = {
    "companies": [{"company_id": "berlin", "time_zone": "Europe/Berlin"}],
    "users": [
        {"user_id": "mover", "company_id": "left", "valid_from": "2023-07-01"},
        {"user_id": "mover", "company_id": "joined", "valid_from": MOVES.isoformat()},
    ],
    "subscriptions": [
        {"subscription_id": "s-left", "company_id": "left", "plan_id": "p"},
        {"subscription_id": "s-joined", "company_id": "joined", "plan_id": "p"},
        {"subscription_id": "s-berlin", "company_id": "berlin", "plan_id": "p"},
        {"subscription_id": "s-short", "company_id": "short", "plan_id": "p"}
        | {"start_at": BEGINS.isoformat(), "end_at": ENDS.isoformat()},
        {"subscription_id": "s-old", "company_id": "renewed", "plan_id": "p", "end_at": PASSES.isoformat()},
        {"subscription_id": "s-new", "company_id": "renewed", "plan_id": "p", "start_at": PASSES.isoformat()},
    ],
}

#: Event → what it says, when, and who pays for it in which billing period; None where nobody does.
BOUNDS: Mapping[str, tuple[Mapping[str, object], datetime, tuple[str | None, ...]]] = {
    "a user moves": ({"company": None, "user": "mover"}, MOVES, ("s-left 2023-07", "s-joined 2023-07")),
    "a subscription begins": ({"company": "short"}, BEGINS, (None, "s-short 2023-07")),
    "a subscription ends": ({"company": "short"}, ENDS, ("s-short 2023-07", None)),
    "one follows another": ({"company": "renewed"}, PASSES, ("s-old 2023-07", "s-new 2023-07")),
    "a month begins in Berlin": ({"company": "berlin"}, AUGUST, ("s-berlin 2023-07", "s-berlin 2023-08")),
    "a day begins in Berlin": ({"company": "berlin"}, TENTH, ("s-berlin 2023-07", "s-berlin 2023-07")),
}
CASES = {
    f"{bound}, {when}": (said, instant + number * MICROSECOND, payers[number >= 0])
    for bound, (said, instant, payers) in BOUNDS.items()
    for number, when in ((-1, "a microsecond before"), (0, "at that instant"), (1, "a microsecond after"))
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return run(tmp_path_factory.mktemp("ran"))


def run(folder: Path) -> Workshop:
    shop = Workshop(folder)
    shop.source("logs")
    shop.catalog(CATALOG)
    shop.customers(CUSTOMERS)
    events = [
        event(number, at=instant.isoformat(), m={"name": name}, **said)
        for number, (name, (said, instant, _)) in enumerate(CASES.items())
    ]
    shop.place("logs", lines(events))
    shop.run(*MONTHS)
    return shop


@pytest.mark.parametrize("name", CASES)
def test_an_event_is_charged_once_to_what_holds_at_its_instant(ran: Workshop, name: str) -> None:
    payer = CASES[name][2]
    charged = [
        (f"{row['subscription_id']} {row['billing_period']}", row["quantity"])
        for row in ran.rows(USAGE)
        if json.loads(row["group"]).get("metadata.name") == name
    ]
    assert charged == ([] if payer is None else [(payer, 1)])


def test_what_nobody_pays_for_is_named(ran: Workshop) -> None:
    nobody = [f"e{number}" for number, (_, _, payer) in enumerate(CASES.values()) if payer is None]
    assert sorted(row["event_id"] for row in ran.rows(UNBILLED)) == sorted(nobody)


def test_a_local_day_begins_at_its_first_instant(ran: Workshop) -> None:
    days = {
        json.loads(row["dimensions"])["metadata.name"]: str(row["usage_on"])
        for row in ran.rows(DAILY_USAGE)
        if row["subscription_id"] == "s-berlin"
    }
    found = [days[name] for name in CASES if name.startswith("a day begins in Berlin")]
    assert found == ["2023-07-09", "2023-07-10", "2023-07-10"]
