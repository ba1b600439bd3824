"""Flat: a recurring fee, reduced to the part of the period that the subscription is active (rule 12)."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from monetization_pipeline.catalog.models import FlatPrice, Proration
from monetization_pipeline.money import exact, plain
from monetization_pipeline.periods import MICROSECOND, Period, active_days, is_midnight
from monetization_pipeline.rating.lines import Part

_SECOND = timedelta(seconds=1) // MICROSECOND


def amount(price: FlatPrice, active: Period, full: Period, zone: str) -> Decimal | None:
    """The fee for `active`, a part of the period `full`; None where it covers no day, prorated by day.

    A quotient without end is cut at 24 digits (`money.exact`). `zone` says where days begin.
    """
    if price.prorate is Proration.NONE or active == full:
        return price.amount
    used, whole = _measured(price.prorate, active, full, zone)
    if price.prorate is Proration.DAY and not used:
        return None
    return price.amount if used == whole else exact(Fraction(price.amount) * used / whole)


def cut(price: FlatPrice, part: Period, active: Period, full: Period, zone: str) -> Decimal | None:
    """The fee for a `part` of what is `active` of a period; None where it cannot be cut there, or covers no day.

    Days are cut where they begin, seconds anywhere, a fee that is not prorated nowhere.
    """
    if price.prorate is Proration.NONE:
        return None
    cuts = {part.start, part.end} - {active.start, active.end}
    if price.prorate is Proration.DAY and not all(is_midnight(instant, zone) for instant in cuts):
        return None
    return amount(price, part, full, zone)


def parts(price: FlatPrice, active: Period, full: Period, zone: str) -> tuple[Part, ...]:
    """The whole fee, and of how many days or seconds it is paid for how many."""
    part: Part = {"full_amount": plain(price.amount)}
    if price.prorate is not Proration.NONE:
        unit = "days" if price.prorate is Proration.DAY else "seconds"
        used, whole = _measured(price.prorate, active, full, zone)
        part |= {unit: plain(exact(used)), f"full_{unit}": plain(exact(whole))}
    return (part | {"amount": plain(amount(price, active, full, zone) or Decimal(0))},)


@lru_cache(maxsize=4096)
def _measured(prorate: Proration, active: Period, full: Period, zone: str) -> tuple[Fraction, Fraction]:
    if prorate is Proration.SECOND:
        return _seconds(active), _seconds(full)
    used, whole = active_days(active, full, zone)
    return Fraction(used), Fraction(whole)


def _seconds(period: Period) -> Fraction:
    return Fraction((period.end - period.start) // MICROSECOND, _SECOND)
