"""Ids that may be one and the same, but for a slip of the pen."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise, takewhile

#: So many letters may be added, left out or written for others.
LETTERS = 2


def nearest(ids: Collection[str], others: Collection[str]) -> Mapping[str, str]:
    """For each of `ids` that lies within LETTERS of one of `others`, itself aside, one that it lies next to.

    >>> nearest(["acmee", "initech"], ["acme", "globex"])
    {'acmee': 'acme'}
    """
    skipped = _shared({*ids, *others})
    index = _index({each[skipped:] for each in others})
    found: dict[str, str] = {}
    for one in sorted(ids):
        own = one[skipped:]
        for other in _candidates(own, index):
            if other != own and is_near(own, other):
                found[one] = one[:skipped] + other
                break
    return found


def is_near(one: str, other: str) -> bool:
    """Whether one text comes of another by at most LETTERS added, left out or written for others.

    >>> is_near("acme", "amce"), is_near("acme", "acme-inc")
    (True, False)
    """
    if abs(len(one) - len(other)) > LETTERS:
        return False
    before = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        row = [number]
        for place, against in enumerate(other, 1):
            row.append(min(before[place] + 1, row[place - 1] + 1, before[place - 1] + (letter != against)))
        if min(row) > LETTERS:
            return False
        before = row
    return before[-1] <= LETTERS


#: Of a text that is cut in one part more than letters may differ, one part at least stands in each text next to it.
_Index = Mapping[tuple[int, int, str], list[str]]


def _index(texts: Collection[str]) -> _Index:
    index: defaultdict[tuple[int, int, str], list[str]] = defaultdict(list)
    for text in sorted(texts):
        for part, (start, end) in enumerate(_parts(len(text))):
            index[len(text), part, text[start:end]].append(text)
    return index


def _candidates(text: str, index: _Index) -> Iterator[str]:
    for length in range(max(0, len(text) - LETTERS), len(text) + LETTERS + 1):
        for part, (start, end) in enumerate(_parts(length)):
            for shift in range(-LETTERS, LETTERS + 1):
                if start + shift >= 0 and end + shift <= len(text):
                    yield from index.get((length, part, text[start + shift : end + shift]), ())


def _parts(length: int) -> list[tuple[int, int]]:
    bounds = [length * part // (LETTERS + 1) for part in range(LETTERS + 2)]
    return list(pairwise(bounds))


def _shared(texts: Collection[str]) -> int:
    """How many letters all of some texts begin with alike."""
    if len(texts) < 2:
        return 0
    pairs = zip(min(texts), max(texts), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
