"""Versions of the files in `customers/`: what of them still holds of one entity (rule 20).

A record without `valid_from` holds since ever and replaces all that earlier versions of the same file said of its id,
so that what the newer one no longer says is cleared. A record with `valid_from` replaces what they said from that
instant. An id that a newer version does not name keeps what was said of it. A version that says of an id what holds
already says nothing new: what holds keeps its place in the order, behind what came from elsewhere since.

Versions received before this rule are changes like any other, until a newer one says something else.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from monetization_pipeline.customers.models import EntityChange
from monetization_pipeline.customers.moesif import CANCELLED
from monetization_pipeline.customers.ordering import applied, change_order
from monetization_pipeline.customers.values import canonical_json, text_of


def in_force(changes: Iterable[EntityChange]) -> list[EntityChange]:
    """Of the changes of one entity those that no newer version of their file has replaced, in no order."""
    by_file: defaultdict[str | None, list[EntityChange]] = defaultdict(list)
    for change in changes:
        by_file[change.written_in].append(change)
    elsewhere = by_file.pop(None, [])
    return [*elsewhere, *(change for said in by_file.values() for change in _of_file(said))]


def cancelled_at(change: EntityChange) -> datetime:
    """The instant at which a change that says `cancelled`, and not when, ends its subscription."""
    return change.cancelled_since or change.valid_from or change.received_at


def _of_file(changes: Sequence[EntityChange]) -> list[EntityChange]:
    kept: list[EntityChange] = []
    for version in _versions(changes):
        if not version[0].is_of_a_version:
            kept += version
        elif any(change.holds_since_ever for change in version):
            kept = kept if _says_the_same(kept, version) else _carried_on(kept, version)
        else:
            kept = _dated(kept, version)
    return kept


def _versions(changes: Iterable[EntityChange]) -> Iterator[list[EntityChange]]:
    def landed(change: EntityChange) -> tuple[datetime, tuple[int, int], str]:
        return change.received_at, change.landed or (0, 0), change.file

    for _, version in groupby(sorted(changes, key=landed), key=landed):
        yield list(version)


def _says_the_same(kept: Sequence[EntityChange], version: Sequence[EntityChange]) -> bool:
    if all(change.is_of_a_version for change in kept):
        return _said(kept) == _said(version)
    # Of versions that were merged, what came of them; from when on each part of it holds, nobody wrote.
    undated = all(change.valid_from is None for change in [*kept, *version])
    return undated and canonical_json(_merged(kept)) == canonical_json(version[0].fields)


def _said(changes: Iterable[EntityChange]) -> list[str]:
    return sorted(canonical_json(change.fields) for change in changes)


def _dated(kept: list[EntityChange], version: Iterable[EntityChange]) -> list[EntityChange]:
    by_instant: defaultdict[datetime | None, list[EntityChange]] = defaultdict(list)
    for change in version:
        by_instant[change.valid_from].append(change)
    for instant, records in by_instant.items():
        before = [change for change in kept if change.valid_from == instant]
        if _said(before) != _said(records):
            kept = [*(change for change in kept if change.valid_from != instant), *records]
    return kept


def _carried_on(kept: Sequence[EntityChange], version: Iterable[EntityChange]) -> list[EntityChange]:
    """The records of a version; one that is cancelled, as it was before, has been since then."""
    since: datetime | None = None
    state: Mapping[str, object] = {}
    for change in sorted(kept, key=change_order):
        state = applied(state, change)
        if text_of(state, "status") not in CANCELLED:
            since = None
        elif since is None:
            since = cancelled_at(change)
    return [replace(change, cancelled_since=since) if change.holds_since_ever else change for change in version]


def _merged(changes: Iterable[EntityChange]) -> Mapping[str, object]:
    state: Mapping[str, object] = {}
    for change in sorted(changes, key=change_order):
        state = applied(state, change)
    return state
