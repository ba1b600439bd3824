"""What a new price model touches: its class, its arithmetic, a line in each of two tables, its test. This is one."""

import importlib
import json
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from rated import UsageOf, rated
from workshop import Workshop, event, lines

from monetization_pipeline.catalog.fields import Amount
from monetization_pipeline.catalog.loading import load_catalog
from monetization_pipeline.catalog.models import PRICE_MODELS, Catalog, MeterPrice
from monetization_pipeline.catalog.validation import CatalogError
from monetization_pipeline.datasets import ALL as ALL_DATASETS
from monetization_pipeline.money import EXACT, plain
from monetization_pipeline.rating.amounts import Pricing, product
from monetization_pipeline.rating.engine import MODELS, Model
from monetization_pipeline.rating.explaining import explain_usage
from monetization_pipeline.rating.lines import Part
from monetization_pipeline.steps.invoices import read_invoices

PACKAGE = Path(__file__).parents[2] / "monetization_pipeline"
PAGE = PACKAGE.parent / "docs" / "price_models.md"


# --- 1. what a catalog says: catalog/models/per_hundred.py -----------------------------------------------------------


class PerHundredPrice(MeterPrice, frozen=True):
    """`hundred_amount` for each hundred units, and for a part of a hundred its share."""

    takes: ClassVar = ("hundred_amount",)

    model: Literal["per_hundred"]
    hundred_amount: Amount


# --- 2. what it costs: rating/per_hundred.py -------------------------------------------------------------------------


def pricing(price: PerHundredPrice) -> Pricing:
    """`units × hundred_amount ÷ 100`."""
    return partial(EXACT.multiply, unit_amount(price))


def parts(price: PerHundredPrice, units: Decimal) -> tuple[Part, ...]:
    """The one product."""
    amount = product(units, unit_amount(price))
    return ({"units": plain(units), "hundred_amount": plain(price.hundred_amount), "amount": plain(amount)},)


def unit_amount(price: PerHundredPrice) -> Decimal:
    return EXACT.multiply(price.hundred_amount, Decimal("0.01"))


# --- 3. a line in catalog/models/prices.py, and one in rating/engine.py ----------------------------------------------


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRICE_MODELS, PerHundredPrice.word(), PerHundredPrice)
    monkeypatch.setitem(MODELS, "per_hundred", Model(pricing, parts))


# --- 4. its test -----------------------------------------------------------------------------------------------------

CATALOG = """\
meters:
  - {meter_id: calls, aggregation: count, dimensions: [route]}
plans:
  - plan_id: growth
    currency: USD
    interval: month
    prices:
      - {price_id: fee, model: flat, amount: 9}
"""
PRICE = """\
      - price_id: calls
        model: per_hundred
        meter: calls
        hundred_amount: "2.50"
        included_units: 40
        group_by: [route]
"""


#: The models that there are, as people are told of them with another one and without.
ALL = "flat, per_unit, graduated, volume, package"
BEFORE = "flat, per_unit, graduated, volume or package"


def load(directory: Path, text: str) -> Catalog:
    (directory / "catalog.yaml").write_text(text)
    return load_catalog(directory)


def problems(directory: Path, text: str) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        load(directory, text)
    return [str(problem).removeprefix(f"{directory}/catalog.yaml") for problem in caught.value.problems]


@pytest.mark.usefixtures("registered")
def test_a_catalog_is_loaded_with_it_and_a_line_is_rated_and_explained(tmp_path: Path) -> None:
    catalog = load(tmp_path, CATALOG + PRICE)
    _, price = catalog.plans[0].prices
    assert isinstance(price, PerHundredPrice)
    usage = UsageOf(Decimal(290), meter_id="calls", grouping='["route"]', group='{"route":"/v1"}')
    (line,) = rated(catalog.plans, [usage])
    assert (line.price_id, line.meter_id, line.quantity) == ("calls", "calls", Decimal(290))
    assert line.amount == Decimal("6.25"), "(290 − 40) × 2.50 ÷ 100"
    assert json.loads(json.dumps(explain_usage(price, line.quantity))) == {
        "model": "per_hundred",
        "quantity": "290",
        "included_units": "40",
        "units": "250",
        "parts": [{"units": "250", "hundred_amount": "2.5", "amount": "6.25"}],
        "amount": "6.25",
    }


@pytest.mark.usefixtures("registered")
def test_a_catalog_with_it_is_kept_and_read_again(tmp_path: Path) -> None:
    catalog = load(tmp_path, CATALOG + PRICE)
    text = json.dumps(catalog.model_dump(mode="json", exclude_defaults=True))
    assert '"hundred_amount": "2.50"' in text
    assert Catalog.model_validate_json(text) == catalog


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (
            "{price_id: a, model: per_hundred, meter: calls}",
            ":9 (plans[0].prices[1].hundred_amount): is missing: a per_hundred price needs it",
        ),
        (
            "{price_id: a, model: per_hundred, hundred_amount: 1}",
            ":9 (plans[0].prices[1].meter): is missing: a per_hundred price charges a meter",
        ),
        (
            "{price_id: a, model: per_hundred, meter: calls, hundred_amount: 1, unit_amount: 1}",
            ":9 (plans[0].prices[1].unit_amount): does not belong to a per_hundred price; it takes hundred_amount",
        ),
        (
            "{price_id: a, model: per_hundred, meter: calls, hundred_amount: 1, bill: in_advance}",
            ":9 (plans[0].prices[1].bill): is for flat fees alone",
        ),
        (
            "{price_id: a, model: flat, amount: 1, hundred_amount: 1}",
            ":9 (plans[0].prices[1].hundred_amount): does not belong to a flat price; it takes amount",
        ),
        (
            "{price_id: a, model: per_hundred, meter: calls, hundred_amout: 1, hundred_amount: 1}",
            ":9 (plans[0].prices[1].hundred_amout): is not a known key; did you mean hundred_amount?",
        ),
        (
            "{price_id: a, model: per_thousand, meter: calls}",
            f":9 (plans[0].prices[1].model): 'per_thousand' is not a known price model; use {ALL} or per_hundred",
        ),
    ],
)
def test_what_is_wrong_with_one_is_said_in_the_words_of_all_models(price: str, expected: str, tmp_path: Path) -> None:
    assert problems(tmp_path, f"{CATALOG}      - {price}\n") == [expected]


def test_before_it_is_registered_there_is_no_such_model(tmp_path: Path) -> None:
    assert problems(tmp_path, CATALOG + PRICE) == [
        f":10 (plans[0].prices[1].model): 'per_hundred' is not a known price model; use {BEFORE}",
        ":12 (plans[0].prices[1].hundred_amount): is not a known key; did you mean unit_amount?",
    ]


def test_every_price_of_a_meter_has_its_arithmetic_and_no_arithmetic_is_without_a_price() -> None:
    assert {word for word, model in PRICE_MODELS.items() if issubclass(model, MeterPrice)} == set(MODELS)


@pytest.mark.parametrize("word", PRICE_MODELS)
def test_every_model_has_its_own_two_files_and_a_worked_example(word: str) -> None:
    model = PRICE_MODELS[word]
    assert model.word() == word
    assert model.__module__ == f"monetization_pipeline.catalog.models.{word}"
    assert importlib.import_module(f"monetization_pipeline.rating.{word}").parts is not None
    section = PAGE.read_text("utf-8").partition(f"\n## {word}\n")[2].partition("\n## ")[0]
    assert f"        model: {word}\n" in section
    assert model.takes
    assert set(model.takes) <= set(model.model_fields) - set(MeterPrice.model_fields)


# --- and over the whole road -----------------------------------------------------------------------------------------

MONTH = "2023-07"
BEFORE_IT: dict[str, Any] = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": "p",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": "1"}],
        },
        {
            "plan_id": "q",
            "currency": "USD",
            "interval": "month",
            "prices": [
                {"price_id": "y", "model": "package", "meter": "calls", "package_size": 2, "package_amount": "3"}
            ],
        },
    ],
}


def commits(shop: Workshop) -> dict[str, Any]:
    """How often each partition of each dataset was made, and what the states say of the inputs."""
    tables = [(spec, shop.pipeline.lake.table(spec)) for spec in ALL_DATASETS if not spec.by_batch]
    return {spec.name: table.claim(table.states()).versions for spec, table in tables}


def test_the_whole_road_meters_nothing_anew(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model exists, then a plan takes it: rated lines and invoices are made anew, days and usage are not."""
    shop.catalog(BEFORE_IT)
    subscriptions = [{"subscription_id": f"s-{name}", "company_id": name, "plan_id": name} for name in ("p", "q")]
    shop.customers({"subscriptions": subscriptions})
    shop.place("logs", lines([event(number, company="p") for number in range(7)] + [event(9, company="q")]))
    shop.run(MONTH)
    made = commits(shop)

    monkeypatch.setitem(PRICE_MODELS, PerHundredPrice.word(), PerHundredPrice)
    monkeypatch.setitem(MODELS, "per_hundred", Model(pricing, parts))
    assert shop.reasons(MONTH) == [], "that there is another model makes nothing out of date"

    price = {"price_id": "x", "model": "per_hundred", "meter": "calls", "hundred_amount": "50"}
    shop.catalog(BEFORE_IT | {"plans": [BEFORE_IT["plans"][0] | {"prices": [price]}, BEFORE_IT["plans"][1]]})
    assert [reason.dataset for reason in shop.reasons(MONTH)] == ["rated_lines", "invoices"]
    shop.run(MONTH)
    after = commits(shop)
    assert {name for name in after if after[name] != made[name]} == {
        "rated_lines",
        "set_aside",
        "elsewhere",
        "invoices",
        "invoice_lines",
    }
    found = {each.company_id: each.total for each in read_invoices(shop.pipeline, MONTH)}
    assert found == {"p": Decimal("3.50"), "q": Decimal("3.00")}, "7 × 50 ÷ 100; one package that is begun"
