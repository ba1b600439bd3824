"""In which order changes of one entity are merged, and what one of them makes of a state (rule 20)."""

from collections.abc import Mapping
from datetime import UTC, datetime

from monetization_pipeline.customers.models import EntityChange
from monetization_pipeline.customers.values import is_object

#: Before every instant that a record may name.
SINCE_EVER = datetime.min.replace(tzinfo=UTC)

#: Batches and places count from 1.
_LANDED_BEFORE = (0, 0)


def valid_at(change: EntityChange) -> datetime:
    """The instant from which a change holds; SINCE_EVER for a record of `customers/` without one."""
    if change.holds_since_ever:
        return SINCE_EVER
    return change.received_at if change.valid_from is None else change.valid_from


def change_order(change: EntityChange) -> tuple[datetime, datetime, tuple[int, int], int, int, str, str]:
    """Sort key in which later changes win: rule 20, made total by source and file."""
    landed = change.landed or _LANDED_BEFORE
    return valid_at(change), change.received_at, landed, change.line, change.record, change.source, change.file


def applied(state: Mapping[str, object], change: EntityChange) -> dict[str, object]:
    """The state after a change. A record of `customers/` takes back what it names as null, others erase nothing."""
    return merge_objects(state, change.fields, erasing=change.is_of_a_version)


def merge_objects(old: Mapping[str, object], new: Mapping[str, object], *, erasing: bool = False) -> dict[str, object]:
    """`new` merged into `old`, recursively; a null erases nothing, or what it names. Neither is changed."""
    merged = dict(old)
    for name, value in new.items():
        before = merged.get(name)
        if value is None and erasing:
            merged.pop(name, None)
        elif value is None:
            merged.setdefault(name, None)
        elif is_object(value):
            merged[name] = merge_objects(before if is_object(before) else {}, value, erasing=erasing)
        else:
            merged[name] = value
    return merged
