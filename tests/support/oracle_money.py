"""The oracle, second half: charged events → usage → lines → invoices, in fractions (rules 9, 10, 12, 13, 16, 18)."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from oracle import Event, Meter, Metered, Subscription, World, number

Row = tuple[object, ...]


@dataclass(frozen=True)
class Price:
    """`content` is the price as the catalog has it."""

    plan_id: str
    currency: str
    content: Mapping[str, object]

    @property
    def price_id(self) -> str:
        return str(self.content["price_id"])

    @property
    def group_by(self) -> tuple[str, ...]:
        names = self.content.get("group_by", ())
        assert isinstance(names, (list, tuple))
        return tuple(names)

    def figure(self, name: str, default: str = "0") -> Fraction:
        return Fraction(str(self.content.get(name, default)))


@dataclass(frozen=True)
class Line:
    subscription: Subscription
    price: Price
    bill_at: datetime
    start: datetime
    end: datetime
    group: str
    quantity: Fraction
    amount: Fraction


def prices_of(catalog: Mapping[str, object]) -> list[Price]:
    plans = catalog["plans"]
    assert isinstance(plans, list)
    return [Price(plan["plan_id"], plan["currency"], price) for plan in plans for price in plan["prices"]]


def midnight(year: int, month: int, day: int, zone: str) -> datetime:
    """Of a day that begins with midnight, as all do in the zones that tests use."""
    return datetime(year, month, day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def month_bounds(key: str, zone: str) -> tuple[datetime, datetime]:
    year, month = int(key[:4]), int(key[5:])
    return midnight(year, month, 1, zone), midnight(year + month // 12, month % 12 + 1, 1, zone)


def month_before(instant: datetime, zone: str) -> str:
    """The local month that holds the instant just before."""
    return (instant - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).strftime("%Y-%m")


# --- usage ------------------------------------------------------------------------------------------------------------


def aggregate(meter: Meter, events: Sequence[Event]) -> Fraction:
    """The quantity of some events; nothing is zero."""
    if not events:
        return Fraction(0)
    if meter.aggregation == "count":
        return Fraction(sum(event.weight for event in events))
    if meter.aggregation == "unique_count":
        return Fraction(len({meter.value(event) for event in events}))
    if meter.aggregation == "latest":
        last = max(events, key=lambda event: (event.occurred_at, event.place[0], event.event_id or ""))
        return _value(meter, last)
    values = [_value(meter, event) for event in events]
    if meter.aggregation == "sum":
        return sum(values, Fraction(0))
    return min(values) if meter.aggregation == "min" else max(values)


def _value(meter: Meter, event: Event) -> Fraction:
    value = number(meter.value(event))
    assert value is not None
    return value


def usage_of(world: World, metered: Metered, prices: Sequence[Price], month: str) -> dict[Row, tuple[Fraction, int]]:
    """(subscription, meter, grouping, group) → (quantity, events); ungrouped ones also where nothing happened."""
    meters = {meter.meter_id: meter for meter in world.meters}
    usage: dict[Row, tuple[Fraction, int]] = {}
    for subscription in world.subscriptions:
        start, end = month_bounds(month, world.zone(subscription))
        if not _active_part(subscription, start, end):
            continue
        for price in prices:
            if price.plan_id != subscription.plan_id or "meter" not in price.content:
                continue
            meter = meters[str(price.content["meter"])]
            events = [
                event
                for event in metered.charged.get((subscription.subscription_id, meter.meter_id), ())
                if start <= event.occurred_at < end
            ]
            groups: defaultdict[str, list[Event]] = defaultdict(list)
            if not price.group_by:
                groups["{}"] = []
            for event in events:
                values = {name: meter.dimensions[name](event) for name in price.group_by}
                groups[json.dumps(values, sort_keys=True)].append(event)
            for group, grouped in groups.items():
                key = (subscription.subscription_id, meter.meter_id, price.group_by, group)
                usage[key] = aggregate(meter, grouped), len(grouped)
    return usage


def _active_part(subscription: Subscription, start: datetime, end: datetime) -> tuple[datetime, datetime] | None:
    first, last = max(start, subscription.start or start), min(end, subscription.end or end)
    return (first, last) if first < last else None


# --- prices -----------------------------------------------------------------------------------------------------------


def charged_units(price: Price, quantity: Fraction) -> Fraction:
    """Rule 10: transform, then what is included comes off."""
    transform = price.content.get("transform") or {}
    assert isinstance(transform, dict)
    quantity = quantity * Fraction(str(transform.get("multiply", 1))) / Fraction(str(transform.get("divide", 1)))
    step = Fraction(str(transform.get("step", 1)))
    steps = quantity / step
    match transform.get("round"):
        case "up":
            quantity = -(-steps // 1) * step
        case "down":
            quantity = steps // 1 * step
        case "nearest":
            quantity = (abs(steps) + Fraction(1, 2)) // 1 * step * (-1 if steps < 0 else 1)
    return max(Fraction(0), quantity - price.figure("included_units"))


def usage_amount(price: Price, quantity: Fraction) -> Fraction:
    """Rule 9."""
    units = charged_units(price, quantity)
    match price.content["model"]:
        case "per_unit":
            return units * price.figure("unit_amount")
        case "package":
            return -(-units // price.figure("package_size")) * price.figure("package_amount")
    tiers = price.content["tiers"]
    assert isinstance(tiers, list)
    total = below = Fraction(0)
    for index, tier in enumerate(tiers):
        top = None if tier["up_to"] is None else Fraction(str(tier["up_to"]))
        each, flat = (Fraction(str(tier.get(name, 0))) for name in ("unit_amount", "flat_amount"))
        if price.content["model"] == "volume":
            if top is None or units <= top:
                return units * each + flat
        elif index == 0 or units > below:
            total += ((units if top is None else min(units, top)) - below) * each + flat
            below = units if top is None else top
    return total


def day_ends(start: datetime, end: datetime, zone: str) -> list[datetime]:
    """When the local days of a month end."""
    day, ends = start, list[datetime]()
    while day < end:
        local = day.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
        day = midnight(local.year, local.month, local.day, zone)
        ends.append(day)
    return ends


def fee_amount(
    price: Price, start: datetime, end: datetime, first: datetime, last: datetime, zone: str
) -> Fraction | None:
    """Rule 12: of the full period `start` to `end`, the part `first` to `last`; None where no day is left."""
    prorate = price.content.get("prorate", "day")
    share = Fraction(1)
    if prorate == "second":
        share = Fraction((last - first) // timedelta(microseconds=1), (end - start) // timedelta(microseconds=1))
    elif prorate == "day":
        ends = day_ends(start, end, zone)
        share = Fraction(sum(first < day_end <= last for day_end in ends), len(ends))
    return price.figure("amount") * share if share else None


# --- lines and invoices -----------------------------------------------------------------------------------------------


def lines_of(world: World, metered: Metered, prices: Sequence[Price], month: str) -> list[Line]:
    usage = usage_of(world, metered, prices, month)
    lines: list[Line] = []
    for subscription in world.subscriptions:
        start, end = month_bounds(month, world.zone(subscription))
        for price in (price for price in prices if price.plan_id == subscription.plan_id):
            if "meter" in price.content:
                part = _active_part(subscription, start, end)
                for (subscription_id, meter_id, grouping, group), (quantity, _) in usage.items():
                    same = (subscription_id, meter_id, grouping) == (
                        subscription.subscription_id,
                        price.content["meter"],
                        price.group_by,
                    )
                    if same and part is not None:
                        amount = usage_amount(price, quantity)
                        lines.append(Line(subscription, price, end, *part, str(group), quantity, amount))
            else:
                lines += _fees(subscription, price, month, world.zone(subscription))
    return lines


def _fees(subscription: Subscription, price: Price, month: str, zone: str) -> list[Line]:
    start, end = month_bounds(month, zone)
    following = end.astimezone(ZoneInfo(zone)).strftime("%Y-%m")
    around = (month_bounds(month_before(start, zone), zone), (start, end), month_bounds(following, zone))
    lines: list[Line] = []
    for full_start, full_end in around:
        part = _active_part(subscription, full_start, full_end)
        if part is None:
            continue
        in_advance = price.content.get("bill") == "in_advance"
        bill_at = max(full_start, subscription.start or full_start) if in_advance else full_end
        amount = fee_amount(price, full_start, full_end, *part, zone)
        if month_before(bill_at, zone) == month and amount is not None:
            lines.append(Line(subscription, price, bill_at, *part, "{}", Fraction(1), amount))
    return lines


def rounded(amount: Fraction, digits: int = 2) -> Fraction:
    """Half away from zero."""
    scaled = (abs(amount) * 10**digits + Fraction(1, 2)) // 1
    return Fraction(scaled if amount >= 0 else -scaled, 10**digits)


def cut(amount: Fraction) -> Fraction:
    """An exact amount keeps 24 digits after the point; what lies beyond is cut off."""
    return Fraction(abs(amount) * 10**24 // 1 * (1 if amount >= 0 else -1), 10**24)


def invoices_of(lines: Sequence[Line]) -> dict[Row, tuple[Fraction, list[Row]]]:
    """(company, currency, bill_at) → (total, sorted lines)."""
    invoices: defaultdict[Row, list[Row]] = defaultdict(list)
    totals: defaultdict[Row, Fraction] = defaultdict(Fraction)
    for line in lines:
        key = (line.subscription.company_id, line.price.currency, line.bill_at)
        amount = rounded(line.amount)
        totals[key] += amount
        place = (line.subscription.subscription_id, line.price.price_id, line.start, line.end)
        invoices[key].append((*place, line.quantity, amount, cut(line.amount)))
    return {key: (totals[key], sorted(rows)) for key, rows in invoices.items()}


def days_of(events: Sequence[Event]) -> set[date]:
    return {event.day for event in events}
