"""Digests and kept catalogs are the same for years: what was not said in them when it could not be said is not now.

The figures were written by the version of November 2026, before prices had a class for each model.
"""

from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest
from workshop import RECEIVED, Workshop

from monetization_pipeline.catalog.digests import meters_digest, prices_digest, pricing_map_digest
from monetization_pipeline.catalog.fields import Amount, Positive
from monetization_pipeline.catalog.loading import load_catalog
from monetization_pipeline.catalog.models import (
    PRICE_MODELS,
    Aggregation,
    Catalog,
    Direction,
    FlatPrice,
    GraduatedPrice,
    Meter,
    MeterPrice,
    PerUnitPrice,
    Plan,
    Price,
    Tier,
    Transform,
)
from monetization_pipeline.steps.catalogs import keep_catalog, kept_catalogs

ROOT = Path(__file__).parents[2]

#: Fields that came since then: what was written before says nothing of them.
SINCE = {("Meter", "directions")}

#: Catalog → digests of meters, prices and pricing map, and of the content that is kept.
FORMER = {
    "tests/catalog/every_field.yaml": (
        "308821f69edeff0124ef2f83171be4a6e30d43ff4f864fd2e373e53fb5e737aa",
        "1695c7ee25e1b3eedaf082ed4e86e8690df4aa9e841bdf64ccfd3dee2515dd23",
        "13b624d0cfcbb4a5d405ffe13af037c058dd9740e43a5658c7ef7c9773fbb014",
        "e2e51b2d112300e60f8920a0ae7950b5d0b3f1d70e5c60439d68e43bb19b1088",
    ),
    "examples/starter/catalog": (
        "2d8c44ba6047769c9c7acce3ac35a38fa87487ee2644038905ef754c9901f041",
        "8c2d7f84cd20be4c28f4f9a9b4109be299538a637467556f9b79b2926991f178",
        "454590e3593f97d16cc607bbc7c886852266e1772fc960c43ede12e5d3cceb85",
        "45a7be0fe8261394f7a1f9ff2563ad523db9a7fb58f3b75834cc8da0e4a85dfe",
    ),
    "examples/demo/catalog": (
        "2725ea34b66bacf969170b4a47ffce4f56dcec05aa8f2561e31f255bb578b258",
        "c3de56106492fa3856da32d7ebb842d69cea600510146c581c5e5d6a2296ca0a",
        "51b41b470f284d2ecbd926a035217867065f5102b4b659685704378373bf7bf3",
        "aca53b9c640144cb02a6f16c42bb4b6aa44c62b2f1e644d01739b7d159b29139",
    ),
    "examples/moesif/catalog": (
        "dea8951c080537db5822c8bf3ffec708b3b7415290d2fe7115f141b1a44efeac",
        "c7a0aba1fc3e852d1b41fc7efcba49f3dd5adc7a37242eb315858ac33149aa3a",
        "b24aad0106d27936665d3f17e933bf0be0e82dd61115702e3d6adb904bcf3f80",
        "5d336c5182ba690cab0cb1c6d64cc55e0fce666e85195df77683dc03e9d15a71",
    ),
}


def digests(catalog: Catalog) -> tuple[str, str, str]:
    return meters_digest(catalog), prices_digest(catalog), pricing_map_digest(catalog)


def catalog_at(name: str, shop: Workshop) -> Catalog:
    """Of a file or a folder of the checkout."""
    path = ROOT / name
    for file in [path] if path.is_file() else path.iterdir():
        (shop.root / "catalog" / file.name).write_bytes(file.read_bytes())
    return load_catalog(shop.root / "catalog")


@pytest.mark.parametrize("name", FORMER)
def test_a_catalog_has_the_digests_that_it_always_had(name: str, shop: Workshop) -> None:
    assert digests(catalog_at(name, shop)) == FORMER[name][:3]


@pytest.mark.parametrize("name", FORMER)
def test_a_catalog_is_kept_with_the_text_that_it_always_had_and_read_again(name: str, shop: Workshop) -> None:
    catalog = catalog_at(name, shop)
    keep_catalog(shop.pipeline, catalog, RECEIVED)
    (kept,) = kept_catalogs(shop.pipeline)
    assert (kept.catalog_digest, kept.prices_digest) == (FORMER[name][3], FORMER[name][1])
    assert kept.catalog() == catalog
    assert digests(kept.catalog()) == FORMER[name][:3]


def test_the_catalog_of_every_field_has_every_model_and_every_field(shop: Workshop) -> None:
    catalog = catalog_at("tests/catalog/every_field.yaml", shop)
    prices = [price for plan in catalog.plans for price in plan.prices]
    parts = [*catalog.meters, *catalog.plans, *prices]
    parts += [tier for price in prices for tier in getattr(price, "tiers", ())]
    parts += [price.transform for price in prices if isinstance(price, MeterPrice) and price.transform is not None]
    kinds = {Meter, Plan, Tier, Transform, *PRICE_MODELS.values()}
    assert {type(part) for part in parts} == kinds
    for kind in kinds:
        for name, declared in kind.model_fields.items():
            told = {str(getattr(part, name)) for part in parts if type(part) is kind}
            fixed = declared.is_required() or (kind is FlatPrice and name == "meter")
            fixed = fixed or (kind.__name__, name) in SINCE
            assert fixed or len(told) > 1 or told != {str(declared.default)}, f"{kind.__name__}.{name} says nothing"


class LaterMeter(Meter, frozen=True):
    window: str | None = None


class LaterTier(Tier, frozen=True):
    cap: Positive | None = None


class LaterTransform(Transform, frozen=True):
    least: Positive | None = None


class LaterPerUnit(PerUnitPrice, frozen=True):
    surcharge: Amount = Decimal(0)
    notes: tuple[str, ...] = ()


class LaterFlat(FlatPrice, frozen=True):
    setup: Amount = Decimal(0)


class LaterPlan(Plan, frozen=True):
    trial_days: int = 0


class BulkPrice(MeterPrice, frozen=True):
    model: Literal["bulk"]
    bulk_amount: Amount


METER = Meter(meter_id="m", aggregation=Aggregation.COUNT)
FLAT = FlatPrice(price_id="f", model="flat", amount=Decimal(1))
PER_UNIT = PerUnitPrice(price_id="u", model="per_unit", meter="m", unit_amount=Decimal(2))
TIERED = GraduatedPrice(
    price_id="t",
    model="graduated",
    meter="m",
    tiers=(Tier(up_to=None, unit_amount=Decimal(3)),),
    transform=Transform(multiply=Decimal(2)),
)


def plan(*prices: Price, kind: type[Plan] = Plan, **more: object) -> Plan:
    return kind.model_validate(
        {"plan_id": "p", "currency": "USD", "interval": "month", "prices": prices or (FLAT, PER_UNIT, TIERED)} | more
    )


NOW = Catalog(meters=(METER,), plans=(plan(),))


def later(kind: type[Price] | type[Meter], part: Price | Meter, **more: object) -> Price:
    """The same part of a later version, whose class has more fields."""
    return kind.model_validate({name: getattr(part, name) for name in type(part).model_fields} | more)  # pyright: ignore


def with_prices(*prices: Price) -> Catalog:
    return Catalog(meters=(METER,), plans=(plan(*prices),))


def with_meter(**more: object) -> Catalog:
    return Catalog(meters=(later(LaterMeter, METER, **more),), plans=NOW.plans)  # pyright: ignore


def tiered(**more: object) -> Price:
    tier = LaterTier.model_validate({"up_to": None, "unit_amount": Decimal(3)} | more)
    return TIERED.model_copy(update={"tiers": (tier,)})


def transformed(**more: object) -> Price:
    transform = LaterTransform.model_validate({"multiply": Decimal(2)} | more)
    return TIERED.model_copy(update={"transform": transform})


#: What a later version adds, while it says nothing, and while it says something; the digests that then differ.
ADDED = {
    "a field of a meter": (with_meter(), with_meter(window="hour"), "m"),
    "the directions of a meter": (
        Catalog(meters=(METER.model_copy(update={"directions": (Direction.INCOMING,)}),), plans=NOW.plans),
        Catalog(meters=(METER.model_copy(update={"directions": (Direction.OUTGOING,)}),), plans=NOW.plans),
        "m",
    ),
    "a field of a price model": (
        with_prices(FLAT, later(LaterPerUnit, PER_UNIT), TIERED),
        with_prices(FLAT, later(LaterPerUnit, PER_UNIT, surcharge="0.1"), TIERED),
        "p",
    ),
    "a field that is a list": (
        with_prices(FLAT, later(LaterPerUnit, PER_UNIT, notes=[]), TIERED),
        with_prices(FLAT, later(LaterPerUnit, PER_UNIT, notes=["a"]), TIERED),
        "p",
    ),
    "a field of a fee": (
        with_prices(later(LaterFlat, FLAT, setup="0.00"), PER_UNIT, TIERED),
        with_prices(later(LaterFlat, FLAT, setup="1"), PER_UNIT, TIERED),
        "p",
    ),
    "a field of a tier": (with_prices(FLAT, PER_UNIT, tiered()), with_prices(FLAT, PER_UNIT, tiered(cap="9")), "p"),
    "a field of a transform": (
        with_prices(FLAT, PER_UNIT, transformed()),
        with_prices(FLAT, PER_UNIT, transformed(least="1")),
        "p",
    ),
    "a field of a plan": (
        Catalog(meters=(METER,), plans=(plan(kind=LaterPlan),)),
        Catalog(meters=(METER,), plans=(plan(kind=LaterPlan, trial_days=7),)),
        "p",
    ),
}


def changed(catalog: Catalog) -> str:
    """Which digests differ from those of NOW, as letters: meters, prices, pricing map."""
    return "".join(letter for letter, a, b in zip("mpo", digests(NOW), digests(catalog), strict=True) if a != b)


@pytest.mark.parametrize("name", ADDED)
def test_a_later_field_changes_digests_only_where_it_says_something(name: str) -> None:
    silent, said, expected = ADDED[name]
    assert changed(silent) == ""
    assert changed(said) == expected


@pytest.mark.parametrize("name", [name for name in ADDED if "meter" in name or "model" in name or "fee" in name])
def test_a_later_field_that_says_nothing_is_not_kept(name: str) -> None:
    silent, said, _ = ADDED[name]

    def kept(catalog: Catalog) -> object:
        return [
            part.model_dump(mode="json", exclude_defaults=True)
            for part in (*catalog.meters, *(price for plan in catalog.plans for price in plan.prices))
        ]

    assert kept(silent) == kept(NOW)
    assert kept(said) != kept(NOW)


def test_a_later_price_model_changes_no_digest_of_catalogs_without_it(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRICE_MODELS, "bulk", BulkPrice)
    name = "tests/catalog/every_field.yaml"
    assert digests(catalog_at(name, shop)) == FORMER[name][:3]
    bulk = BulkPrice(price_id="b", model="bulk", meter="m", bulk_amount=Decimal(5))
    assert changed(with_prices(FLAT, PER_UNIT, TIERED, bulk)) == "po"
    dearer = bulk.model_copy(update={"bulk_amount": Decimal(6)})
    assert prices_digest(with_prices(bulk)) != prices_digest(with_prices(dearer)), "what is a model's own is said"
