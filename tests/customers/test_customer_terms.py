"""A fingerprint of a window changes when, and only when, what holds within it does."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monetization_pipeline.customers.terms import Term, term_fingerprints
from monetization_pipeline.periods import Period

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = [Period(START + timedelta(days=day), START + timedelta(days=day + 1)) for day in range(5)]

_instants = st.none() | st.integers(-24, 24 * 6).map(lambda hour: START + timedelta(hours=hour))
_terms = st.lists(st.builds(Term, st.sampled_from([("a",), ("b",), ("a", "b")]), _instants, _instants), max_size=4)


def seen(terms: list[Term], window: Period) -> list[tuple[object, ...]]:
    """What an observer of one window alone sees: each term clipped to it."""
    clipped = []
    for term in terms:
        start, end = max(window.start, term.from_at or window.start), min(window.end, term.to_at or window.end)
        if start < end and (term.from_at is None or term.to_at is None or term.from_at < term.to_at):
            clipped.append((term.says, start, end))
    return sorted(clipped)


@given(_terms, _terms)
def test_two_histories_agree_on_a_day_just_where_they_look_the_same_on_it(one: list[Term], other: list[Term]) -> None:
    pairs = zip(term_fingerprints(one, DAYS), term_fingerprints(other, DAYS), DAYS, strict=True)
    for mine, theirs, day in pairs:
        assert (mine == theirs) == (seen(one, day) == seen(other, day))


@given(_terms)
def test_one_window_at_a_time_gives_the_same_as_all_at_once(terms: list[Term]) -> None:
    assert term_fingerprints(terms, DAYS) == [term_fingerprints(terms, [day])[0] for day in DAYS]


def test_a_term_that_is_ended_later_leaves_the_days_before_its_end_alone() -> None:
    open_ended = term_fingerprints([Term(("s",), START, None)], DAYS)
    ended = term_fingerprints([Term(("s",), START, START + timedelta(days=2, hours=1))], DAYS)
    assert [one == other for one, other in zip(open_ended, ended, strict=True)] == [True, True, False, False, False]


def hours(*bounds: int | None) -> tuple[datetime | None, ...]:
    return tuple(None if hour is None else START + timedelta(hours=hour) for hour in bounds)


#: Bounds of the terms `a` and `b`, in hours, before and after; and the days that are others then.
MOVED = [
    ("a start within a day", [(2, None), (3, None)], [(4, None), (3, None)], [0]),
    ("the other start within the same day", [(2, None), (3, None)], [(2, None), (4, None)], [0]),
    ("two starts that change places", [(2, None), (3, None)], [(3, None), (2, None)], [0]),
    ("an end within a day", [(None, 98), (None, 99)], [(None, 97), (None, 99)], [4]),
    ("the other end within the same day", [(None, 98), (None, 99)], [(None, 98), (None, 97)], [4]),
    ("a start that moves to another day", [(2, None)], [(26, None)], [0, 1]),
    ("a start before the days, however long", [(-48, None)], [(-24, None)], []),
    ("a start as the days begin is none within them", [(-24, None)], [(0, None)], []),
    ("an end as the days end is none within them", [(None, 120)], [(None, 144)], []),
    ("a start at a later day's begin", [(0, None)], [(24, None)], [0]),
    ("an end at a day's end", [(None, 48)], [(None, 24)], [1]),
    ("a few hours within one day", [(2, 4)], [(2, 5)], [0]),
]


@pytest.mark.parametrize(("before", "after", "days"), [case[1:] for case in MOVED], ids=[case[0] for case in MOVED])
def test_a_bound_that_moves_changes_the_days_that_it_touches(
    before: list[tuple[int | None, int | None]], after: list[tuple[int | None, int | None]], days: list[int]
) -> None:
    one, other = (
        term_fingerprints([Term((name,), *hours(*bounds)) for name, bounds in zip("ab", history, strict=False)], DAYS)
        for history in (before, after)
    )
    assert [day for day in range(5) if one[day] != other[day]] == days
