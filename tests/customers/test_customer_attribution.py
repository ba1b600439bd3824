"""Who is charged for what when: rule 4 as rows, against a loop that asks each subscription at an instant."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monetization_pipeline.catalog.models import PricingEntry
from monetization_pipeline.customers.activity import ActiveTime, active_span
from monetization_pipeline.customers.attribution import (
    Charging,
    UserCompany,
    charging,
    user_companies,
)
from monetization_pipeline.customers.models import Subscription, User
from monetization_pipeline.customers.values import EPOCH
from monetization_pipeline.periods import Period

JANUARY = Period(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2024, 1, 1, hour, minute, tzinfo=UTC) + timedelta(days=day - 1)


def days(first: int, last: int) -> Period:
    return Period(at(first), at(last + 1))


def sub(
    name: str,
    plan: str | None = "p",
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    company: str = "c",
    status: str = "active",
    valid_to: datetime | None = None,
) -> Subscription:
    return Subscription(name, company, plan, start, end, status, "{}", at(1), valid_to)


def entry(plan: str, price: str, meter: str, *group_by: str) -> PricingEntry:
    return PricingEntry(plan, "month", price, meter, group_by)


ENTRIES = (
    entry("p", "p_calls", "calls"),
    entry("p", "p_bytes", "bytes"),
    entry("q", "q_calls", "calls"),
    entry("r", "p_calls", "calls"),
    entry("r", "r_calls", "calls", "model"),
    entry("r", "r_seats", "seats"),
)


def utc(_: str) -> str:
    return "UTC"


SPANS = {
    "bounds hold as they are": (sub("s", start=at(2), end=at(5)), ActiveTime(at(2), at(5))),
    "no start is since ever": (sub("s", end=at(5)), ActiveTime(EPOCH, at(5))),
    "no end is for ever": (sub("s", start=at(2)), ActiveTime(at(2), None)),
    "an end at the start leaves no time": (sub("s", start=at(2), end=at(2)), None),
    "an end before the start leaves no time": (sub("s", start=at(2), end=at(1)), None),
    "a draft bills nothing": (sub("s", start=at(2), status="draft"), None),
    "pending bills nothing": (sub("s", start=at(2), status="pending"), None),
    "paused bills nothing": (sub("s", start=at(2), status="paused"), None),
    "a trial is billed": (sub("s", start=at(2), status="trialing"), ActiveTime(at(2), None)),
    "a cancelled one is billed until its end": (
        sub("s", start=at(2), end=at(5), status="cancelled"),
        ActiveTime(at(2), at(5)),
    ),
    "a future one is billed from its start": (sub("s", start=at(2), status="future"), ActiveTime(at(2), None)),
    "a future one without a start has not begun": (sub("s", status="future"), None),
}


@pytest.mark.parametrize("name", SPANS)
def test_active_span(name: str) -> None:
    subscription, expected = SPANS[name]
    assert active_span(subscription) == expected


def test_a_row_says_all_there_is_to_know() -> None:
    both = frozenset({"calls", "bytes"})
    assert charging([sub("s", start=at(20), end=at(31, 5))], ENTRIES, days(21, 40), utc) == [
        Charging(
            company_id="c",
            zone="UTC",
            subscription_id="s",
            plan_id="p",
            segment_start=at(20),
            segment_end=at(31, 5),
            period_start=JANUARY.start,
            period_end=JANUARY.end,
            from_at=at(21),
            to_at=at(31, 5),
            priced=both,
            charged=both,
            company_charged=both,
            company_ambiguous=frozenset(),
            first=True,
        )
    ]


#: subscription, from, to, charged meters
_Row = tuple[str, datetime, datetime, str]

PIECES: dict[str, tuple[list[Subscription], Period, list[_Row]]] = {
    "days do not cut": ([sub("s", "q")], days(1, 2), [("s", at(1), at(3), "calls")]),
    "a month's end cuts": (
        [sub("s", "q")],
        days(31, 32),
        [("s", at(31), at(32), "calls"), ("s", at(32), at(33), "calls")],
    ),
    "a start cuts": ([sub("s", "q", at(1, 6))], days(1, 1), [("s", at(1, 6), at(2), "calls")]),
    "an end cuts, and its instant is outside": (
        [sub("s", "q", None, at(1, 6))],
        days(1, 1),
        [("s", at(1), at(1, 6), "calls")],
    ),
    "a subscription that ends where the window begins has no row": ([sub("s", "q", None, at(1))], days(1, 1), []),
    "a subscription that starts where the window ends has no row": ([sub("s", "q", at(2))], days(1, 1), []),
    "a start where a month begins makes no empty piece": (
        [sub("a", "p"), sub("b", "q", at(32))],
        days(31, 32),
        [("a", at(31), at(32), "bytes calls"), ("a", at(32), at(33), "bytes calls"), ("b", at(32), at(33), "calls")],
    ),
    "a change of plan hands over at its instant": (
        [sub("a", "q", None, at(1, 6)), sub("b", "p", at(1, 6))],
        days(1, 1),
        [("a", at(1), at(1, 6), "calls"), ("b", at(1, 6), at(2), "bytes calls")],
    ),
    "two plans with prices of their own charge the same call twice": (
        [sub("a", "p"), sub("b", "q")],
        days(1, 1),
        [("a", at(1), at(2), "bytes calls"), ("b", at(1), at(2), "calls")],
    ),
    "two subscriptions to one plan are ambiguous": (
        [sub("a", "p"), sub("b", "p")],
        days(1, 1),
        [("a", at(1), at(2), ""), ("b", at(1), at(2), "")],
    ),
    "plans that share one price are ambiguous for its meter alone": (
        [sub("a", "p"), sub("b", "r")],
        days(1, 1),
        [("a", at(1), at(2), "bytes"), ("b", at(1), at(2), "seats")],
    ),
    "a third subscription with another price is still charged": (
        [sub("a", "p"), sub("b", "r"), sub("d", "q")],
        days(1, 1),
        [("a", at(1), at(2), "bytes"), ("b", at(1), at(2), "seats"), ("d", at(1), at(2), "calls")],
    ),
    "ambiguity lasts while both are active": (
        [sub("a", "q"), sub("b", "q", at(1, 6), at(1, 9))],
        days(1, 1),
        [
            ("a", at(1), at(1, 6), "calls"),
            ("a", at(1, 6), at(1, 9), ""),
            ("b", at(1, 6), at(1, 9), ""),
            ("a", at(1, 9), at(2), "calls"),
        ],
    ),
    "another company's subscription to the same plan does not matter": (
        [sub("b", "q", company="d"), sub("a", "q")],
        days(1, 1),
        [("a", at(1), at(2), "calls"), ("b", at(1), at(2), "calls")],
    ),
    "another company's bounds do not cut": (
        [sub("b", "q", at(1, 6), company="d"), sub("a", "q")],
        days(1, 1),
        [("a", at(1), at(2), "calls"), ("b", at(1, 6), at(2), "calls")],
    ),
    "no plan has no rows": ([sub("a", None)], days(1, 1), []),
    "an unknown plan has no rows": ([sub("a", "unknown")], days(1, 1), []),
    "a paused subscription makes nothing ambiguous": (
        [sub("a", "q"), sub("b", "q", status="paused")],
        days(1, 1),
        [("a", at(1), at(2), "calls")],
    ),
    "rows of history do not count": (
        [sub("a", "p", valid_to=at(9)), sub("a", "q")],
        days(1, 1),
        [("a", at(1), at(2), "calls")],
    ),
    "a window of a few hours is cut out of its month": (
        [sub("a", "q")],
        Period(at(1, 5), at(1, 7)),
        [("a", at(1, 5), at(1, 7), "calls")],
    ),
}


@pytest.mark.parametrize("name", PIECES)
def test_pieces(name: str) -> None:
    subscriptions, window, expected = PIECES[name]
    rows = charging(subscriptions, ENTRIES, window, utc)
    found = [(row.subscription_id, row.from_at, row.to_at, " ".join(sorted(row.charged))) for row in rows]
    assert found == expected


def test_rows_of_a_company_share_what_is_known_of_it() -> None:
    rows = charging([sub("a", "p"), sub("b", "r")], ENTRIES, days(1, 1), utc)
    assert [row.first for row in rows] == [True, False]
    assert [row.priced for row in rows] == [frozenset({"calls", "bytes"}), frozenset({"calls", "seats"})]
    assert {row.company_charged for row in rows} == {frozenset({"bytes", "seats"})}
    assert {row.company_ambiguous for row in rows} == {frozenset({"calls"})}


def test_the_zone_of_each_company_decides_its_months() -> None:
    zones = {"c": "Europe/Berlin", "d": "America/St_Johns"}
    subscriptions = [sub("a", "q"), sub("b", "q", company="d")]
    rows = charging(subscriptions, ENTRIES, Period(at(31, 22), at(32, 12)), zones.__getitem__)
    assert [(row.company_id, row.zone, row.from_at, row.to_at, row.period_start) for row in rows] == [
        ("c", "Europe/Berlin", at(31, 22), at(31, 23), at(0, 23)),
        ("c", "Europe/Berlin", at(31, 23), at(32, 12), at(31, 23)),
        ("d", "America/St_Johns", at(31, 22), at(32, 3, 30), at(1, 3, 30)),
        ("d", "America/St_Johns", at(32, 3, 30), at(32, 12), at(32, 3, 30)),
    ]


ENDS = [
    ("an end within the period is the segment's", at(31, 5), at(31, 5)),
    ("an end with the period says nothing", at(32), None),
    ("an end after the period says nothing", at(40), None),
    ("no end is none", None, None),
]


@pytest.mark.parametrize(("end", "expected"), [case[1:] for case in ENDS], ids=[case[0] for case in ENDS])
def test_a_segment_ends_within_its_period_or_not_at_all(end: datetime | None, expected: datetime | None) -> None:
    (row, *_) = charging([sub("s", end=end)], ENTRIES, days(30, 31), utc)
    assert row.segment_end == expected


USERS = [
    User("u", "a", None, at(2)),
    User("u", "b", at(2), at(4)),
    User("u", "c", at(4), None),
    User("none", None, None, None),
    User("ever", "a", None, None),
]


def test_companies_of_users_are_those_of_the_window() -> None:
    assert user_companies(reversed(USERS), days(2, 3)) == [
        UserCompany("ever", "a", None, None),
        UserCompany("u", "b", at(2), at(4)),
    ]
    for users in (USERS, USERS[::-1]):
        assert user_companies(users, days(1, 5))[1:] == [
            UserCompany("u", "a", None, at(2)),
            UserCompany("u", "b", at(2), at(4)),
            UserCompany("u", "c", at(4), None),
        ]


# --- against a plain loop ---------------------------------------------------------------------------------------------

HOURS = st.integers(0, 24 * 6).map(lambda hour: datetime(2024, 1, 29, tzinfo=UTC) + timedelta(hours=hour))
WINDOW = Period(datetime(2024, 1, 30, tzinfo=UTC), datetime(2024, 2, 3, tzinfo=UTC))


@st.composite
def subscription_lists(draw: st.DrawFn) -> list[Subscription]:
    """Subscriptions of two companies around the window, their ids all different."""
    return [
        sub(
            f"s{number}",
            draw(st.sampled_from(["p", "q", "r", "unknown", None])),
            draw(st.none() | HOURS),
            draw(st.none() | HOURS),
            company=draw(st.sampled_from("cd")),
            status=draw(st.sampled_from(["active", "active", "active", "trialing", "future", "paused"])),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


def active_at(subscription: Subscription, instant: datetime) -> bool:
    if subscription.status == "paused" or (subscription.status == "future" and subscription.start_at is None):
        return False
    return (subscription.start_at is None or subscription.start_at <= instant) and (
        subscription.end_at is None or instant < subscription.end_at
    )


def charged_by_loop(subscriptions: list[Subscription], instant: datetime) -> set[tuple[str, str, str]]:
    """(company, subscription, meter) charged for an event at `instant` that names no subscription."""
    holds = [
        (one.company_id, one.subscription_id, entry.meter_id, entry.price_id)
        for one in subscriptions
        for entry in ENTRIES
        if entry.plan_id == one.plan_id and active_at(one, instant)
    ]
    same = Counter((company, meter, price) for company, _, meter, price in holds)
    doubtful = {(name, meter) for company, name, meter, price in holds if same[company, meter, price] > 1}
    return {(company, name, meter) for company, name, meter, _ in holds if (name, meter) not in doubtful}


@given(subscription_lists(), HOURS, st.randoms(use_true_random=False))
def test_rows_charge_what_a_plain_loop_charges(
    subscriptions: list[Subscription],
    instant: datetime,
    random: Random,
) -> None:
    rows = charging(random.sample(subscriptions, len(subscriptions)), ENTRIES, WINDOW, utc)
    now = [row for row in rows if row.from_at <= instant < row.to_at]
    expected = charged_by_loop(subscriptions, instant) if instant in WINDOW else set[tuple[str, str, str]]()
    assert {(row.company_id, row.subscription_id, meter) for row in now for meter in row.charged} == expected
    for row in now:
        assert row.company_charged == {meter for company, _, meter in expected if company == row.company_id}


@given(subscription_lists())
def test_rows_are_sorted_apart_and_within_one_month(subscriptions: list[Subscription]) -> None:
    rows = charging(subscriptions, ENTRIES, WINDOW, utc)
    keys = [(row.company_id, row.from_at, row.subscription_id) for row in rows]
    assert keys == sorted(set(keys))
    pieces = sorted({(row.company_id, row.from_at, row.to_at) for row in rows})
    for (company, _, end), (following, start, _) in pairwise(pieces):
        assert company != following or end <= start
    assert Counter((row.company_id, row.from_at) for row in rows if row.first) == Counter(
        {(company, start): 1 for company, start, _ in pieces}
    )
    for row in rows:
        assert row.period_start <= row.from_at < row.to_at <= row.period_end
        assert row.segment_start <= row.from_at
        assert row.segment_end is None or row.to_at <= row.segment_end
        assert row.charged <= row.priced
        assert row.priced - row.charged <= row.company_ambiguous
