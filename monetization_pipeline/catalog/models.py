"""Meters, prices and plans (DESIGN, section 6), each valid once it exists.

Decimals are exact: text, `Decimal` or `int` is taken, a float is refused.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from monetization_pipeline.catalog.fields import Amount, Currency, Expression, Flag, Id, Names, Positive, fits
from monetization_pipeline.money import EXACT

_Loc = tuple[str | int, ...]
_T = TypeVar("_T")


class EventType(StrEnum):
    """The two kinds of event."""

    API_CALL = "api_call"
    ACTION = "action"


class Aggregation(StrEnum):
    """How a meter's events become one quantity."""

    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    LATEST = "latest"
    UNIQUE_COUNT = "unique_count"


class Rounding(StrEnum):
    """Direction in which a transformed quantity is rounded; `nearest` goes half away from zero."""

    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


class PriceModel(StrEnum):
    """How a quantity becomes an amount; `flat` is a recurring fee without a quantity."""

    FLAT = "flat"
    PER_UNIT = "per_unit"
    GRADUATED = "graduated"
    VOLUME = "volume"
    PACKAGE = "package"


class BillTiming(StrEnum):
    """Whether a fee is due at its period's start or end."""

    IN_ADVANCE = "in_advance"
    IN_ARREARS = "in_arrears"


class Proration(StrEnum):
    """How a fee of a part of a period is reduced (rule 12)."""

    DAY = "day"
    SECOND = "second"
    NONE = "none"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Meter(_Model):
    """Which events count, and how they become a quantity. `event_type` None takes both kinds."""

    meter_id: Id
    event_type: EventType | None = None
    action_name: str | None = None
    filter: Expression | None = None
    aggregation: Aggregation
    value: Expression | None = None
    dimensions: Names = ()
    count_blocked: Flag = False
    description: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        return _checked(self, _meter_problems(self))


class Transform(_Model):
    """What happens to a period's whole quantity before it is priced (rule 10): multiply or divide, then round."""

    multiply: Positive | None = None
    divide: Positive | None = None
    round: Rounding | None = None
    step: Positive = Decimal(1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        return _checked(self, _transform_problems(self))


class Tier(_Model):
    """Units in `(previous up_to, up_to]` (rule 9); `up_to` None is the open last tier."""

    up_to: Positive | None
    unit_amount: Amount = Decimal(0)
    flat_amount: Amount = Decimal(0)


class Price(_Model):
    """How one meter, or a recurring fee, is charged. The model says which of the other fields are present."""

    price_id: Id
    model: PriceModel
    meter: Id | None = None
    description: str = ""
    amount: Amount | None = None
    unit_amount: Amount | None = None
    tiers: tuple[Tier, ...] = ()
    package_size: Positive | None = None
    package_amount: Amount | None = None
    included_units: Amount = Decimal(0)
    transform: Transform | None = None
    group_by: Names = ()
    bill: BillTiming = BillTiming.IN_ARREARS
    prorate: Proration = Proration.DAY

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        return _checked(self, _price_problems(self))

    @property
    def is_fee(self) -> bool:
        """Whether the price is a recurring fee rather than a price of usage."""
        return self.model is PriceModel.FLAT

    @property
    def in_advance(self) -> bool:
        """Whether the price is a fee that is due as its period begins."""
        return self.is_fee and self.bill is BillTiming.IN_ADVANCE


class Plan(_Model):
    """What a subscription is charged: prices in one currency, each calendar month."""

    plan_id: Id
    currency: Currency
    interval: Literal["month"]
    description: str = ""
    prices: tuple[Price, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        return _checked(self, _plan_problems(self))


class Catalog(_Model):
    """Everything a seller meters and sells. Ids are unique and every price's meter exists (`loading.load_catalog`)."""

    meters: tuple[Meter, ...] = ()
    plans: tuple[Plan, ...] = ()

    def meter(self, meter_id: str) -> Meter | None:
        """The meter of that id, or None."""
        return next((meter for meter in self.meters if meter.meter_id == meter_id), None)

    def plan(self, plan_id: str | None) -> Plan | None:
        """The plan of that id, or None."""
        return next((plan for plan in self.plans if plan.plan_id == plan_id), None)


@dataclass(frozen=True, slots=True, order=True)
class PricingEntry:
    """One row of the pricing map: this plan charges this meter, grouped like this (rule 4)."""

    plan_id: str
    interval: str
    price_id: str
    meter_id: str
    group_by: tuple[str, ...]


def pricing_map(catalog: Catalog) -> tuple[PricingEntry, ...]:
    """Which plan prices which meter, sorted: all that metering knows of prices."""
    return tuple(
        sorted(
            PricingEntry(plan.plan_id, plan.interval, price.price_id, price.meter, price.group_by)
            for plan in catalog.plans
            for price in plan.prices
            if price.meter is not None
        )
    )


def present(value: _T | None, field: str) -> _T:
    """A field that its model's check has made sure of. Raises ValueError where that check was bypassed."""
    if value is None:
        raise ValueError(f"{field} is missing")
    return value


_ModelT = TypeVar("_ModelT", bound=_Model)


def _checked(model: _ModelT, problems: Iterable[tuple[_Loc, str]]) -> _ModelT:
    details = [
        InitErrorDetails(type=PydanticCustomError("catalog", "{problem}", {"problem": problem}), loc=loc, input=None)
        for loc, problem in problems
    ]
    if details:
        raise ValidationError.from_exception_data(type(model).__name__, details)
    return model


def _meter_problems(meter: Meter) -> Iterator[tuple[_Loc, str]]:
    counts = meter.aggregation is Aggregation.COUNT
    if counts and meter.value is not None:
        yield ("value",), "is not used by aggregation count; leave it out, or sum the value"
    if not counts and meter.value is None:
        yield ("value",), f"is missing: aggregation {meter.aggregation} needs the value to aggregate"
    if meter.action_name is not None and meter.event_type is EventType.API_CALL:
        yield ("action_name",), "names an action, but event_type is api_call"


def _transform_problems(transform: Transform) -> Iterator[tuple[_Loc, str]]:
    divisor = transform.divide
    if transform.multiply is not None and divisor is not None:
        yield ("divide",), "stands beside multiply; give one of them"
    if transform.multiply is None and divisor is None and transform.round is None:
        yield (), "does nothing; give multiply, divide or round"
    if "step" in transform.model_fields_set and transform.round is None:
        yield ("step",), "is the step of a rounding; give round: up, down or nearest as well"
    if divisor is not None and transform.round is None and reciprocal(divisor) is None:
        yield ("divide",), f"by {divisor} has no exact decimal result; give round: up, down or nearest as well"


def reciprocal(divisor: Decimal) -> Decimal | None:
    """1 / divisor where that is a decimal of at most 16 whole and 12 fractional digits, else None."""
    quotient = EXACT.divide(Decimal(1), divisor)
    return quotient if fits(quotient) and EXACT.multiply(quotient, divisor) == 1 else None


_MODEL_FIELDS: dict[PriceModel, tuple[str, ...]] = {
    PriceModel.FLAT: ("amount",),
    PriceModel.PER_UNIT: ("unit_amount",),
    PriceModel.GRADUATED: ("tiers",),
    PriceModel.VOLUME: ("tiers",),
    PriceModel.PACKAGE: ("package_size", "package_amount"),
}
_ALL_MODEL_FIELDS = tuple(dict.fromkeys(field for fields in _MODEL_FIELDS.values() for field in fields))
_FEE_FIELDS = ("bill", "prorate")
_USAGE_FIELDS = ("meter", "included_units", "transform", "group_by")


def _price_problems(price: Price) -> Iterator[tuple[_Loc, str]]:
    own = _MODEL_FIELDS[price.model]
    yield from (((field,), f"is missing: a {price.model} price needs it") for field in own if not _given(price, field))
    for field in _ALL_MODEL_FIELDS:
        if field not in own and _given(price, field):
            yield (field,), f"does not belong to a {price.model} price; it takes {', '.join(own)}"
    others = _USAGE_FIELDS if price.is_fee else _FEE_FIELDS
    for field in others:
        if _given(price, field) and getattr(price, field) != Price.model_fields[field].default:
            yield (field,), "is for prices of a meter, not for a flat fee" if price.is_fee else "is for flat fees alone"
    if not price.is_fee and price.meter is None:
        yield ("meter",), f"is missing: a {price.model} price charges a meter"
    yield from _tier_problems(price.tiers)


def _given(price: Price, field: str) -> bool:
    return field in price.model_fields_set and getattr(price, field) not in (None, ())


def _tier_problems(tiers: tuple[Tier, ...]) -> Iterator[tuple[_Loc, str]]:
    previous: Decimal | None = None
    for index, tier in enumerate(tiers):
        last = index == len(tiers) - 1
        if tier.up_to is None and not last:
            yield ("tiers", index, "up_to"), "is open (null), but only the last tier may be"
        elif tier.up_to is not None:
            if previous is not None and tier.up_to <= previous:
                yield (
                    ("tiers", index, "up_to"),
                    f"is {tier.up_to}, not above the previous tier's {previous}: they overlap",
                )
            if last:
                yield ("tiers", index, "up_to"), f"is {tier.up_to}, but the last tier must be open; write up_to: null"
            previous = tier.up_to


def _plan_problems(plan: Plan) -> Iterator[tuple[_Loc, str]]:
    if not plan.prices:
        yield ("prices",), "is empty; a plan has at least one price (a free one is a flat price of 0)"
    seen: set[str] = set()
    for index, price in enumerate(plan.prices):
        if price.price_id in seen:
            yield ("prices", index, "price_id"), f"{price.price_id} stands twice in this plan; give one another id"
        seen.add(price.price_id)
