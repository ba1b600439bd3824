"""Which fees and usage periods are due in a billing month (docs/rules.md, "Billing periods"; rules 12, 16, 18)."""

from datetime import datetime

from monetization_pipeline.catalog.models import BillTiming, FlatPrice, Plan
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.periods import MICROSECOND, Period, billing_month, month_of, month_period


def active_part(subscription: Subscription, period: Period) -> Period | None:
    """The part of `period` in which the subscription is active, or None. A start of None is since ever."""
    return period.overlap(subscription.start_at or period.start, subscription.end_at)


def bill_at(price: FlatPrice, subscription: Subscription, period: Period) -> datetime:
    """When a fee for the full period is due: at its end, or in advance at its start.

    The first fee in advance of a subscription that begins within the period is due when it begins.
    """
    if price.bill is BillTiming.IN_ARREARS:
        return period.end
    return max(period.start, subscription.start_at or period.start)


def fees_due(
    plan: Plan, subscription: Subscription, month_key: str, zone: str, first_month: str | None = None
) -> list[tuple[FlatPrice, Period]]:
    """The fees due in the billing month `month_key` (`YYYY-MM`), each with the full period that it is for.

    A fee lies in the local month that holds the instant just before its bill_at; one with its bill_at on the first
    instant of `first_month`, where the grid of billing months begins, lies in that month, as nothing comes before it.
    Ordered by period, then as the plan lists its prices.
    """
    month = month_period(month_key, zone)
    periods = (month_of(month.start - MICROSECOND, zone), month, month_of(month.end, zone))
    fees = [price for price in plan.prices if isinstance(price, FlatPrice)]
    return [
        (price, period)
        for period in periods
        if active_part(subscription, period) is not None
        for price in fees
        if _partition(bill_at(price, subscription, period), zone, first_month) == month_key
    ]


def first_due_month(start: datetime, zone: str, *, in_advance: bool) -> str:
    """The billing month in which the first thing is due of a subscription that begins at `start`.

    A fee in advance is due when it begins, which on the first of a month is the end of the month before; all else at
    the end of its first month.

    >>> from datetime import UTC
    >>> start = datetime(2025, 1, 1, tzinfo=UTC)
    >>> first_due_month(start, "UTC", in_advance=True), first_due_month(start, "UTC", in_advance=False)
    ('2024-12', '2025-01')
    """
    return billing_month(start if in_advance else month_of(start, zone).end, zone)


def usage_periods(subscription: Subscription, month_key: str, zone: str) -> list[Period]:
    """The full periods whose usage is due in `month_key`: those that end in it and overlap its active time."""
    month = month_period(month_key, zone)
    return [] if active_part(subscription, month) is None else [month]


def _partition(due_at: datetime, zone: str, first_month: str | None) -> str:
    if first_month is not None and due_at == month_period(first_month, zone).start:
        return first_month
    return billing_month(due_at, zone)
