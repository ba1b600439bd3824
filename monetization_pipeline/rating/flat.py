"""Flat: a recurring fee, reduced to the part of the period that the subscription is active (rule 12)."""

from datetime import timedelta
from fractions import Fraction

from monetization_pipeline.catalog.models import Price, Proration, present
from monetization_pipeline.money import exact, plain
from monetization_pipeline.periods import MICROSECOND, Period, active_days
from monetization_pipeline.rating.lines import Charge, Part

_SECOND = timedelta(seconds=1) // MICROSECOND


def charge(price: Price, active: Period, full: Period, zone: str) -> Charge | None:
    """The fee for `active`, a part of the period `full`; None where it covers no day, prorated by day.

    A quotient without end is cut at 24 digits (`money.exact`). `zone` says where days begin.
    """
    full_amount = present(price.amount, "amount")
    if price.prorate is Proration.NONE:
        return Charge(full_amount, ({"full_amount": plain(full_amount), "amount": plain(full_amount)},))
    if price.prorate is Proration.DAY:
        unit, used, whole = "days", *(Fraction(days) for days in active_days(active, full, zone))
        if not used:
            return None
    else:
        unit, used, whole = "seconds", _seconds(active), _seconds(full)
    amount = full_amount if used == whole else exact(Fraction(full_amount) * used / whole)
    part: Part = {
        "full_amount": plain(full_amount),
        unit: plain(exact(used)),
        f"full_{unit}": plain(exact(whole)),
        "amount": plain(amount),
    }
    return Charge(amount, (part,))


def _seconds(period: Period) -> Fraction:
    return Fraction((period.end - period.start) // MICROSECOND, _SECOND)
