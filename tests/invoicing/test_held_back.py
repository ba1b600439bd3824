"""Which lines other booked ones charge for already (rule 21): asked is what, not under which name."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from monetization_pipeline.invoicing.held_back import BookedCharge, Charge, Group, claims, overlaps, without
from monetization_pipeline.periods import Period

JAN, FEB, MAR = (datetime(2025, month, 1, tzinfo=UTC) for month in (1, 2, 3))
TICK = timedelta(microseconds=1)
FEBRUARY = Period(FEB, MAR)


def charge(
    name: str = "new",
    price: str = "fee",
    *,
    meter: str | None = None,
    group: Group | None = None,
    time: Period = FEBRUARY,
    subscription: str = "s",
    line: str | None = None,
) -> Charge:
    return Charge(f"in_{name}", line or f"ln_{name}", subscription, price, meter, group, time)


def booked(old: Charge, amount: str = "100", plan: tuple[str, ...] = ("fee", "support")) -> BookedCharge:
    return BookedCharge(old, "2025-01", Decimal(amount), frozenset(plan))


def held(old: BookedCharge, new: Charge, computed: Period | None = None) -> list[Period]:
    """What of a new line is held back, where the old one is computed for a time still, or no longer at all."""
    still = {} if computed is None else {old.charge.key: computed}
    return [each.time for each in overlaps(claims([old], [new]), still)]


CALLS = {"meter": "calls", "group": {}}
SAME: list[tuple[str, BookedCharge, Charge, bool]] = [
    ("a fee under another price_id", booked(charge("old")), charge(price="fee_2"), True),
    ("another fee that the plan had then", booked(charge("old")), charge(price="support"), False),
    ("a fee of another subscription", booked(charge("old")), charge(price="fee_2", subscription="t"), False),
    ("a price that became one of usage", booked(charge("old")), charge(**CALLS), True),
    ("usage beside a fee", booked(charge("old")), charge(price="calls", **CALLS), False),
    ("the same price from another start", booked(charge("old")), charge(), True),
    ("the same line on another invoice", booked(charge("old")), charge(line="ln_old"), True),
    ("the same line where nothing was paid", booked(charge("old"), "0.00"), charge(line="ln_old"), False),
    ("another price where nothing was paid", booked(charge("old"), "0.00"), charge(price="fee_2"), False),
    ("the same price where nothing was paid", booked(charge("old"), "0.00"), charge(), False),
    ("what was given back, too", booked(charge("old"), "-1.00"), charge(), True),
    ("one meter under another price", booked(charge("old", "per_call", **CALLS)), charge(price="tiers", **CALLS), True),
    (
        "another meter",
        booked(charge("old", "per_call", **CALLS)),
        charge(price="per_token", meter="tokens", group={}),
        False,
    ),
]
GROUPS: list[tuple[str, Group | None, Group | None, bool]] = [
    ("one of all", {}, {"model": "a"}, True),
    ("all of one", {"model": "a"}, {}, True),
    ("the same", {"model": "a"}, {"model": "a"}, True),
    ("another", {"model": "a"}, {"model": "b"}, False),
    ("one without a value", {"model": "a"}, {"model": None}, False),
    ("by other dimensions", {"model": "a"}, {"zone": "b"}, True),
    ("by more dimensions", {"model": "a"}, {"model": "b", "zone": "b"}, False),
    ("one that nobody wrote down", None, {"model": "a"}, True),
]


@pytest.mark.parametrize(("old", "new", "is_held"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_what_is_the_same_thing(old: BookedCharge, new: Charge, is_held: bool) -> None:
    assert held(old, new) == ([FEBRUARY] if is_held else [])


@pytest.mark.parametrize(("old", "new", "is_held"), [case[1:] for case in GROUPS], ids=[case[0] for case in GROUPS])
@pytest.mark.parametrize("price", ["by_model", "other"])
def test_groups_that_share_events_are_the_same_thing(old: Group, new: Group, is_held: bool, price: str) -> None:
    before = booked(charge("old", "by_model", meter="calls", group=old))
    assert bool(held(before, charge(price=price, meter="calls", group=new))) is is_held


TIMES = [
    ("computed no longer", None, [FEBRUARY]),
    ("computed still", FEBRUARY, []),
    ("computed for longer", Period(JAN, MAR), []),
    ("ended early", Period(FEB, FEB + 9 * TICK), [Period(FEB + 9 * TICK, MAR)]),
    ("begun late", Period(MAR - TICK, MAR), [Period(FEB, MAR - TICK)]),
    ("both", Period(FEB + TICK, MAR - TICK), [Period(FEB, FEB + TICK), Period(MAR - TICK, MAR)]),
]


@pytest.mark.parametrize(("computed", "lost"), [case[1:] for case in TIMES], ids=[case[0] for case in TIMES])
def test_what_a_booked_line_lost_is_what_it_holds_back(computed: Period | None, lost: list[Period]) -> None:
    assert held(booked(charge("old")), charge(price="fee_2"), computed) == lost
    assert without(FEBRUARY, computed) == lost


OVERLAPS = [
    ("touching before", Period(JAN, FEB), []),
    ("touching after", Period(MAR, MAR + TICK), []),
    ("one instant of it", Period(JAN, FEB + TICK), [Period(FEB, FEB + TICK)]),
    ("its last instant", Period(MAR - TICK, MAR + TICK), [Period(MAR - TICK, MAR)]),
    ("all around it", Period(JAN, MAR + TICK), [FEBRUARY]),
]


@pytest.mark.parametrize(("time", "lost"), [case[1:] for case in OVERLAPS], ids=[case[0] for case in OVERLAPS])
def test_only_the_time_that_both_are_for_is_held_back(time: Period, lost: list[Period]) -> None:
    assert held(booked(charge("old")), charge(price="fee_2", time=time)) == lost


def test_lines_of_one_invoice_say_nothing_about_each_other() -> None:
    assert held(booked(charge("one", line="ln_a")), charge("one", "fee_2", line="ln_b")) == []


def test_a_line_computed_on_another_invoice_is_not_computed_still() -> None:
    old = booked(charge("old"))
    found = claims([old], [charge(line="ln_old")])
    assert [each.time for each in overlaps(found, {("in_new", "ln_old"): FEBRUARY})] == [FEBRUARY]
