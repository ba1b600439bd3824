"""Billing periods for which customers say something else than they did: what an edit in place changes (rule 20)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from monetization_pipeline.customers.models import User
from monetization_pipeline.customers.terms import term_fingerprints, user_terms
from monetization_pipeline.periods import Period, add_months
from monetization_pipeline.steps.known import Known


@dataclass(frozen=True, slots=True)
class Charged:
    """Fingerprints of who is charged in some billing periods, and whom the users belong to that were known then."""

    users: Sequence[User]
    subscriptions: Mapping[str, tuple[str, str]]


def charged_in(known: Known, months: Sequence[str]) -> Charged:
    """What customers as they are now say of some billing periods."""
    terms = replace(known.months, starts=False)
    said = {month: (terms.charged(month), terms.in_advance(add_months(month, 1))) for month in months}
    return Charged(known.customers.users if months else (), said)


def changed_periods(before: Charged, after: Known) -> list[str]:
    """The billing periods in which other subscriptions, or the same ones otherwise, are charged than before.

    Also those in which a user that was known already belongs to another company. A new one changes a period only if
    it brought events, which shows once their days are made.
    """
    months = sorted(before.subscriptions)
    now = charged_in(after, months)
    both = {user.user_id for user in before.users} & {user.user_id for user in now.users}
    old, new = (_belonging(after, each.users, both, months) for each in (before, now))
    return [
        month for month in months if (before.subscriptions[month], old[month]) != (now.subscriptions[month], new[month])
    ]


def _belonging(known: Known, users: Sequence[User], ids: Collection[str], months: Sequence[str]) -> Mapping[str, str]:
    """Fingerprints of whom some users belong to, by billing period."""
    terms = user_terms(user for user in users if user.user_id in ids)
    found: dict[str, str] = {}
    # Months of several zones reach into their neighbours; windows may not.
    for apart in (months[0::2], months[1::2]):
        windows = [_span(known, month) for month in apart]
        found |= dict(zip(apart, term_fingerprints(terms, windows), strict=True))
    return found


def _span(known: Known, month: str) -> Period:
    days = known.customers.event_days(month)
    first, last = (datetime.combine(day, time.min, UTC) for day in (days[0], days[-1]))
    return Period(first, last + timedelta(days=1))
