"""Changes of companies, users and subscriptions, merged into history intervals (rule 20).

A change holds from its own `valid_from`, else from when it was received; a record of a file in `customers/` without
one holds since ever, as long as no newer version of the file says something else (`versions`). Changes of one entity
are merged in the order (that instant, received_at, batch in the order of landing, place of the file in it, line,
record), the later winning. A file that landed before batches were noted comes before those of its instant that have
one, and among its like by line, record, source and file. The order is total, so that of arrival never matters.

Objects are merged key by key, anything else replaces what was there (lists whole), null erases nothing, but what a
record of `customers/` names as null from its `valid_from` on. Of changes that hold from the same instant only the last
state is a row, and rows that say the same as the one before are not repeated. A record that changes by `valid_from`
what a subscription has for all time is left out (`unsupported`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from monetization_pipeline.customers.models import Company, EntityChange, EntityKind, Subscription, User
from monetization_pipeline.customers.moesif import CANCELLED, IN_TRIAL, TRIALING, terms_of
from monetization_pipeline.customers.ordering import SINCE_EVER, applied, change_order, valid_at
from monetization_pipeline.customers.unsupported import changes_for_all_time
from monetization_pipeline.customers.values import canonical_json, object_of, text_of
from monetization_pipeline.customers.versions import cancelled_at, in_force

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
    last became so. As null from a provider erases nothing, a cancellation is taken back there by a later `end_at`.
    `status`: IN_TRIAL where it is `trialing`; once it is not any more, the subscription starts no earlier than then.
    `plan_id`: the record's, else the one of its items; None or a plan that the catalog does not have prices nothing.
    """
    return [row for group in _by_entity(changes) for row in _history(group, _subscriptions)]


def set_aside(changes: Iterable[EntityChange]) -> list[tuple[EntityChange, str]]:
    """Records of `customers/` among `changes` that are left out, each with the reason; by id, then in order."""
    subscriptions = [change for change in changes if change.kind is EntityKind.SUBSCRIPTION]
    return [(change, reason) for group in _by_entity(subscriptions) for change, _, reason in _walked(group) if reason]


def _by_entity(changes: Iterable[EntityChange]) -> Iterator[list[EntityChange]]:
    """The changes of each entity that are in force, in the order that merges them; entities by id."""
    groups: defaultdict[str, list[EntityChange]] = defaultdict(list)
    for change in changes:
        groups[change.entity_id].append(change)
    for entity_id in sorted(groups):
        yield sorted(in_force(groups[entity_id]), key=change_order)


def _merged(changes: Iterable[EntityChange]) -> Iterator[tuple[EntityChange, Mapping[str, object]]]:
    """Each change that is not left out, with the state after it."""
    return ((change, state) for change, state, reason in _walked(changes) if reason is None)


def _walked(changes: Iterable[EntityChange]) -> Iterator[tuple[EntityChange, Mapping[str, object], str | None]]:
    state: Mapping[str, object] = {}
    for change in changes:
        after = applied(state, change)
        reason = changes_for_all_time(change, state, after)
        state = state if reason else after
        yield change, state, reason


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
            valid_from=_from(change),
            valid_to=None,
        )


def _users(changes: list[EntityChange]) -> Iterator[User]:
    for change, state in _merged(changes):
        yield User(change.entity_id, text_of(state, "company_id"), _from(change), None)


def _from(change: EntityChange) -> datetime | None:
    instant = valid_at(change)
    return None if instant == SINCE_EVER else instant


def _subscriptions(changes: list[EntityChange]) -> Iterator[Subscription]:
    ended_at: datetime | None = None
    first_period: datetime | None = None
    trial = _Trial()
    for change, state in _merged(changes):
        terms = terms_of(state)
        trial.take(change)
        if terms.status not in CANCELLED:
            ended_at = None
        elif ended_at is None:
            ended_at = cancelled_at(change)
        if terms.period_start is not None and (first_period is None or terms.period_start < first_period):
            first_period = terms.period_start
        yield Subscription(
            subscription_id=change.entity_id,
            company_id=text_of(state, "company_id") or "",
            plan_id=terms.plan_id,
            start_at=trial.begun(terms.start_at or first_period),
            end_at=terms.end_at or ended_at,
            status=IN_TRIAL if trial.goes_on else terms.status,
            metadata=canonical_json(object_of(state, "metadata")),
            valid_from=_from(change),
            valid_to=None,
        )


@dataclass(slots=True)
class _Trial:
    """Whether a subscription is in a trial, and when the last one ended.

    What landed before files had a place in the order keeps its meaning: `trialing` was billed like `active`.
    """

    goes_on: bool = False
    over_at: datetime | None = None

    def take(self, change: EntityChange) -> None:
        """A change of the subscription, one after the other."""
        status = text_of(change.fields, "status")
        if status is None:
            return
        before, self.goes_on = self.goes_on, status == TRIALING and change.landed is not None
        if before and not self.goes_on:
            self.over_at = valid_at(change)

    def begun(self, start_at: datetime | None) -> datetime | None:
        """When a subscription that says so of its start can be charged."""
        return max((each for each in (start_at, self.over_at) if each is not None), default=None)
