"""How changes of companies, users and subscriptions become their history."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monetization_pipeline.customers.changes import change_of
from monetization_pipeline.customers.merge import Customers, merge_changes, merge_subscriptions
from monetization_pipeline.customers.models import Company, EntityChange, EntityKind, Subscription, User
from monetization_pipeline.customers.ordering import change_order, merge_objects, valid_at

COMPANY, USER, SUBSCRIPTION = EntityKind.COMPANY, EntityKind.USER, EntityKind.SUBSCRIPTION


def at(day: int) -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day - 1)


def change(kind: EntityKind, received: int, fields: Mapping[str, object], line: int = 1) -> EntityChange:
    return change_of(kind, fields, received_at=at(received), source="customers", file="f", line=line)


def user(received: int, **fields: object) -> EntityChange:
    return change(USER, received, {"user_id": "u", **fields})


def sub(received: int, line: int = 1, **fields: object) -> EntityChange:
    return change(SUBSCRIPTION, received, {"subscription_id": "s", "company_id": "c", **fields}, line)


OBJECTS: dict[str, tuple[dict[str, object], dict[str, object], dict[str, object]]] = {
    "objects are merged key by key": ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
    "a null erases nothing": ({"a": 1, "b": {"c": 1}}, {"a": None, "b": {"c": None}}, {"a": 1, "b": {"c": 1}}),
    "a null of something new is kept": ({}, {"a": None}, {"a": None}),
    "an empty object erases nothing": ({"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1}}),
    "lists are replaced whole": ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
    "an object replaces text": ({"a": "x"}, {"a": {"y": 1}}, {"a": {"y": 1}}),
    "text replaces an object": ({"a": {"y": 1}}, {"a": "x"}, {"a": "x"}),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_recursive_merge(name: str) -> None:
    old, new, expected = OBJECTS[name]
    before = json.dumps([old, new])
    assert merge_objects(old, new) == expected
    assert json.dumps([old, new]) == before


def test_a_companys_first_record_holds_before_it_and_later_ones_from_their_instant() -> None:
    changes = [
        change(COMPANY, 5, {"company_id": "c", "name": "Acme", "metadata": {"b": "1", "a": {"x": "1"}}}),
        change(COMPANY, 9, {"company_id": "c", "email": "a@acme.test", "metadata": {"a": {"y": "2"}}}),
    ]
    assert merge_changes(changes).companies == [
        Company("c", "Acme", None, None, None, '{"a":{"x":"1"},"b":"1"}', None, at(9)),
        Company("c", "Acme", None, None, "a@acme.test", '{"a":{"x":"1","y":"2"},"b":"1"}', at(9), None),
    ]


def test_of_records_from_one_instant_the_later_line_wins_also_before_it() -> None:
    changes = [
        change(COMPANY, 5, {"company_id": "c", "name": "Second", "email": "x"}, line=7),
        change(COMPANY, 5, {"company_id": "c", "name": "First", "provider_customer_id": "cus_1"}, line=2),
    ]
    assert merge_changes(changes).companies == [Company("c", "Second", None, "cus_1", "x", "{}", None, None)]


def test_a_record_missing_from_a_newer_file_is_not_deleted() -> None:
    changes = [
        change(COMPANY, 1, {"company_id": "gone", "name": "Gone"}, line=2),
        change(COMPANY, 1, {"company_id": "kept", "name": "Old"}, line=3),
        change(COMPANY, 2, {"company_id": "kept", "name": "New"}, line=2),
    ]
    assert [(row.company_id, row.name, row.valid_to) for row in merge_changes(changes).companies] == [
        ("gone", "Gone", None),
        ("kept", "Old", at(2)),
        ("kept", "New", None),
    ]


def test_a_record_that_says_nothing_new_makes_no_row() -> None:
    changes = [change(COMPANY, day, {"company_id": "c", "name": "Acme"}) for day in (1, 2, 3)]
    assert merge_changes(changes).companies == [Company("c", "Acme", None, None, None, "{}", None, None)]


USERS: dict[str, tuple[list[EntityChange], list[tuple[str | None, int | None, int | None]]]] = {
    "one record holds for ever": ([user(3, company_id="a")], [("a", None, None)]),
    "a user who moves belongs to the new company from then on": (
        [user(3, company_id="a"), user(5, company_id="b")],
        [("a", None, 5), ("b", 5, None)],
    ),
    "the first known company also holds before": (
        [user(3), user(5, company_id="b")],
        [("b", None, None)],
    ),
    "a record that names no company does not take it away": (
        [user(3, company_id="a"), user(5, company_id=None), user(6, company_id="")],
        [("a", None, None)],
    ),
    "no known company is said too": ([user(3), user(4)], [(None, None, None)]),
    "modified_time counts, not the order of arrival": (
        [user(9, company_id="old", modified_time="2024-01-02"), user(8, company_id="new")],
        [("old", None, 8), ("new", 8, None)],
    ),
    "valid_from counts before modified_time": (
        [
            user(9, company_id="b", valid_from="2024-01-07", modified_time="2024-01-01"),
            user(9, company_id="a", modified_time="2024-01-02"),
        ],
        [("a", None, 7), ("b", 7, None)],
    ),
    "of two records from one instant the one received later wins": (
        [user(9, company_id="b", valid_from="2024-01-05"), user(8, company_id="a", valid_from="2024-01-05")],
        [("b", None, None)],
    ),
    "there and back again": (
        [user(1, company_id="a"), user(2, company_id="b"), user(3, company_id="a")],
        [("a", None, 2), ("b", 2, 3), ("a", 3, None)],
    ),
}


@pytest.mark.parametrize("name", USERS)
def test_users(name: str) -> None:
    changes, expected = USERS[name]
    assert merge_changes(changes).users == [
        User("u", company, None if start is None else at(start), None if end is None else at(end))
        for company, start, end in expected
    ]


def test_a_subscriptions_first_record_does_not_hold_before_it() -> None:
    changes = [sub(3, plan_id="p", start_at="2023-05-01"), sub(7, metadata={"seats": "5"})]
    start = datetime(2023, 5, 1, tzinfo=UTC)
    assert merge_changes(changes).subscriptions == [
        Subscription("s", "c", "p", start, None, "active", "{}", at(3), at(7)),
        Subscription("s", "c", "p", start, None, "active", '{"seats":"5"}', at(7), None),
    ]


CURRENT: dict[str, tuple[list[EntityChange], tuple[str | None, int | None, int | None, str]]] = {
    "start_at wins over start_date and current_period_start": (
        [sub(1, start_at="2024-01-04", start_date="2024-01-03", current_period_start="2024-01-02")],
        (None, 4, None, "active"),
    ),
    "start_date wins over current_period_start": (
        [sub(1, start_date="2024-01-03", current_period_start="2024-01-02")],
        (None, 3, None, "active"),
    ),
    "a current_period_start that moves on does not take the first period away": (
        [sub(1, current_period_start="2024-01-02"), sub(9, current_period_start="2024-02-02")],
        (None, 2, None, "active"),
    ),
    "end_at wins over cancel_time": (
        [sub(1, end_at="2024-01-09", cancel_time="2024-01-05")],
        (None, None, 9, "active"),
    ),
    "a cancel_time ends it, whatever the status": ([sub(1, cancel_time="2024-01-05")], (None, None, 5, "active")),
    "cancelled without a time ends when that was said": (
        [sub(1, plan_id="p"), sub(6, status="cancelled")],
        ("p", None, 6, "cancelled"),
    ),
    "cancelled without a time ends at the record's own valid_from": (
        [sub(1), sub(9, status="canceled", valid_from="2024-01-04")],
        (None, None, 4, "canceled"),
    ),
    "cancelled and said again ends the first time": (
        [sub(1), sub(6, status="cancelled"), sub(8, status="cancelled", metadata={"a": "b"})],
        (None, None, 6, "cancelled"),
    ),
    "cancelled, taken back and cancelled again ends the last time": (
        [sub(1), sub(6, status="cancelled"), sub(7, status="active"), sub(8, status="cancelled")],
        (None, None, 8, "cancelled"),
    ),
    "a cancellation without a time is taken back by the status": (
        [sub(1), sub(6, status="cancelled"), sub(7, status="active")],
        (None, None, None, "active"),
    ),
    "cancelled with a cancel_time ends there": (
        [sub(1), sub(6, status="cancelled", cancel_time="2024-01-20")],
        (None, None, 20, "cancelled"),
    ),
    "a null does not take an end away": (
        [sub(1, end_at="2024-01-09"), sub(2, end_at=None)],
        (None, None, 9, "active"),
    ),
    "a later end_at does": (
        [sub(1, end_at="2024-01-09"), sub(2, end_at="2024-01-20")],
        (None, None, 20, "active"),
    ),
    "plan_id wins over the items of a later record": (
        [sub(1, plan_id="p"), sub(2, items=[{"plan_id": "q"}])],
        ("p", None, None, "active"),
    ),
    "items are replaced whole": (
        [sub(1, items=[{"plan_id": "p"}, {"plan_id": "p"}]), sub(2, items=[{"plan_id": "q"}])],
        ("q", None, None, "active"),
    ),
}


@pytest.mark.parametrize("name", CURRENT)
def test_the_current_subscription(name: str) -> None:
    changes, (plan, start, end, status) = CURRENT[name]
    (current,) = [row for row in merge_subscriptions(changes) if row.valid_to is None]
    start_at, end_at = (None if day is None else at(day) for day in (start, end))
    assert (current.plan_id, current.start_at, current.end_at, current.status) == (plan, start_at, end_at, status)


def test_entities_come_sorted_and_apart_by_kind() -> None:
    changes = [
        change(USER, 1, {"user_id": "x"}),
        change(COMPANY, 1, {"company_id": "x"}),
        change(USER, 1, {"user_id": "b"}),
        change(SUBSCRIPTION, 1, {"subscription_id": "x", "company_id": "x"}),
    ]
    merged = merge_changes(changes)
    assert [row.user_id for row in merged.users] == ["b", "x"]
    assert [row.company_id for row in merged.companies] == ["x"]
    assert [row.subscription_id for row in merged.subscriptions] == ["x"]


def test_nothing_merges_to_nothing() -> None:
    assert merge_changes([]) == Customers([], [], [])


DAYS = st.integers(1, 5)
DATES = DAYS.map(lambda day: f"2024-01-{day:02}")
FIELDS = {
    COMPANY: st.fixed_dictionaries(
        {"company_id": st.sampled_from("ab")},
        optional={
            "valid_from": DATES,
            "name": st.sampled_from([None, "", "x", "y"]),
            "metadata": st.sampled_from([None, {}, {"a": "1"}, {"a": {"b": "2"}}, {"a": None, "c": ["3"]}]),
        },
    ),
    USER: st.fixed_dictionaries(
        {"user_id": st.sampled_from("ab")},
        optional={"modified_time": DATES, "company_id": st.sampled_from([None, "x", "y"])},
    ),
    SUBSCRIPTION: st.fixed_dictionaries(
        {"subscription_id": st.sampled_from("ab"), "company_id": st.sampled_from("xy")},
        optional={
            "valid_from": DATES,
            "start_at": DATES,
            "current_period_start": DATES,
            "cancel_time": DATES,
            "status": st.sampled_from([None, "active", "cancelled", "paused"]),
        },
    ),
}


@st.composite
def change_lists(draw: st.DrawFn) -> list[EntityChange]:
    """Changes as they arrive: each with a place of its own."""
    changes: list[EntityChange] = []
    for line in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(list(EntityKind)))
        changes.append(change(kind, draw(DAYS), draw(FIELDS[kind]), line))
    return changes


@given(change_lists(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(changes: list[EntityChange], random: Random) -> None:
    shuffled = random.sample(changes, len(changes))
    assert merge_changes(shuffled) == merge_changes(changes)


@given(change_lists())
def test_intervals_of_one_entity_follow_each_other(changes: list[EntityChange]) -> None:
    merged = merge_changes(changes)
    named: list[tuple[str, Company | User | Subscription]] = [
        *(("c" + row.company_id, row) for row in merged.companies),
        *(("u" + row.user_id, row) for row in merged.users),
        *(("s" + row.subscription_id, row) for row in merged.subscriptions),
    ]
    for name in {name for name, _ in named}:
        rows = [row for other, row in named if other == name]
        assert [row.valid_to for row in rows] == [*(row.valid_from for row in rows[1:]), None]
        assert all(row.valid_from is None or row.valid_to is None or row.valid_from < row.valid_to for row in rows)
        assert (rows[0].valid_from is None) == (not isinstance(rows[0], Subscription))


@given(change_lists(), DAYS)
def test_a_users_company_is_the_last_one_said_or_else_the_first(changes: list[EntityChange], day: int) -> None:
    merged = merge_changes(changes)
    for name in "ab":
        said = [one for one in changes if one.kind is USER and one.entity_id == name and "company_id" in one.fields]
        said.sort(key=change_order)
        before = [one for one in said if valid_at(one) <= at(day)]
        chosen = before[-1:] or said[:1]
        if not before and said:
            chosen = [one for one in said if valid_at(one) == valid_at(said[0])][-1:]
        expected = [one.fields["company_id"] for one in chosen]
        held = [
            row.company_id
            for row in merged.users
            if row.user_id == name
            and (row.valid_from is None or row.valid_from <= at(day))
            and (row.valid_to is None or at(day) < row.valid_to)
            and row.company_id is not None
        ]
        assert held == expected
