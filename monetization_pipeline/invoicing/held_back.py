"""Nobody pays twice for one thing: which lines are held back, as other booked lines charge for the same (rule 21).

Asked is what a line charges for, not under which name: the same thing may come back under another price, in another
currency, at another time of billing, of another company, or from another start.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from monetization_pipeline.periods import Period

#: By dimension; a value that an event lacks is None.
Group = Mapping[str, str | None]

#: invoice_id and line_id.
LineKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Charge:
    """What one line of an invoice charges for, and when. `group` is None where it is not known."""

    invoice_id: str
    line_id: str
    subscription_id: str
    price_id: str
    meter_id: str | None
    group: Group | None
    time: Period

    @property
    def key(self) -> LineKey:
        """The line, on its invoice."""
        return self.invoice_id, self.line_id

    @property
    def is_fee(self) -> bool:
        """Whether it charges for time alone, and no usage."""
        return self.meter_id is None


@dataclass(frozen=True, slots=True)
class BookedCharge:
    """A line that is booked under a billing period for `amount`.

    `plan_prices` are the price_ids of the plan that the subscription had then.
    """

    charge: Charge
    billing_period: str
    amount: Decimal
    plan_prices: frozenset[str]


@dataclass(frozen=True, slots=True)
class Claim:
    """A booked line that would charge for the same as one that is not booked, were it no longer computed."""

    booked: BookedCharge
    new: Charge


@dataclass(frozen=True, slots=True)
class Overlap:
    """A line that is not booked, and the time of it that a booked one charges for already."""

    new: Charge
    booked: Charge
    time: Period


def same_thing(booked: BookedCharge, new: Charge) -> bool:
    """Whether a booked line that is no longer computed charges for what `new` does, times aside."""
    old = booked.charge
    if old.subscription_id != new.subscription_id or booked.amount == 0:
        return False
    if old.line_id == new.line_id:
        return True
    if old.price_id == new.price_id:
        return _may_share(old.group, new.group)
    if old.is_fee and new.is_fee:
        return new.price_id not in booked.plan_prices
    return old.meter_id is not None and old.meter_id == new.meter_id and _may_share(old.group, new.group)


def claims(booked: Iterable[BookedCharge], new: Sequence[Charge]) -> list[Claim]:
    """What booked lines charge for, of what `new` lines do, at any time of theirs; in the order of `booked`.

    Lines of one invoice say nothing about each other: what sets them apart is a difference of that invoice.
    """
    of_subscription: dict[str, list[Charge]] = {}
    for charge in new:
        of_subscription.setdefault(charge.subscription_id, []).append(charge)
    return [
        Claim(entry, charge)
        for entry in booked
        for charge in of_subscription.get(entry.charge.subscription_id, ())
        if charge.invoice_id != entry.charge.invoice_id
        and charge.time.overlap(entry.charge.time.start, entry.charge.time.end) is not None
        and same_thing(entry, charge)
    ]


def overlaps(found: Iterable[Claim], computed: Mapping[LineKey, Period]) -> list[Overlap]:
    """What is charged already. `computed` has the time of each line that is computed now.

    A booked line that is computed still, on the invoice and for the time that it was booked for, says nothing about
    other lines.
    """
    return [
        Overlap(claim.new, old, time)
        for claim in found
        for old in (claim.booked.charge,)
        for lost in without(old.time, computed.get(old.key))
        if (time := claim.new.time.overlap(lost.start, lost.end)) is not None
    ]


def without(time: Period, taken: Period | None) -> list[Period]:
    """What is left of a time without another: nothing, one part or two."""
    if taken is None or time.overlap(taken.start, taken.end) is None:
        return [time]
    parts = (Period(time.start, taken.start), Period(taken.end, time.end))
    return [part for part in parts if part.start < part.end]


def _may_share(one: Group | None, other: Group | None) -> bool:
    """Whether an event can lie in both groups: where a dimension of both has two values, none can."""
    if one is None or other is None:
        return True
    return all(other[name] == value for name, value in one.items() if name in other)
