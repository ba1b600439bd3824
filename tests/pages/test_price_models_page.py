"""docs/price_models.md: every price model is there, and every figure is the one that was worked out by hand."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from docs.price_examples import CALCULATIONS, Active, Example, examples, fee_step, usage_steps
from docs.price_models import page, parts
from monetization_pipeline.catalog.models import PRICE_MODELS, FlatPrice, MeterPrice, Price
from monetization_pipeline.rating.engine import UsagePrice

ROOT = Path(__file__).parents[2]
BY_HAND: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "price_figures.yaml").read_text("utf-8"))
EXAMPLES = [example for several in examples().values() for example in several]
QUANTITIES = [(example.price, asked.quantity) for example in EXAMPLES for asked in example.quantities]
ACTIVE = [(example, asked) for example in EXAMPLES for asked in example.active]

#: Fields that say which class a price is of, and so are no user's to fill in.
_KIND = {"model"}


def unshown() -> Iterator[str]:
    """What is missing before the page shows every price model that is registered."""
    for word, model in PRICE_MODELS.items():
        if not examples().get(word):
            yield f"{word}: add an example to docs/price_models.yaml, and its figures to tests/pages/price_figures.yaml"
        if issubclass(model, MeterPrice) and word not in CALCULATIONS:
            yield f"{word}: say in CALCULATIONS (docs/price_examples.py) how its parts read"
    parts_of_prices = {**PRICE_MODELS, "usage": MeterPrice, "price": Price, **parts()}
    for name, part in parts_of_prices.items():
        for field, declared in part.model_fields.items():
            is_told = declared.annotation is not type(None) and field not in _KIND and (part, field) != (Price, "meter")
            if is_told and not declared.description:
                yield f"{name}: describe its field {field}, as Field(description=...)"


def test_every_price_model_has_its_examples_and_says_what_its_fields_mean() -> None:
    assert list(unshown()) == []


class UnshownPrice(MeterPrice, frozen=True):
    """A price model that nobody has shown."""

    model: Literal["unshown"]
    secret_amount: Decimal


def test_a_price_model_that_is_not_shown_is_told_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRICE_MODELS, "unshown", UnshownPrice)
    assert list(unshown()) == [
        "unshown: add an example to docs/price_models.yaml, and its figures to tests/pages/price_figures.yaml",
        "unshown: say in CALCULATIONS (docs/price_examples.py) how its parts read",
        "unshown: describe its field secret_amount, as Field(description=...)",
    ]


@pytest.mark.parametrize("word", PRICE_MODELS)
def test_a_price_model_is_asked_for_nothing_and_its_examples_are_of_its_own_model(word: str) -> None:
    shown = examples()[word]
    assert {example.price.model for example in shown} == {word}
    assert all(example.quantities or example.active for example in shown)
    if issubclass(PRICE_MODELS[word], MeterPrice):
        assert "0" in {asked.quantity for example in shown for asked in example.quantities}


def test_what_is_asked_was_worked_out_by_hand_and_nothing_else() -> None:
    asked = {example.price.price_id: [case.quantity for case in example.quantities] for example in EXAMPLES}
    for example, case in ACTIVE:
        asked[example.price.price_id].append(case.time)
    assert {price_id: sorted(cases) for price_id, cases in asked.items()} == {
        price_id: sorted(cases) for price_id, cases in BY_HAND.items()
    }


@pytest.mark.parametrize(("price", "quantity"), QUANTITIES, ids=lambda each: getattr(each, "price_id", each))
def test_a_quantity_costs_what_was_worked_out_by_hand(price: MeterPrice, quantity: str) -> None:
    expected = Decimal(BY_HAND[price.price_id][quantity])
    _, shown = usage_steps(price, Decimal(quantity))
    assert shown == expected
    assert UsagePrice(price).amount(Decimal(quantity)) == expected


@pytest.mark.parametrize(
    ("example", "asked"), ACTIVE, ids=[f"{example.price.price_id} {asked.time}" for example, asked in ACTIVE]
)
def test_a_fee_costs_what_was_worked_out_by_hand_and_is_due_then(example: Example, asked: Active) -> None:
    assert isinstance(example.price, FlatPrice)
    _, line = fee_step(example.plan, example.price, asked)
    expected = BY_HAND[example.price.price_id][asked.time]
    if expected is None:
        assert line is None
    else:
        amount, due_at = expected
        assert line is not None
        assert (line.amount, line.bill_at) == (Decimal(amount), datetime.fromisoformat(due_at).replace(tzinfo=UTC))


# --- the page itself -------------------------------------------------------------------------------------------------


def rows() -> list[list[str]]:
    """The cells of each row of figures."""
    cells = [line.strip("| ").split(" | ") for line in page() if line.startswith("| ")]
    return [row for row in cells if any(" = " in cell for cell in row)]


def worked_out(calculation: str) -> Fraction:
    """Numbers with ×, ÷, + and − between them; × and ÷ first."""
    total = Fraction(0)
    for sign, product in re.findall(r"(^|[+−] )((?:[\d.]+(?: [×÷] )?)+)", calculation.replace(",", "")):
        value = Fraction(1)
        for operator, number in re.findall(r"(^|[×÷] )([\d.]+)", product):
            value = value / Fraction(number) if operator.startswith("÷") else value * Fraction(number)
        total += -value if sign.startswith("−") else value
    return total


@pytest.mark.parametrize(
    ("calculation", "result"),
    [
        ("10 × 2 + 1 × 0.5", Fraction("20.5")),
        ("99 × 10 ÷ 31", Fraction(990, 31)),
        ("1,000.5 × 0.001", Fraction("1.0005")),
        ("13 − 5", Fraction(8)),
        ("10 × 0 + 5 + 0.5 × 0.1", Fraction("5.05")),
    ],
)
def test_a_calculation_is_worked_out_here_as_by_hand(calculation: str, result: Fraction) -> None:
    assert worked_out(calculation) == result


def test_every_calculation_of_the_page_comes_to_what_it_says() -> None:
    calculations = [step.split(" = ") for row in rows() for cell in row for step in cell.split("; ") if " = " in step]
    assert len(calculations) > len(QUANTITIES)
    for left, right in calculations:
        difference = worked_out(left) - Fraction(right.rstrip("…").replace(",", ""))
        assert 0 <= difference < Fraction(1, 10**24), f"{left} = {right}"
        assert (difference > 0) == right.endswith("…"), f"{left} = {right}"


def test_a_row_ends_with_what_its_calculation_comes_to() -> None:
    for row in rows():
        (at,) = [at for at, cell in enumerate(row) if " = " in cell]
        _, result = row[at].rsplit(" = ", 1)
        assert row[at + 1] in {result.rstrip("…"), "no line"}
