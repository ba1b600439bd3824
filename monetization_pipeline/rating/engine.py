"""Usage or a fee, and its price, to a rated line that explains itself.

The explanation is a JSON object; figures are decimal text:

    {"model": "graduated", "quantity": "12400",
     "transform": {"divide": "1000", "round": "up", "step": "1", "quantity": "13"}, "included_units": "5",
     "units": "8", "parts": [{"tier": 1, "up_to": null, "units": "8", "unit_amount": "2", "flat_amount": "0",
     "amount": "16"}], "amount": "16"}

`transform` and `included_units` stand there where the price has them. A fee has no `quantity` and no `units`; its part
shows `full_amount` and, where it is prorated, `days` and `full_days` or `seconds` and `full_seconds`. The amounts of
the parts add up to `amount` exactly. A new price model is one file and one line in `CHARGES`.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal

from monetization_pipeline.catalog.models import Plan, Price, PriceModel, Transform
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.money import EXACT_SCALE, plain
from monetization_pipeline.periods import Period
from monetization_pipeline.rating import flat, graduated, package, per_unit, volume
from monetization_pipeline.rating.ids import line_id
from monetization_pipeline.rating.lines import Charge, LineKind, RatedLine, RatingError, Usage
from monetization_pipeline.rating.planning import active_part, bill_at
from monetization_pipeline.rating.quantity import charged_units, transformed

#: How each price model charges units; a fee has none and goes through `flat`.
CHARGES: Mapping[PriceModel, Callable[[Price, Decimal], Charge]] = {
    PriceModel.PER_UNIT: per_unit.charge,
    PriceModel.GRADUATED: graduated.charge,
    PriceModel.VOLUME: volume.charge,
    PriceModel.PACKAGE: package.charge,
}

#: Whole digits of an exact amount: what is left of 38 (DECIMAL(38,24)).
_WHOLE_DIGITS = 38 - EXACT_SCALE
_UNGROUPED = "{}"
_json_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def rate_usage(price: Price, usage: Usage, currency: str) -> RatedLine:
    """Price one usage row. Due at the full period's end.

    Raises ValueError where the price is not one of that meter and grouping, RatingError where the amount has more
    digits than can be stored.
    """
    if price.meter != usage.meter_id or price.group_by != usage.grouping:
        raise ValueError(f"price {price.price_id} is not one of meter {usage.meter_id} grouped by {usage.grouping}")
    units = charged_units(usage.quantity, price)
    charge = CHARGES[price.model](price, units)
    period = usage.period
    start, end = max(usage.segment_start, period.start), usage.segment_end
    return RatedLine(
        line_id=line_id(
            usage.subscription_id, price.price_id, start=start, group=usage.group, period=period, kind=LineKind.USAGE
        ),
        company_id=usage.company_id,
        subscription_id=usage.subscription_id,
        plan_id=usage.plan_id,
        price_id=price.price_id,
        meter_id=usage.meter_id,
        kind=LineKind.USAGE,
        currency=currency,
        bill_at=period.end,
        period_start=start,
        period_end=period.end if end is None or end > period.end else end,
        full_period_start=period.start,
        full_period_end=period.end,
        group=usage.group,
        quantity=usage.quantity,
        amount=_storable(charge.amount, price, usage.subscription_id),
        description=_description(price, usage.group),
        explanation=_explain_usage(price, usage.quantity, units, charge),
    )


def rate_fee(price: Price, plan: Plan, subscription: Subscription, period: Period, zone: str) -> RatedLine | None:
    """Price one recurring fee for the full `period`; None where the subscription has no part, or no day, in it.

    `planning.fees_due` says which fees a billing month holds.
    """
    active = active_part(subscription, period)
    charge = None if active is None else flat.charge(price, active, period, zone)
    if active is None or charge is None:
        return None
    kind = LineKind.FEE
    return RatedLine(
        line_id=line_id(
            subscription.subscription_id, price.price_id, start=active.start, group=_UNGROUPED, period=period, kind=kind
        ),
        company_id=subscription.company_id,
        subscription_id=subscription.subscription_id,
        plan_id=plan.plan_id,
        price_id=price.price_id,
        meter_id=None,
        kind=kind,
        currency=plan.currency,
        bill_at=bill_at(price, subscription, period),
        period_start=active.start,
        period_end=active.end,
        full_period_start=period.start,
        full_period_end=period.end,
        group=_UNGROUPED,
        quantity=Decimal(1),
        amount=_storable(charge.amount, price, subscription.subscription_id),
        description=_description(price, _UNGROUPED),
        explanation=_json_text({"model": price.model, "parts": charge.parts, "amount": plain(charge.amount)}),
    )


def _explain_usage(price: Price, quantity: Decimal, units: Decimal, charge: Charge) -> str:
    steps: dict[str, object] = {"model": price.model, "quantity": plain(quantity)}
    if price.transform is not None:
        steps["transform"] = _explain_transform(price.transform, quantity)
    if price.included_units:
        steps["included_units"] = plain(price.included_units)
    steps |= {"units": plain(units), "parts": charge.parts, "amount": plain(charge.amount)}
    return _json_text(steps)


def _explain_transform(transform: Transform, quantity: Decimal) -> dict[str, str]:
    steps: dict[str, str] = {}
    if transform.multiply is not None:
        steps["multiply"] = plain(transform.multiply)
    if transform.divide is not None:
        steps["divide"] = plain(transform.divide)
    if transform.round is not None:
        steps |= {"round": transform.round, "step": plain(transform.step)}
    return steps | {"quantity": plain(transformed(quantity, transform))}


def _description(price: Price, group: str) -> str:
    text = price.description or price.price_id
    if group == _UNGROUPED:
        return text
    values = ", ".join(f"{name}: {value}" for name, value in json.loads(group).items())
    return f"{text} ({values})"


def _storable(amount: Decimal, price: Price, subscription_id: str) -> Decimal:
    if amount and amount.adjusted() >= _WHOLE_DIGITS:
        raise RatingError(
            f"price {price.price_id} of subscription {subscription_id} comes to {plain(amount)}, more than "
            f"{_WHOLE_DIGITS} whole digits; check the meter's values and the price"
        )
    return amount
