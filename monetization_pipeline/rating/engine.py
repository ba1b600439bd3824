"""Usage or fees, and their prices, to rated lines. A new price model is one file and one line in `MODELS`."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from monetization_pipeline.catalog.models import FlatPrice, MeterPrice, Plan
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.datasets.invoice_fields import cut_words
from monetization_pipeline.ids import make_ids
from monetization_pipeline.money import EXACT_SCALE, plain
from monetization_pipeline.periods import Period
from monetization_pipeline.rating import flat, graduated, package, per_unit, volume
from monetization_pipeline.rating.amounts import Pricing, cut
from monetization_pipeline.rating.due import active_part, bill_at
from monetization_pipeline.rating.lines import (
    UNGROUPED,
    LineKind,
    Part,
    PricedBy,
    RatedLine,
    RatingError,
    Span,
    UsageRow,
)
from monetization_pipeline.rating.quantity import charging_units

#: Whole digits of an exact amount: what is left of 38 (DECIMAL(38,24)).
_WHOLE_DIGITS = 38 - EXACT_SCALE
_TOO_LARGE = Decimal(1).scaleb(_WHOLE_DIGITS)
_USAGE, _FEE = LineKind.USAGE.value, LineKind.FEE.value


_P = TypeVar("_P", bound=MeterPrice)


@dataclass(frozen=True, slots=True)
class Model(Generic[_P]):
    """How a price model charges units: `pricing` for many rows, `parts` step by step for people."""

    pricing: Callable[[_P], Pricing]
    parts: Callable[[_P, Decimal], tuple[Part, ...]]


#: By the word for the model in a catalog. A fee has no units and goes through `flat`.
MODELS: dict[str, Model[Any]] = {
    "per_unit": Model(per_unit.pricing, per_unit.parts),
    "graduated": Model(graduated.pricing, graduated.parts),
    "volume": Model(volume.pricing, volume.parts),
    "package": Model(package.pricing, package.parts),
}


class UsagePrice:
    """A price of usage, ready for many rows: what is the same for all of them is worked out once."""

    def __init__(self, price: MeterPrice) -> None:
        self.price_id = price.price_id
        self._units = charging_units(price)
        self._cost = MODELS[price.model].pricing(price)
        self._description = cut_words(price.description or price.price_id)

    def amount(self, quantity: Decimal) -> Decimal:
        """The exact amount for a period's whole metered quantity.

        Raises RatingError where it has more digits than can be stored.
        """
        amount = self._cost(self._units(quantity))
        if amount >= _TOO_LARGE:
            raise _too_large(amount, self.price_id)
        return cut(amount)

    def description(self, group: str) -> str:
        """What the company reads."""
        if group == UNGROUPED:
            return self._description
        values = ", ".join(f"{name}: {value}" for name, value in json.loads(group).items())
        return cut_words(f"{self._description} ({values})")


class Unrated(NamedTuple):
    """A row that a price cannot rate (both by their position), and why."""

    row: int
    price: int
    reason: str


@dataclass(frozen=True, slots=True)
class UsageLines:
    """Rated lines as columns: of which row each is, by which price (both by their position), and what came out.

    `unrated` are lines that there are not, as they could not be rated.
    """

    rows: list[int] = field(default_factory=list[int])
    prices: list[int] = field(default_factory=list[int])
    line_ids: list[str] = field(default_factory=list[str])
    amounts: list[Decimal] = field(default_factory=list[Decimal])
    descriptions: list[str] = field(default_factory=list[str])
    unrated: list[Unrated] = field(default_factory=list[Unrated])


def rate_usage(
    prices: Sequence[UsagePrice], priced_by: Mapping[PricedBy, Sequence[int]], rows: Iterable[UsageRow]
) -> UsageLines:
    """Price usage rows; `priced_by` says which of `prices` charge a row. A row that none charges has no line.

    An amount of more digits than can be stored is nobody's but the row's: it is unrated.
    """
    lines = UsageLines()
    hashes: list[bytes] = []
    for position, (key, subscription_id, span, group, quantity) in enumerate(rows):
        for number in priced_by.get(key, ()):
            price = prices[number]
            try:
                lines.amounts.append(price.amount(quantity))
            except RatingError as error:
                lines.unrated.append(Unrated(position, number, str(error)))
                continue
            hashes.append(span.line_hash(subscription_id, price.price_id, group, _USAGE))
            lines.rows.append(position)
            lines.prices.append(number)
            lines.descriptions.append(price.description(group))
    lines.line_ids.extend(make_ids("ln", hashes))
    return lines


class DueFee(NamedTuple):
    """A fee that `due.fees_due` finds in a billing month, for a full period. `zone` says where days begin."""

    plan: Plan
    price: FlatPrice
    subscription: Subscription
    period: Period
    zone: str


class UnratedFee(NamedTuple):
    """A fee that cannot be rated, and why."""

    fee: DueFee
    reason: str


def rate_fees(fees: Iterable[DueFee]) -> tuple[list[RatedLine], list[UnratedFee]]:
    """Price recurring fees; one whose subscription has no part, or no day, of its period has no line.

    An amount of more digits than can be stored is nobody's but the fee's: it is unrated.
    """
    charged: list[tuple[DueFee, Span, Decimal]] = []
    unrated: list[UnratedFee] = []
    for fee in fees:
        active = active_part(fee.subscription, fee.period)
        amount = None if active is None else flat.amount(fee.price, active, fee.period, fee.zone)
        if active is None or amount is None:
            continue
        if amount >= _TOO_LARGE:
            unrated.append(UnratedFee(fee, str(_too_large(amount, fee.price.price_id))))
        else:
            charged.append((fee, Span(fee.period, active), amount))
    ids = make_ids(
        "ln",
        [
            span.line_hash(fee.subscription.subscription_id, fee.price.price_id, UNGROUPED, _FEE)
            for fee, span, _ in charged
        ],
    )
    return [_fee_line(line_id, *each) for line_id, each in zip(ids, charged, strict=True)], unrated


def _fee_line(line_id: str, fee: DueFee, span: Span, amount: Decimal) -> RatedLine:
    return RatedLine(
        line_id=line_id,
        company_id=fee.subscription.company_id,
        subscription_id=fee.subscription.subscription_id,
        plan_id=fee.plan.plan_id,
        price_id=fee.price.price_id,
        meter_id=None,
        kind=LineKind.FEE,
        currency=fee.plan.currency,
        bill_at=bill_at(fee.price, fee.subscription, fee.period),
        period_start=span.active.start,
        period_end=span.active.end,
        full_period_start=span.full.start,
        full_period_end=span.full.end,
        group=UNGROUPED,
        quantity=Decimal(1),
        amount=amount,
        description=cut_words(fee.price.description or fee.price.price_id),
    )


def _too_large(amount: Decimal, price_id: str) -> RatingError:
    return RatingError(
        f"price {price_id} comes to {plain(amount)}, more than {_WHOLE_DIGITS} whole digits; check the meter's values "
        "and the price"
    )
