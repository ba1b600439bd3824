"""How a price as it is written finds its class: a tagged union, discriminated on `model`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, cast

from pydantic import BeforeValidator, SerializeAsAny, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails

from monetization_pipeline.catalog.models.common import details_of, problem, refuse_if
from monetization_pipeline.catalog.models.flat import FlatPrice
from monetization_pipeline.catalog.models.price import FEES_ALONE, METERS_ALONE, MeterPrice, Price
from monetization_pipeline.catalog.models.prices import PRICE_MODELS, model_of, price_field


def price_of(content: object) -> Price:
    """A price as its `model` reads it. Null is the same as leaving a field out. Raises ValidationError.

    A field of other models that says what leaving it out says (`included_units: 0` of a fee) is passed over.
    """
    if isinstance(content, tuple(PRICE_MODELS.values())):
        return content
    if not isinstance(content, dict):
        details = InitErrorDetails(type="model_type", input=content, ctx={"class_name": Price.__name__})
        raise ValidationError.from_exception_data(Price.__name__, [details])
    said = {name: value for name, value in cast("Mapping[str, object]", content).items() if value is not None}
    model = model_of(said)
    if model is None:
        raise ValidationError.from_exception_data(Price.__name__, list(_without_model(said)))
    foreign = {
        name: declared
        for name in said
        if name not in model.model_fields and (declared := price_field(name)) is not None
    }
    problems = [
        details for name, declared in foreign.items() for details in _misplaced(model, name, declared, said[name])
    ]
    try:
        price = model.model_validate({name: value for name, value in said.items() if name not in foreign})
    except ValidationError as error:
        problems = [*details_of(error), *problems]
        raise ValidationError.from_exception_data(model.__name__, problems) from None
    refuse_if(model.__name__, problems)
    return price


#: A price of any model, as the field of a plan.
AnyPrice = Annotated[SerializeAsAny[Price], BeforeValidator(price_of)]


def _without_model(said: Mapping[str, object]) -> Iterator[InitErrorDetails]:
    """What can be told of a price whose model is missing or unknown: that, its common fields, and unknown keys."""
    if "model" in said:
        *others, last = (repr(word) for word in PRICE_MODELS)
        expected = f"{', '.join(others)} or {last}"
        yield InitErrorDetails(type="enum", loc=("model",), input=said["model"], ctx={"expected": expected})
    common = {name: value for name, value in said.items() if name in Price.model_fields}
    try:
        Price.model_validate({"meter": None} | common | ({"model": ""} if "model" in said else {}))
    except ValidationError as error:
        yield from details_of(error)
    for name, value in said.items():
        declared = price_field(name)
        if declared is None:
            yield InitErrorDetails(type="extra_forbidden", loc=(name,), input=value)
        elif name not in common:
            try:
                _told(declared, value)
            except ValidationError as error:
                yield from details_of(error, (name,))


def _told(declared: FieldInfo, value: object) -> object:
    """What a field is told, None where a list that has to be there is empty. Raises ValidationError."""
    if declared.is_required() and value in ((), []):
        return None
    return TypeAdapter(declared.rebuild_annotation()).validate_python(value)


def _misplaced(model: type[Price], field: str, declared: FieldInfo, value: object) -> list[InitErrorDetails]:
    """What is wrong with a field of other models: what it says, else that it stands here at all."""
    try:
        told = _told(declared, value)
    except ValidationError as error:
        return details_of(error, (field,))
    if told == (None if declared.is_required() else declared.default):
        return []
    if field in MeterPrice.model_fields:
        return [problem((field,), METERS_ALONE)]
    if field in FlatPrice.model_fields and field not in FlatPrice.takes:
        return [problem((field,), FEES_ALONE)]
    return [problem((field,), f"does not belong to a {model.word()} price; it takes {', '.join(model.takes)}")]
