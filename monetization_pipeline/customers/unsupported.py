"""What files in `customers/` ask for and nobody does yet: refused by name rather than billed wrongly."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from monetization_pipeline.customers.models import EntityChange, EntityKind
from monetization_pipeline.customers.moesif import CANCELLED, NEVER_BILLED, TRIALING, terms_of
from monetization_pipeline.customers.ordering import applied, change_order
from monetization_pipeline.customers.values import instant_of, is_blank, shown, text_of
from monetization_pipeline.ids import instant_text

_STARTS = ("start_at", "start_date", "current_period_start")
_ENDS = ("end_at", "cancel_time")


def changes_for_all_time(change: EntityChange, before: Mapping[str, object], after: Mapping[str, object]) -> str | None:
    """Why a record of `customers/` with `valid_from` cannot be taken; None where it can.

    `before` and `after` are the subscription's states. Its plan, company and status hold for all time: a record that
    changes one of them from an instant on would change it for the time before as well. To be cancelled is no such
    change, it ends at the instant.
    """
    if (
        change.kind is not EntityKind.SUBSCRIPTION
        or not change.is_of_a_version
        or change.valid_from is None
        or not before
    ):
        return None
    old, new = terms_of(before), terms_of(after)
    if old.plan_id not in (None, new.plan_id):
        return _not_from_then_on("plan", f"plan_id {shown(new.plan_id or '')}")
    company = text_of(before, "company_id")
    if company not in (None, text_of(after, "company_id")):
        return _not_from_then_on("company", f"company_id {shown(text_of(after, 'company_id') or '')}")
    if new.status not in CANCELLED and _billing(old.status) != _billing(new.status):
        return _not_from_then_on("status", f"status {shown(new.status)}")
    return None


def _not_from_then_on(what: str, said: str) -> str:
    return (
        f"{said} by valid_from: a change of {what} within a subscription is not supported yet; "
        "let it end then (end_at), and begin another one with an id of its own (start_at)"
    )


def _billing(status: str) -> str:
    return "never" if status in NEVER_BILLED else "ended" if status in CANCELLED else "bills"


def refused_of_file(changes: Iterable[EntityChange]) -> Mapping[tuple[int, int], str]:
    """Records of one version of a file in `customers/` that cannot be taken: the reason, by (line, record)."""
    groups: defaultdict[tuple[EntityKind, str], list[EntityChange]] = defaultdict(list)
    for change in changes:
        groups[change.kind, change.entity_id].append(change)
    reasons: dict[tuple[int, int], str] = {}
    for group in groups.values():
        reasons |= _twice(group)
        state: Mapping[str, object] = {}
        for change in sorted(group, key=change_order):
            place = change.line, change.record
            if place in reasons:
                continue
            after = applied(state, change)
            reason = _unusable(change, after) or changes_for_all_time(change, state, after)
            if reason:
                reasons[place] = reason
            else:
                state = after
    return reasons


def _twice(group: Sequence[EntityChange]) -> Mapping[tuple[int, int], str]:
    """All of the records of one id that hold since ever, where there are several: none is more right than the other."""
    found = [change for change in group if change.valid_from is None]
    if len(found) < 2:
        return {}
    lines = " and ".join(str(change.line) for change in found)
    reason = (
        f"{found[0].kind}_id {shown(found[0].entity_id)} stands {len(found)} times without valid_from, "
        f"on lines {lines}, and none of them is taken; keep one, or say by valid_from from when on each holds"
    )
    return {(change.line, change.record): reason for change in found}


def _unusable(change: EntityChange, after: Mapping[str, object]) -> str | None:
    if change.kind is not EntityKind.SUBSCRIPTION:
        return None
    trial = [name for name in ("trial_start", "trial_end") if not is_blank(change.fields.get(name))]
    if text_of(change.fields, "status") == TRIALING:
        trial.insert(0, "status 'trialing'")
    if trial:
        return f"{trial[0]}: a trial is not supported yet; let start_at be the instant at which it is over"
    start, end = _first(after, _STARTS), _first(after, _ENDS)
    if start is None or end is None:
        return None
    (start_name, start_at), (end_name, end_at) = start, end
    if end_at >= start_at:
        return None
    return f"{end_name} {instant_text(end_at)} lies before {start_name} {instant_text(start_at)}"


def _first(fields: Mapping[str, object], names: Sequence[str]) -> tuple[str, datetime] | None:
    for name in names:
        instant = instant_of(fields, name)
        if instant is not None:
            return name, instant
    return None
