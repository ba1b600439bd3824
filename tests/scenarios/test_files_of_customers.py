"""Files of `customers/` that are written anew: what a newer version says, takes back and leaves (rule 20)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from customer_versions import (
    ACME,
    CALLS,
    ENDING,
    U1,
    Files,
    dated,
    opened_shop,
    request,
    since,
    subs,
    totals,
    users,
    versions,
    write,
)
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.datasets import REFUSALS, SUBSCRIPTIONS, USERS


@pytest.fixture
def opened(shop: Workshop) -> Workshop:
    return opened_shop(shop)


HEADER = "subscription_id,company_id,plan_id,start_at,end_at\n"

SUBSCRIPTION_VERSIONS: dict[str, tuple[list[Files], int]] = {
    "an end": ([subs(ENDING)], 15),
    "an end that a newer version does not say is taken back": ([subs(ENDING), subs(ACME)], 31),
    "an end that a newer version says to be null is taken back": ([subs(ENDING), subs(ACME | {"end_at": None})], 31),
    "an end that is empty in a newer CSV is taken back": (
        [
            {"subscriptions.csv": HEADER + "s,acme,p,2023-07-01,2023-07-16\n"},
            {"subscriptions.csv": HEADER + "s,acme,p,2023-07-01,\n"},
        ],
        31,
    ),
    "an end that is said again after it was taken back": ([subs(ENDING), subs(ACME), subs(ENDING)], 15),
    "a start that is taken back": (
        [subs(ACME | {"start_at": "2023-07-16"}), subs({k: v for k, v in ACME.items() if k != "start_at"})],
        31,
    ),
    "a plan that is written over holds for all time": ([subs(ACME), subs(ACME | {"plan_id": "big"})], 310),
    "a status that is taken back": ([subs(ACME | {"status": "paused"}), subs(ACME)], 31),
    "a record that a newer version leaves out stays": ([subs(ENDING), subs()], 15),
    "a record that comes back as it was": ([subs(ENDING), subs(), subs(ENDING)], 15),
    "a record that comes back without its end": ([subs(ENDING), subs(), subs(ACME)], 31),
    "a file that is emptied": ([subs(ENDING), {"customers.yaml": ""}], 15),
    "what another file says is not taken back": (
        [
            {"a.yaml": {"subscriptions": [ACME]}, "b.yaml": {"subscriptions": [ENDING]}},
            {"a.yaml": {"subscriptions": [ACME | {"metadata": {"seats": "2"}}]}},
        ],
        15,
    ),
    "of two files the one that was written later wins": (
        [{"b.yaml": {"subscriptions": [ENDING]}}, {"a.yaml": {"subscriptions": [ACME | {"end_at": "2023-07-11"}]}}],
        10,
    ),
    "a file that is written anew for another record does not win again": (
        [
            {"b.yaml": {"subscriptions": [ENDING]}},
            {"a.yaml": {"subscriptions": [ACME | {"end_at": "2023-07-11"}]}},
            {"b.yaml": {"subscriptions": [ENDING], "companies": [{"company_id": "other"}]}},
        ],
        10,
    ),
    "an end by valid_from": ([subs(ACME, dated(16, end_at="2023-07-16"))], 15),
    "an end that is null by valid_from": ([subs(ENDING, dated(10, end_at=None))], 31),
    "an end by valid_from that a newer version leaves out is taken back": (
        [subs(ACME, dated(16, end_at="2023-07-16")), subs(ACME)],
        31,
    ),
    "an end by valid_from that a newer version moves": (
        [subs(ACME, dated(10, end_at="2023-07-16")), subs(ACME, dated(10, end_at="2023-07-11"))],
        10,
    ),
    "an end by valid_from that a newer version with that alone no longer says": (
        [subs(ACME), subs(dated(10, end_at="2023-07-16")), subs(dated(10))],
        31,
    ),
    "cancelled by valid_from ends then": ([subs(ACME, dated(16, status="cancelled"))], 15),
    "cancelled ends when a version first said so": (
        [
            subs(ACME),
            subs(ACME | {"status": "cancelled"}),
            subs(ACME | {"status": "cancelled", "metadata": {"a": "b"}}),
        ],
        16,
    ),
    "an end at the start is allowed and bills nothing": ([subs(ACME | {"end_at": "2023-07-01"})], 0),
    "blanks after values of a CSV": (
        [{"subscriptions.csv": HEADER + "s ,acme\t, p , 2023-07-01 ,2023-07-16  \n"}],
        15,
    ),
}


@pytest.mark.parametrize("name", SUBSCRIPTION_VERSIONS)
def test_what_versions_of_a_file_amount_to(opened: Workshop, name: str) -> None:
    written, total = SUBSCRIPTION_VERSIONS[name]
    # The second version is received at noon of the 16th: a day belongs to what is active at its end.
    versions(opened, written, datetime.fromisoformat("2023-07-17T11:00:00Z"))
    assert totals(opened) == ({"acme": total} if total else {})
    assert opened.rows(REFUSALS) == []


USER_VERSIONS: dict[str, tuple[list[Files], dict[str, int]]] = {
    "a user who is written over belongs to the new company since ever": (
        [users(U1), users(U1 | {"company_id": "globex"})],
        {"globex": 3},
    ),
    "a user who moves": ([users(U1), users(U1, since(22))], {"acme": 1, "globex": 2}),
    "a user who moves, in a record that stands for the first": (
        [users(U1), users(since(22))],
        {"acme": 1, "globex": 2},
    ),
    "the day of a move is written over": ([users(U1, since(22)), users(U1, since(25))], {"acme": 2, "globex": 1}),
    "a move is taken back": ([users(U1, since(22)), users(U1)], {"acme": 3}),
    "a user of nobody from a day on": ([users(U1), users(U1, since(22, None))], {"acme": 1}),
    "a user who is left out stays where he was": ([users(U1), users()], {"acme": 3}),
    "a user written twice in one file is left where he was": (
        [users(U1), users(U1, U1 | {"company_id": "globex"})],
        {"acme": 3},
    ),
}


@pytest.mark.parametrize("name", USER_VERSIONS)
def test_whose_calls_a_users_are(opened: Workshop, name: str) -> None:
    written, expected = USER_VERSIONS[name]
    opened.place("logs", lines(CALLS))
    versions(opened, written)
    assert totals(opened) == expected


UNSUPPORTED = (
    "within a subscription is not supported yet; let it end then (end_at), and begin another one with an id of its own "
    "(start_at)"
)
NO_TRIAL = "a trial is not supported yet; let start_at be the instant at which it is over"
TWICE = (
    "subscription_id 's' stands 2 times without valid_from, on lines 2 and 4, and none of them is taken; keep one, or "
    "say by valid_from from when on each holds"
)

REFUSED: dict[str, tuple[Files, list[tuple[int, str]]]] = {
    "an id twice": (
        {"subscriptions.csv": HEADER + "s,acme,p,2023-07-01,\nother,acme,p,2023-07-01,\ns,globex,p,2023-07-01,\n"},
        [(2, TWICE), (4, TWICE)],
    ),
    "an end before the start": (
        subs(ACME | {"end_at": "2023-06-30"}),
        [(2, "end_at 2023-06-30T00:00:00Z lies before start_at 2023-07-01T00:00:00Z")],
    ),
    "an end before the start, by valid_from": (
        subs(ACME, dated(10, end_at="2023-06-30")),
        [(6, "end_at 2023-06-30T00:00:00Z lies before start_at 2023-07-01T00:00:00Z")],
    ),
    "an end before the start in a provider's words": (
        subs(
            {
                "subscription_id": "s",
                "company_id": "acme",
                "current_period_start": "2023-07-02",
                "cancel_time": "2023-07-01",
            }
        ),
        [(2, "cancel_time 2023-07-01T00:00:00Z lies before current_period_start 2023-07-02T00:00:00Z")],
    ),
    "a trial by its status": (subs(ACME | {"status": "trialing"}), [(2, f"status 'trialing': {NO_TRIAL}")]),
    "a trial by its end": (subs(ACME | {"trial_end": "2023-07-10"}), [(2, f"trial_end: {NO_TRIAL}")]),
    "another plan by valid_from": (
        subs(ACME, dated(16, plan_id="big")),
        [(6, f"plan_id 'big' by valid_from: a change of plan {UNSUPPORTED}")],
    ),
    "another company by valid_from": (
        subs(ACME, dated(16) | {"company_id": "globex"}),
        [(6, f"company_id 'globex' by valid_from: a change of company {UNSUPPORTED}")],
    ),
    "a pause by valid_from": (
        subs(ACME, dated(16, status="paused")),
        [(6, f"status 'paused' by valid_from: a change of status {UNSUPPORTED}")],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named_and_what_held_before_holds(opened: Workshop, name: str) -> None:
    files, expected = REFUSED[name]
    opened.customers({})
    versions(opened, [files])
    found = [(row["line"], row["reason"]) for row in opened.rows(REFUSALS)]
    assert sorted(found) == sorted(expected)


def test_a_subscription_that_is_written_twice_moves_nowhere(opened: Workshop) -> None:
    versions(opened, [subs(ENDING), subs(ENDING, ENDING | {"company_id": "globex"})])
    assert totals(opened) == {"acme": 15}


PLANS_OF_ONE_ID: dict[str, list[Files]] = {
    "in a newer version that has the new record alone": [subs(ACME), subs(dated(16, plan_id="big"))],
    "in another file": [subs(ACME), {"more.yaml": {"subscriptions": [dated(16, plan_id="big")]}}],
    "in another file that came first": [
        {"more.yaml": {"subscriptions": [dated(16, plan_id="big")]}},
        subs(ACME),
    ],
}


@pytest.mark.parametrize("name", PLANS_OF_ONE_ID)
def test_another_plan_by_valid_from_is_left_out_wherever_it_is_written(opened: Workshop, name: str) -> None:
    versions(opened, PLANS_OF_ONE_ID[name])
    assert totals(opened) == {"acme": 31}


def test_what_came_from_elsewhere_is_not_taken_back_by_a_file(opened: Workshop) -> None:
    versions(opened, [subs(ACME)])
    end = {"subscription_id": "s", "company_id": "acme", "cancel_time": "2023-07-11T00:00:00Z"}
    opened.place("moesif", request("subscriptions", end), RECEIVED + timedelta(hours=1))
    assert totals(opened) == {"acme": 10}
    write(opened, subs(ACME | {"metadata": {"seats": "2"}}), RECEIVED + timedelta(hours=2))
    assert totals(opened) == {"acme": 10}


def test_a_null_from_elsewhere_takes_nothing_back(opened: Workshop) -> None:
    versions(opened, [subs(ENDING)])
    end = {"subscription_id": "s", "company_id": "acme", "end_at": None}
    opened.place("moesif", request("subscriptions", end), RECEIVED + timedelta(hours=1))
    assert totals(opened) == {"acme": 15}


TRIALS: dict[str, tuple[list[dict[str, object]], int]] = {
    "while it is in a trial it is charged nothing": ([{"status": "trialing"}], 0),
    "once it is active it is charged from then on": (
        [{"status": "trialing"}, {"status": "active", "modified_time": "2023-07-22T00:00:00Z"}],
        10,
    ),
    "what says nothing of the status does not end the trial": (
        [{"status": "trialing"}, {"metadata": {"a": "b"}, "modified_time": "2023-07-22T00:00:00Z"}],
        0,
    ),
    "a start after the trial counts": (
        [
            {"status": "trialing"},
            {"status": "active", "start_date": "2023-07-27", "modified_time": "2023-07-22T00:00:00Z"},
        ],
        5,
    ),
    "cancelled in the trial it is charged nothing": (
        [{"status": "trialing"}, {"status": "cancelled", "modified_time": "2023-07-22T00:00:00Z"}],
        0,
    ),
    "without a trial it is charged since its start": ([{"status": "active"}], 31),
}


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_of_a_provider(opened: Workshop, name: str) -> None:
    said, total = TRIALS[name]
    base = {"subscription_id": "s", "company_id": "acme", "plan_id": "p", "start_date": "2023-07-01"}
    first = {"modified_time": "2023-07-01T00:00:00Z"}
    for hours, fields in enumerate(said):
        opened.place("moesif", request("subscriptions", base | first | fields), RECEIVED + timedelta(hours=hours))
    assert totals(opened) == ({"acme": total} if total else {})
    (current,) = [row for row in opened.rows(SUBSCRIPTIONS) if row["valid_to"] is None]
    assert (current["status"] == "in trial") == (said[-1].get("status") == "trialing" or "metadata" in said[-1])


def test_rows_of_customers_since_ever_have_no_beginning(opened: Workshop) -> None:
    versions(opened, [users(U1, since(22))])
    rows = [(row["company_id"], row["valid_from"] is None, row["valid_to"] is None) for row in opened.rows(USERS)]
    assert rows == [("acme", True, False), ("globex", False, True)]


def rows_of(shop: Workshop) -> list[dict[str, Any]]:
    shop.merge()
    return [*shop.rows(SUBSCRIPTIONS), *shop.rows(USERS)]


ORDERS: dict[str, Callable[[list[int]], list[int]]] = {"straight": list, "backwards": lambda found: found[::-1]}


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_in_which_versions_are_ingested_does_not_matter(opened: Workshop, order: str) -> None:
    days = [subs(ENDING), {"a.yaml": {"subscriptions": [ACME]}}, subs(ACME, dated(10, end_at="2023-07-21"))]
    for number, files in enumerate(days):
        write(opened, files, RECEIVED + timedelta(days=number))
    for number in ORDERS[order]([0, 1, 2]):
        opened.ingest_day((RECEIVED + timedelta(days=number)).date())
    assert [row["end_at"] and row["end_at"].day for row in rows_of(opened) if row["valid_to"] is None] == [21]


def test_an_event_of_a_company_that_a_blank_followed_in_a_csv_is_charged(opened: Workshop) -> None:
    opened.place("logs", lines([event(1)]))
    versions(opened, [{"subscriptions.csv": "subscription_id,company_id,plan_id\ns,acme ,free\n"}])
    assert totals(opened) == {"acme": 1}
