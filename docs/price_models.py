"""docs/price_models.md: each price model with its fields, and examples that the code that rates works out."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from enum import EnumType
from inspect import getdoc
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.markdown import MADE, code, table
from docs.price_examples import Active, Example, Quantity, examples, fee_step, number, surroundings, usage_steps
from monetization_pipeline.catalog.models import PRICE_MODELS, FlatPrice, MeterPrice, Price
from monetization_pipeline.money import plain, round_amount


def page() -> Iterator[str]:
    """The page, a line at a time."""
    yield from ("# Price models", "", MADE, "")
    yield f"What a price can be: {', '.join(f'[{word}](#{word})' for word in PRICE_MODELS)}."
    yield "How events become the quantity of a period, and what an invoice makes of exact amounts, is in"
    yield "[money.md](money.md); the rules are [9](rules.md#9-tiers), [10](rules.md#10-quantities) and"
    yield "[12](rules.md#12-changes-within-a-period)."
    yield ""
    yield "The figures are worked out by the code that rates, and held against figures worked out by hand. Where a"
    yield "quotient has no end, its exact amount is cut off after 24 digits (`…`). Days and due dates are those of a"
    yield "company in UTC. Each example stands where this catalog ends:"
    yield from ("", *_block(surroundings()), "")
    yield from _common()
    for word, model in PRICE_MODELS.items():
        yield from (f"## {word}", "", _meaning(model), "", *_fields(model, MeterPrice.model_fields), "")
        for example in examples().get(word, ()):
            yield from _example(example)


def _common() -> Iterator[str]:
    usage = set(MeterPrice.model_fields) - set(Price.model_fields) | {"meter"}
    yield from ("## Every price", "", *_fields(Price, {"meter"}), "")
    yield from ("## Every price of usage", "", f"All but {code(_fees())}. {_meaning(MeterPrice)}", "")
    yield from (*_fields(MeterPrice, set(MeterPrice.model_fields) - usage), "")
    for name, part in parts().items():
        yield from (f"## {name}", "", _meaning(part), "", *_fields(part), "")


def _fees() -> Iterator[str]:
    return (word for word, model in PRICE_MODELS.items() if not issubclass(model, MeterPrice))


# --- fields ----------------------------------------------------------------------------------------------------------


def parts() -> dict[str, type[BaseModel]]:
    """What prices are made up of beside plain fields, by the first field that holds it."""
    found: dict[str, type[BaseModel]] = {}
    for model in PRICE_MODELS.values():
        for name, field in model.model_fields.items():
            part = _part(field.annotation)
            if part is not None:
                found.setdefault(name, part)
    return found


def _part(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _part(each)) is not None), None)


def _fields(part: type[BaseModel], without: Collection[str] = ()) -> Iterator[str]:
    fields = {name: field for name, field in part.model_fields.items() if name not in without}
    rows = ((f"`{name}`", _says(name, field), _default(field), _required(field)) for name, field in fields.items())
    return table(("field", "meaning", "default", "required"), rows)


def _says(name: str, field: FieldInfo) -> str:
    said = field.description or ""
    choices = next(
        (each for each in (field.annotation, *get_args(field.annotation)) if isinstance(each, EnumType)), None
    )
    if choices is not None:
        said += f" ({code(str(each) for each in choices)})"
    if _part(field.annotation) is not None:
        said += f" ([fields](#{name}))"
    return said


def _default(field: FieldInfo) -> str:
    if field.is_required() or field.default in (None, "", ()):
        return ""
    return f"`{plain(field.default) if isinstance(field.default, Decimal) else field.default}`"


def _required(field: FieldInfo) -> str:
    return "yes" if field.is_required() else ""


def _meaning(part: type[BaseModel]) -> str:
    return " ".join((getdoc(part) or "").split())


# --- examples --------------------------------------------------------------------------------------------------------


def _example(example: Example) -> Iterator[str]:
    yield from (f"### {example.name}", "", *_block(example.written), "")
    currency, price = example.plan.currency, example.price
    if isinstance(price, MeterPrice):
        header = ("", "quantity", "calculation", "exact amount", "invoiced")
        yield from table(header, (_usage_row(price, each, currency) for each in example.quantities))
    if isinstance(price, FlatPrice):
        header = ("", "billing period", "active", "calculation", "exact amount", "invoiced", "due")
        yield from table(header, (_fee_row(example, price, each) for each in example.active))
    yield ""


def _usage_row(price: MeterPrice, asked: Quantity, currency: str) -> tuple[str, ...]:
    steps, amount = usage_steps(price, Decimal(asked.quantity))
    return asked.shows, number(asked.quantity), "; ".join(steps), *_amounts(amount, currency)


def _fee_row(example: Example, price: FlatPrice, asked: Active) -> tuple[str, ...]:
    step, line = fee_step(example.plan, price, asked)
    start, end = asked.bounds
    said = [f"{word} {bound:%Y-%m-%d %H:%M}" for word, bound in (("from", start), ("to", end)) if bound is not None]
    row = asked.shows, asked.month, " ".join(said) or "throughout", step
    if line is None:
        return *row, "no line", "", ""
    return *row, *_amounts(line.amount, line.currency), f"{line.bill_at:%Y-%m-%d %H:%M}"


def _amounts(amount: Decimal, currency: str) -> tuple[str, str]:
    return number(plain(amount)), f"{round_amount(amount, currency):,f} {currency}"


def _block(text: str) -> Iterator[str]:
    yield from ("```yaml", *text.rstrip("\n").split("\n"), "```")
