"""Changes of companies, users and subscriptions, merged into history intervals (rule 20).

A change holds from its own `valid_from`, else from when it was received. Changes of one entity are merged in the order
(that instant, received_at, batch in the order of landing, place of the file in it, line, record), the later winning. A
file that landed before batches were noted comes before those of its instant that have one, and among its like by line,
record, source and file. The order is total, so that of arrival never matters.
Objects are merged key by key, anything else replaces what was there (lists whole), null erases nothing. What no later
change mentions stays: a record missing from a newer file is not deleted. Of changes that hold from the same instant
only the last state is a row, and rows that say the same as the one before are not repeated.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from monetization_pipeline.customers.models import Company, EntityChange, EntityKind, Subscription, User
from monetization_pipeline.customers.moesif import CANCELLED, terms_of
from monetization_pipeline.customers.values import canonical_json, is_object, object_of, text_of

#: Batches and places count from 1.
_LANDED_BEFORE = (0, 0)

RowT = TypeVar("RowT", Company, User, Subscription)


@dataclass(frozen=True, slots=True)
class Customers:
    """The history of all companies, users and subscriptions, each sorted by id and valid_from."""

    companies: list[Company]
    users: list[User]
    subscriptions: list[Subscription]


def merge_changes(changes: Iterable[EntityChange]) -> Customers:
    """The histories that `changes`, in any order, amount to."""
    chosen: dict[EntityKind, list[EntityChange]] = {kind: [] for kind in EntityKind}
    for change in changes:
        chosen[change.kind].append(change)
    return Customers(
        merge_companies(chosen[EntityKind.COMPANY]),
        merge_users(chosen[EntityKind.USER]),
        merge_subscriptions(chosen[EntityKind.SUBSCRIPTION]),
    )


def merge_companies(changes: Iterable[EntityChange]) -> list[Company]:
    """History of each company in `changes` (all of kind COMPANY); its first record also holds before it.

    What holds before is the state at the first instant, so that two records of one file agree.
    """
    return [row for group in _by_entity(changes) for row in _since_ever(_history(group, _companies))]


def merge_users(changes: Iterable[EntityChange]) -> list[User]:
    """History of each user in `changes` (all of kind USER); the first known company also holds before (rule 4)."""
    return [row for group in _by_entity(changes) for row in _since_ever(_known_company(_history(group, _users)))]


def merge_subscriptions(changes: Iterable[EntityChange]) -> list[Subscription]:
    """History of each subscription in `changes` (all of kind SUBSCRIPTION), for the record.

    The current row (`valid_to` None: the last in order, also where it holds from a later instant) alone says when
    the subscription is active, for all time: sending another `end_at` or status changes past periods too.
    `start_at`: the record's start_at, else start_date, else the earliest current_period_start ever sent, since that
    one moves on every period while the subscription began no later than the first of them.
    `end_at`: the record's end_at, else cancel_time, else, where the status is `cancelled`, the instant from which it
    last became so. As null erases nothing, a cancellation is taken back by a later `end_at`.
    `plan_id`: the record's, else the one of its items; None or a plan that the catalog does not have prices nothing.
    """
    return [row for group in _by_entity(changes) for row in _history(group, _subscriptions)]


def merge_objects(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    """`new` merged into `old`, recursively; a null erases nothing. Neither is changed."""
    merged = dict(old)
    for name, value in new.items():
        before = merged.get(name)
        if value is None:
            merged.setdefault(name, None)
        elif is_object(value):
            merged[name] = merge_objects(before if is_object(before) else {}, value)
        else:
            merged[name] = value
    return merged


def valid_at(change: EntityChange) -> datetime:
    """The instant from which a change holds (rule 20)."""
    return change.received_at if change.valid_from is None else change.valid_from


def change_order(change: EntityChange) -> tuple[datetime, datetime, tuple[int, int], int, int, str, str]:
    """Sort key in which later changes win: rule 20, made total by source and file."""
    landed = change.landed or _LANDED_BEFORE
    return valid_at(change), change.received_at, landed, change.line, change.record, change.source, change.file


def _by_entity(changes: Iterable[EntityChange]) -> Iterator[list[EntityChange]]:
    """The changes of each entity in the order that merges them; entities by id."""
    groups: defaultdict[str, list[EntityChange]] = defaultdict(list)
    for change in changes:
        groups[change.entity_id].append(change)
    for entity_id in sorted(groups):
        yield sorted(groups[entity_id], key=change_order)


def _merged(changes: Iterable[EntityChange]) -> Iterator[tuple[EntityChange, dict[str, object]]]:
    state: dict[str, object] = {}
    for change in changes:
        state = merge_objects(state, change.fields)
        yield change, state


def _history(changes: list[EntityChange], rows_of: Callable[[list[EntityChange]], Iterator[RowT]]) -> list[RowT]:
    """One row per state that differs from the one before, `valid_to` filled in. Rows come open-ended."""
    history: list[RowT] = []
    for row in rows_of(changes):
        if history and history[-1].valid_from == row.valid_from:
            history.pop()
        if history and _same(history[-1], row):
            continue
        history.append(row)
    return _closed(history)


def _same(one: RowT, other: RowT) -> bool:
    return replace(one, valid_from=None) == replace(other, valid_from=None)


def _closed(history: list[RowT]) -> list[RowT]:
    following = [row.valid_from for row in history[1:]]
    return [replace(row, valid_to=end) for row, end in zip(history, [*following, None], strict=True)]


def _since_ever(history: list[RowT]) -> list[RowT]:
    return [replace(history[0], valid_from=None), *history[1:]]


def _known_company(history: list[User]) -> list[User]:
    known = [row for row in history if row.company_id is not None]
    return known or history


def _companies(changes: list[EntityChange]) -> Iterator[Company]:
    for change, state in _merged(changes):
        yield Company(
            company_id=change.entity_id,
            name=text_of(state, "name"),
            time_zone=text_of(state, "time_zone"),
            provider_customer_id=text_of(state, "provider_customer_id"),
            email=text_of(state, "email"),
            metadata=canonical_json(object_of(state, "metadata")),
            valid_from=valid_at(change),
            valid_to=None,
        )


def _users(changes: list[EntityChange]) -> Iterator[User]:
    for change, state in _merged(changes):
        yield User(change.entity_id, text_of(state, "company_id"), valid_at(change), None)


def _subscriptions(changes: list[EntityChange]) -> Iterator[Subscription]:
    cancelled_at: datetime | None = None
    first_period: datetime | None = None
    for change, state in _merged(changes):
        terms = terms_of(state)
        if terms.status not in CANCELLED:
            cancelled_at = None
        elif cancelled_at is None:
            cancelled_at = valid_at(change)
        if terms.period_start is not None and (first_period is None or terms.period_start < first_period):
            first_period = terms.period_start
        yield Subscription(
            subscription_id=change.entity_id,
            company_id=text_of(state, "company_id") or "",
            plan_id=terms.plan_id,
            start_at=terms.start_at or first_period,
            end_at=terms.end_at or cancelled_at,
            status=terms.status,
            metadata=canonical_json(object_of(state, "metadata")),
            valid_from=valid_at(change),
            valid_to=None,
        )
