"""Ids by the hundred: a database takes a limited number of values in one statement."""

from collections.abc import Iterable, Iterator

_CHUNK = 500


def chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    """Distinct ids, sorted, in lists that one statement takes."""
    every = sorted(set(ids))
    for start in range(0, len(every), _CHUNK):
        yield every[start : start + _CHUNK]
