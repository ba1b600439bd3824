"""What holds of every price and quantity, against an oracle in fractions that walks the tiers another way."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rated import JULY, UsageOf, plan_of, rated_one
from rated import rated as rated_together

from monetization_pipeline.catalog.models import (
    GraduatedPrice,
    MeterPrice,
    PackagePrice,
    PerUnitPrice,
    Rounding,
    Tier,
    Transform,
    VolumePrice,
)
from monetization_pipeline.rating.explaining import explain_usage
from monetization_pipeline.rating.lines import RatedLine
from monetization_pipeline.rating.quantity import charging_units, transforming

quantities = st.decimals(min_value=0, max_value=10**9, places=6)
amounts = st.decimals(min_value=0, max_value=1000, places=4)
bounds = st.lists(st.decimals(min_value="0.01", max_value=10**6, places=2), max_size=4, unique=True).map(sorted)
steps = st.decimals(min_value="0.001", max_value=1000, places=3)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    ends: list[Decimal | None] = [*draw(bounds), None]
    return tuple(Tier(up_to=end, unit_amount=draw(amounts), flat_amount=draw(amounts)) for end in ends)


graduated = tiers().map(lambda t: GraduatedPrice(price_id="p", model="graduated", meter="m", tiers=t))
volumes = tiers().map(lambda t: VolumePrice(price_id="p", model="volume", meter="m", tiers=t))


@st.composite
def packages(draw: st.DrawFn) -> PackagePrice:
    size, amount = draw(steps), draw(amounts)
    return PackagePrice(price_id="p", model="package", meter="m", package_size=size, package_amount=amount)


@st.composite
def per_units(draw: st.DrawFn) -> PerUnitPrice:
    return PerUnitPrice(price_id="p", model="per_unit", meter="m", unit_amount=draw(amounts))


prices = st.one_of(graduated, volumes, packages(), per_units()) | graduated.flatmap(
    lambda price: quantities.map(lambda n: price.model_copy(update={"included_units": n}))
)


def rated(price: MeterPrice, quantity: Decimal) -> RatedLine:
    return rated_one(price, UsageOf(quantity))


def spans(price: GraduatedPrice | VolumePrice) -> list[tuple[Fraction, Fraction | None, Tier]]:
    ends = [None if tier.up_to is None else Fraction(tier.up_to) for tier in price.tiers]
    starts = [Fraction(0), *(end for end in ends if end is not None)]
    return list(zip(starts, ends, price.tiers, strict=True))


def oracle(price: MeterPrice, quantity: Decimal) -> Fraction:
    units = max(Fraction(0), Fraction(quantity) - Fraction(price.included_units))
    if isinstance(price, PerUnitPrice):
        return units * Fraction(price.unit_amount)
    if isinstance(price, PackagePrice):
        count = 0
        while count * Fraction(price.package_size) < units and count < 1000:
            count += 1
        return count * Fraction(price.package_amount)
    assert isinstance(price, GraduatedPrice | VolumePrice)
    reached = [(start, end, tier) for start, end, tier in spans(price) if units > start or start == 0]
    if isinstance(price, VolumePrice):
        _, _, tier = reached[-1]
        return units * Fraction(tier.unit_amount) + Fraction(tier.flat_amount)
    held = [(min(units, end) if end is not None else units) - start for start, end, _ in reached]
    return sum(
        (
            n * Fraction(tier.unit_amount) + Fraction(tier.flat_amount)
            for n, (_, _, tier) in zip(held, reached, strict=True)
        ),
        Fraction(0),
    )


@given(prices, quantities)
def test_the_amount_is_the_oracles(price: MeterPrice, quantity: Decimal) -> None:
    if isinstance(price, PackagePrice):
        quantity = quantity % (500 * price.package_size)
    assert Fraction(rated(price, quantity).amount) == oracle(price, quantity)


@given(graduated | volumes)
def test_around_a_tiers_end_the_amount_is_the_oracles(price: GraduatedPrice | VolumePrice) -> None:
    smallest = Decimal("0.000000000001")
    for end in [tier.up_to for tier in price.tiers if tier.up_to is not None]:
        for quantity in (end - smallest, end, end + smallest):
            whole = quantity + price.included_units
            assert Fraction(rated(price, whole).amount) == oracle(price, whole)


@given(prices, quantities)
def test_the_parts_add_up_to_the_amount_and_the_units(price: MeterPrice, quantity: Decimal) -> None:
    line = rated(price, quantity)
    explanation = json.loads(json.dumps(explain_usage(price, quantity)))
    parts = explanation["parts"]
    assert sum(Fraction(part["amount"]) for part in parts) == Fraction(line.amount)
    assert sum(Fraction(part["units"]) for part in parts) == Fraction(explanation["units"])
    assert Fraction(explanation["amount"]) == Fraction(line.amount)


@given(graduated | per_units() | packages(), quantities, quantities)
def test_more_usage_never_costs_less_unless_by_volume(price: MeterPrice, one: Decimal, other: Decimal) -> None:
    less, more = sorted((one, other))
    assert rated(price, less).amount <= rated(price, more).amount


@given(prices, st.lists(quantities, min_size=1, max_size=5))
def test_a_period_rated_in_slices_comes_to_the_whole(price: MeterPrice, slices: list[Decimal]) -> None:
    totals = [sum(slices[:count], Decimal(0)) for count in range(len(slices) + 1)]
    differences = [rated(price, after).amount - rated(price, before).amount for before, after in pairwise(totals)]
    assert rated(price, Decimal(0)).amount + sum(differences, Decimal(0)) == rated(price, totals[-1]).amount


@given(quantities, steps, steps, st.sampled_from(Rounding))
def test_a_rounded_quantity_is_the_right_multiple_of_its_step(
    quantity: Decimal, divisor: Decimal, step: Decimal, rounding: Rounding
) -> None:
    result = Fraction(transforming(Transform(divide=divisor, round=rounding, step=step))(quantity))
    exact = Fraction(quantity) / Fraction(divisor)
    assert (result / Fraction(step)).denominator == 1
    if rounding is Rounding.UP:
        assert exact <= result < exact + Fraction(step)
    elif rounding is Rounding.DOWN:
        assert exact - Fraction(step) < result <= exact
    else:
        assert exact - Fraction(step) / 2 < result <= exact + Fraction(step) / 2


@given(quantities, st.sampled_from(["8", "0.125", "1000", "0.001", "1024", "3.2", "1000000000000"]))
def test_dividing_without_rounding_is_exact(quantity: Decimal, divisor: str) -> None:
    assert Fraction(transforming(Transform(divide=Decimal(divisor)))(quantity)) == Fraction(quantity) / Fraction(
        divisor
    )


@given(quantities, quantities)
def test_charged_units_are_never_negative(quantity: Decimal, included: Decimal) -> None:
    price = PerUnitPrice(price_id="p", model="per_unit", meter="m", unit_amount=Decimal(1), included_units=included)
    for metered in (quantity, -quantity):
        assert Fraction(charging_units(price)(metered)) == max(Fraction(0), Fraction(metered) - Fraction(included))


segments = st.sampled_from([datetime(2023, 6, 1, tzinfo=UTC), JULY.start, datetime(2023, 7, 9, 1, 2, 3, 4, tzinfo=UTC)])
ends = st.sampled_from([None, JULY.end, datetime(2023, 7, 20, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)])
usages = st.builds(
    UsageOf,
    quantity=quantities | st.sampled_from([Decimal(0), Decimal("-1.5")]),
    company_id=st.sampled_from(["acme", "beta"]),
    subscription_id=st.sampled_from(["s1", "s2", 'é "s"']),
    segment_start=segments,
    segment_end=ends,
    grouping=st.sampled_from(["[]", '["route"]']),
    group=st.sampled_from(["{}", '{"route":"/a"}', '{"route":null}']),
    plan_id=st.sampled_from(["growth", "pro", "gone"]),
)


@given(prices, prices, st.lists(usages, max_size=12))
def test_rows_rated_together_are_rated_as_each_alone(
    price: MeterPrice, other: MeterPrice, together: list[UsageOf]
) -> None:
    plans = [
        plan_of(price, other.model_copy(update={"price_id": "q", "group_by": ("route",)})),
        plan_of(other, price.model_copy(update={"price_id": "q"}), plan_id="pro", currency="EUR"),
    ]
    alone = [line for usage in together for line in rated_together(plans, [usage])]
    assert rated_together(plans, together) == alone


@given(prices, usages)
def test_a_line_says_what_its_usage_says(price: MeterPrice, usage: UsageOf) -> None:
    """Told again in plain words, column by column."""
    for line in rated_together([plan_of(price, plan_id=usage.plan_id)], [usage]):
        assert (line.company_id, line.subscription_id, line.plan_id) == (
            usage.company_id,
            usage.subscription_id,
            usage.plan_id,
        )
        assert (line.period_start, line.period_end) == (
            max(usage.segment_start, JULY.start),
            min(usage.segment_end or JULY.end, JULY.end),
        )
        assert (line.full_period_start, line.full_period_end, line.bill_at) == (JULY.start, JULY.end, JULY.end)
        assert (line.quantity, line.group, line.kind, line.currency) == (usage.quantity, usage.group, "usage", "USD")
        assert line.amount == rated(price, usage.quantity).amount
