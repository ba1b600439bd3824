"""When a subscription is active: the one answer for usage and fees alike."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.customers.moesif import IN_TRIAL, NEVER_BILLED
from monetization_pipeline.customers.values import EPOCH


@dataclass(frozen=True, slots=True)
class ActiveTime:
    """Half-open `[start, end)`; an `end` of None never comes."""

    start: datetime
    end: datetime | None


def active_span(subscription: Subscription) -> ActiveTime | None:
    """The span in which a subscription can be charged, None where there is none. Ask it of current rows only.

    Without a start it is active since ever (EPOCH, 1970-01-01), but for the status `future`, which then has not
    begun. A status of draft, pending, paused or in trial bills nothing, and neither does an end at or before the start.
    Other statuses do not matter: start and end decide.
    """
    if subscription.status in NEVER_BILLED or subscription.status == IN_TRIAL:
        return None
    if subscription.start_at is None and subscription.status == "future":
        return None
    start = EPOCH if subscription.start_at is None else subscription.start_at
    if subscription.end_at is not None and subscription.end_at <= start:
        return None
    return ActiveTime(start, subscription.end_at)


def billable(subscriptions: Iterable[Subscription]) -> list[Subscription]:
    """Current subscriptions that can be charged, with the start and end that hold for charging."""
    found: list[Subscription] = []
    for subscription in subscriptions:
        span = active_span(subscription) if subscription.valid_to is None and subscription.plan_id else None
        if span is not None:
            start = None if span.start == EPOCH else span.start
            found.append(replace(subscription, start_at=start, end_at=span.end))
    return sorted(found, key=lambda subscription: subscription.subscription_id)
