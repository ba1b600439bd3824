"""Which billing months look otherwise when a subscription does: by what the month's figures are made from."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monetization_pipeline.catalog.models import BillTiming, Catalog, FlatPrice, PerUnitPrice, Plan
from monetization_pipeline.customers.models import Subscription, User
from monetization_pipeline.customers.month_terms import MonthTerms
from monetization_pipeline.customers.terms import Term, user_terms, whole_fingerprint
from monetization_pipeline.periods import months_between

MONTHS = months_between("2022-11", "2023-03")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fee(bill: BillTiming) -> FlatPrice:
    return FlatPrice(price_id="fee", model="flat", amount=1, bill=bill)


CALLS = PerUnitPrice(price_id="calls", model="per_unit", meter="calls", unit_amount=1)
CATALOG = Catalog(
    plans=tuple(
        Plan(plan_id=name, currency="USD", interval="month", prices=(price,))
        for name, price in (
            ("usage", CALLS),
            ("late", fee(BillTiming.IN_ARREARS)),
            ("early", fee(BillTiming.IN_ADVANCE)),
        )
    )
)
#: There all the time: a neighbour in the same zone, and somebody in Berlin, each with usage and a fee in advance.
OTHERS = [
    Subscription(f"{plan} of {company}", company, plan, at("2020-01-01"), None, "active", "{}", None, None)
    for company in ("neighbour", "berlin")
    for plan in ("usage", "early")
]


def subscription(plan: str = "usage", start: str | None = "2022-12-01", end: str | None = None) -> Subscription:
    return Subscription("s", "acme", plan, start and at(start), end and at(end), "active", "{}", None, None)


def looks(subscriptions: list[Subscription], what: str, zone: str = "UTC") -> list[str]:
    """The months' fingerprints."""
    zones = {"acme": zone, "neighbour": zone, "berlin": "Europe/Berlin"}
    terms = MonthTerms([*OTHERS, *subscriptions], CATALOG, zones.__getitem__)
    asked: Callable[[str], str] = getattr(terms, what)
    return [asked(month) for month in MONTHS]


def changed(what: str, before: list[Subscription], after: list[Subscription], zone: str = "UTC") -> list[str]:
    pairs = zip(MONTHS, looks(before, what, zone), looks(after, what, zone), strict=True)
    return [month for month, one, other in pairs if one != other]


FROM_DECEMBER, FROM_JANUARY = MONTHS[1:], MONTHS[2:]
NEW = [
    ("usage counts from its start", "metered", subscription(), FROM_DECEMBER),
    ("a plan without a meter meters nothing", "metered", subscription("late"), []),
    ("a plan that there is not meters nothing", "metered", subscription("gone"), []),
    ("every plan charges", "charged", subscription("late"), FROM_DECEMBER),
    ("a plan that there is not charges nothing", "charged", subscription("gone"), []),
    ("a start within a month charges that month", "charged", subscription(start="2022-12-31T23:00"), FROM_DECEMBER),
    ("an end ends it", "charged", subscription(end="2023-02-01"), MONTHS[1:3]),
    ("without a start it is ever since", "charged", subscription(start=None), MONTHS),
    ("a fee in advance is due as the month begins", "in_advance", subscription("early"), FROM_DECEMBER),
    (
        "in advance, a start within a month waits for the next",
        "in_advance",
        subscription("early", "2022-12-01T00:00:00.000001"),
        FROM_JANUARY,
    ),
    ("in advance, without a start", "in_advance", subscription("early", None), MONTHS),
    ("a fee in arrears is not due in advance", "in_advance", subscription("late"), []),
    ("what is history says nothing", "charged", replace(subscription(), valid_to=at("2022-12-01")), []),
]


@pytest.mark.parametrize(("what", "new", "months"), [case[1:] for case in NEW], ids=[case[0] for case in NEW])
def test_a_new_subscription_is_seen_in(what: str, new: Subscription, months: list[str]) -> None:
    assert changed(what, [], [new]) == months


def test_months_are_those_of_the_companys_zone() -> None:
    # Tokyo's January begins at 15:00 of 31 December.
    new = subscription(start="2022-12-31T15:00")
    assert changed("charged", [], [new], "Asia/Tokyo") == FROM_JANUARY
    assert changed("charged", [], [new]) == FROM_DECEMBER
    assert looks([new], "charged", "Asia/Tokyo")[2:] != looks([new], "charged")[2:]


def test_each_of_id_company_plan_and_start_is_seen() -> None:
    base = subscription()
    for other in (
        replace(base, subscription_id="t"),
        replace(base, company_id="berlin"),
        replace(base, plan_id="late"),
        replace(base, start_at=at("2022-11-30")),
    ):
        assert changed("charged", [base], [other])[-1] == "2023-03"


def test_without_subscriptions_every_month_looks_the_same() -> None:
    assert MonthTerms([], CATALOG, str).charged("2023-01") == MonthTerms([], CATALOG, str).charged("2024-01") == ""


def test_a_user_says_its_company_while_it_has_one() -> None:
    first, second = at("2023-01-01"), at("2023-02-01")
    users = [User("u", "acme", None, first), User("u", None, first, second), User("u", "zzz", second, None)]
    assert user_terms(users) == [Term(("u", "acme"), None, first), Term(("u", "zzz"), second, None)]


def test_rows_that_hold_for_ever_have_no_order_and_count() -> None:
    one, other = ("a", "b"), ("c",)
    assert whole_fingerprint([one, other]) == whole_fingerprint([other, one])
    assert len({whole_fingerprint(rows) for rows in ([], [one], [one, one], [one, other], [("ab",)])}) == 5


def test_an_id_that_is_no_text_of_unicode_has_a_fingerprint() -> None:
    assert whole_fingerprint([("half \ud800",)]) != whole_fingerprint([("half \ud801",)])
