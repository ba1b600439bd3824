"""Models that hold in Python as in YAML, the pricing map, and digests that change only with meaning."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from monetization_pipeline.catalog.digests import meters_digest, prices_digest, pricing_map_digest
from monetization_pipeline.catalog.models import (
    Aggregation,
    BillTiming,
    Catalog,
    FlatPrice,
    Meter,
    PerUnitPrice,
    Plan,
    Price,
    PricingEntry,
    Tier,
    VolumePrice,
    price_of,
    pricing_map,
)

CALLS = Meter(meter_id="calls", aggregation=Aggregation.COUNT, dimensions=("route", "verb"))
TOKENS = Meter(meter_id="tokens", aggregation=Aggregation.SUM, value="metadata.tokens")
FEE = FlatPrice(price_id="fee", model="flat", amount=Decimal("9.90"))
PER_CALL = PerUnitPrice(price_id="b", model="per_unit", meter="calls", unit_amount=Decimal("0.1"), group_by=("route",))
TIERED = VolumePrice(
    price_id="a",
    model="volume",
    meter="tokens",
    tiers=(Tier(up_to=Decimal(5), unit_amount=Decimal(2)), Tier(up_to=None)),
)


def plan(plan_id: str, *prices: Price) -> Plan:
    return Plan(plan_id=plan_id, currency="USD", interval="month", prices=prices)


CATALOG = Catalog(meters=(CALLS, TOKENS), plans=(plan("p", FEE, PER_CALL, TIERED), plan("q", PER_CALL)))


def test_a_float_is_refused_wherever_money_is() -> None:
    with pytest.raises(ValidationError, match=r"0\.1 is not a decimal number"):
        price_of({"price_id": "b", "model": "per_unit", "meter": "m", "unit_amount": 0.1})


def test_a_price_that_is_not_whole_cannot_be_made_in_python_either() -> None:
    with pytest.raises(ValidationError, match="unit_amount\n  is missing: a per_unit price needs it"):
        PerUnitPrice(price_id="b", model="per_unit", meter="m")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"model": "flat", "amount": "1.50"}, FlatPrice(price_id="a", model="flat", amount=Decimal("1.5"))),
        (
            {"model": "flat", "amount": "1.5", "meter": None, "included_units": "0.00", "group_by": [], "tiers": []},
            FlatPrice(price_id="a", model="flat", amount=Decimal("1.5")),
        ),
        (
            {
                "model": "per_unit",
                "meter": "m",
                "unit_amount": 2,
                "bill": "in_arrears",
                "prorate": "day",
                "amount": None,
            },
            PerUnitPrice(price_id="a", model="per_unit", meter="m", unit_amount=Decimal(2)),
        ),
    ],
    ids=["what it takes", "a fee with what says nothing of usage", "usage with what says nothing of a fee"],
)
def test_a_price_is_read_by_its_model(content: dict[str, object], expected: Price) -> None:
    price = price_of({"price_id": "a"} | content)
    assert price == expected
    assert type(price) is type(expected)
    assert price_of(price) is price


def test_a_price_of_no_model_is_none() -> None:
    with pytest.raises(ValidationError, match="valid dictionary or instance of Price"):
        price_of(Price(price_id="a", model="flat", meter=None))


def test_a_fee_has_no_meter_and_a_price_of_a_meter_is_no_fee() -> None:
    assert (FEE.is_fee, FEE.meter, FEE.in_advance) == (True, None, False)
    assert (PER_CALL.is_fee, PER_CALL.meter, PER_CALL.in_advance) == (False, "calls", False)
    assert FEE.model_copy(update={"bill": BillTiming.IN_ADVANCE}).in_advance
    with pytest.raises(ValidationError, match="is for prices of a meter, not for a flat fee"):
        price_of({"price_id": "a", "model": "flat", "amount": 1, "meter": "calls"})


def test_nothing_of_a_catalog_can_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        FEE.amount = Decimal(0)


def test_groups_and_dimensions_are_sets_in_one_order() -> None:
    meter = Meter(meter_id="m", aggregation=Aggregation.COUNT, dimensions=("verb", "route"))
    assert meter.dimensions == ("route", "verb")


def test_the_pricing_map_holds_usage_prices_alone_and_is_sorted() -> None:
    assert pricing_map(CATALOG) == (
        PricingEntry("p", "month", "a", "tokens", ()),
        PricingEntry("p", "month", "b", "calls", ("route",)),
        PricingEntry("q", "month", "b", "calls", ("route",)),
    )


def digests(catalog: Catalog) -> tuple[str, str, str]:
    return meters_digest(catalog), prices_digest(catalog), pricing_map_digest(catalog)


def changed(catalog: Catalog) -> str:
    """Which digests differ from CATALOG's, as letters: meters, prices, pricing map."""
    return "".join(letter for letter, a, b in zip("mpo", digests(CATALOG), digests(catalog), strict=True) if a != b)


def with_price(price: Price) -> Catalog:
    return Catalog(meters=CATALOG.meters, plans=(plan("p", FEE, price, TIERED), plan("q", PER_CALL)))


def with_meter(**update: object) -> Catalog:
    return Catalog(meters=(CALLS.model_copy(update=update), TOKENS), plans=CATALOG.plans)


@pytest.mark.parametrize(
    ("catalog", "expected"),
    [
        pytest.param(CATALOG, "", id="nothing changes nothing"),
        pytest.param(
            Catalog(meters=(TOKENS, CALLS), plans=(plan("q", PER_CALL), plan("p", TIERED, FEE, PER_CALL))),
            "",
            id="order of meters, plans and prices is nothing",
        ),
        pytest.param(with_price(PER_CALL.model_copy(update={"unit_amount": Decimal("0.100")})), "", id="0.1 is 0.100"),
        pytest.param(
            with_price(PER_CALL.model_copy(update={"unit_amount": Decimal("0.11")})),
            "p",
            id="an amount re-meters nothing",
        ),
        pytest.param(
            with_price(PER_CALL.model_copy(update={"description": "API"})),
            "p",
            id="a price's description is on invoices",
        ),
        pytest.param(
            with_price(PER_CALL.model_copy(update={"group_by": ()})), "po", id="grouping changes the pricing map"
        ),
        pytest.param(with_price(PER_CALL.model_copy(update={"price_id": "c"})), "po", id="so does another price id"),
        pytest.param(with_meter(filter="status < 400"), "m", id="a filter is the meter's"),
        pytest.param(with_meter(count_blocked=True), "m", id="blocked calls are the meter's"),
        pytest.param(with_meter(description="Calls"), "", id="a meter's description re-meters nothing"),
    ],
)
def test_digests_change_with_meaning_alone(catalog: Catalog, expected: str) -> None:
    assert changed(catalog) == expected


def test_the_order_of_tiers_is_part_of_the_price() -> None:
    tiers = (Tier(up_to=Decimal(6), unit_amount=Decimal(2)), Tier(up_to=None))
    other = Catalog(
        meters=CATALOG.meters, plans=(plan("p", FEE, PER_CALL, TIERED.model_copy(update={"tiers": tiers})),)
    )
    assert prices_digest(other) != prices_digest(Catalog(meters=CATALOG.meters, plans=CATALOG.plans[:1]))


def test_digests_are_sha256_in_hex() -> None:
    assert all(len(digest) == 64 and int(digest, 16) >= 0 for digest in digests(CATALOG))
