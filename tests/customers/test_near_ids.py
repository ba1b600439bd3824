"""Ids within two letters of another: found by an index, and the same as by looking at all pairs."""

from hypothesis import example, given
from hypothesis import strategies as st

from monetization_pipeline.customers.near import LETTERS, is_near, nearest


def distance(one: str, other: str) -> int:
    """How many letters are to be added, left out or written for others; the plain table of it."""
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for row in range(len(one) + 1):
        for column in range(len(other) + 1):
            if row == 0 or column == 0:
                table[row][column] = row + column
                continue
            table[row][column] = min(
                table[row - 1][column] + 1,
                table[row][column - 1] + 1,
                table[row - 1][column - 1] + (one[row - 1] != other[column - 1]),
            )
    return table[-1][-1]


IDS = st.text(alphabet="abé", max_size=9)


@given(st.sets(IDS, max_size=6), st.sets(IDS, max_size=6))
@example({"acme-inc"}, {"acme-inc", "acme-in", "acme"})
@example({""}, {"", "ab", "abé"})
def test_those_that_are_near_are_found_and_no_others(ids: set[str], others: set[str]) -> None:
    found = nearest(ids, others)
    assert set(found) == {one for one in ids if any(one != each and distance(one, each) <= LETTERS for each in others)}
    assert all(other in others and other != one and distance(one, other) <= LETTERS for one, other in found.items())


@given(IDS, IDS)
def test_near_is_within_two_letters(one: str, other: str) -> None:
    assert is_near(one, other) == (distance(one, other) <= LETTERS)


def test_many_ids_that_begin_alike_are_looked_at_quickly() -> None:
    ids = [f"company-{number * 7919 % 10**9:09}-{number * 104729 % 10**9:09}" for number in range(3_000)]
    assert len(nearest(ids[:300], ids)) < 300
