"""When a subscription is active: the one answer for usage and fees alike."""

from dataclasses import dataclass
from datetime import datetime

from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.customers.moesif import NEVER_BILLED
from monetization_pipeline.customers.values import EPOCH


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open `[start, end)`; an `end` of None never comes."""

    start: datetime
    end: datetime | None


def active_span(subscription: Subscription) -> Span | None:
    """The span in which a subscription can be charged, None where there is none. Ask it of current rows only.

    Without a start it is active since ever (EPOCH, 1970-01-01), but for the status `future`, which then has not
    begun. A status of draft, pending or paused bills nothing, and neither does an end at or before the start.
    Other statuses do not matter: start and end decide.
    """
    if subscription.status in NEVER_BILLED:
        return None
    if subscription.start_at is None and subscription.status == "future":
        return None
    start = EPOCH if subscription.start_at is None else subscription.start_at
    if subscription.end_at is not None and subscription.end_at <= start:
        return None
    return Span(start, subscription.end_at)
