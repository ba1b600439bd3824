"""What prices of all models share. Each model has a file of its own beside this one, and its line in `prices`."""

from decimal import Decimal
from typing import ClassVar, Self, get_args

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails

from monetization_pipeline.catalog.fields import Amount, Id, Names
from monetization_pipeline.catalog.models.common import CatalogPart, details_of, problem
from monetization_pipeline.catalog.models.transform import Transform


class Price(CatalogPart, frozen=True):
    """How one meter, or a recurring fee, is charged; `model` is the word for it in a catalog.

    A class of a model says `model: Literal[…]`, and in `takes` which fields are its own, in the order in which people
    are told of them.
    """

    takes: ClassVar[tuple[str, ...]] = ()

    price_id: Id = Field(description="its id, which stands once in a plan; ids of lines are made of it")
    model: str = Field(description="the word for the price model")
    meter: Id | None
    description: str = Field("", description="what the company reads on its invoice; without one, the `price_id`")

    @model_validator(mode="wrap")
    @classmethod
    def _in_words(cls, value: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            found = zip(error.errors(include_url=False), details_of(error), strict=True)
            details = [cls._said(each) or again for each, again in found]
            raise ValidationError.from_exception_data(cls.__name__, details) from None

    @classmethod
    def _said(cls, error: ErrorDetails) -> InitErrorDetails | None:
        """What is missing, in the words of the model; None for any other error."""
        field = error["loc"][0] if len(error["loc"]) == 1 else ""
        if error["type"] == "missing" and field == "meter":
            return problem(error["loc"], f"is missing: a {cls.word()} price charges a meter")
        if error["type"] in ("missing", "too_short") and field in cls.takes:
            return problem(error["loc"], f"is missing: a {cls.word()} price needs it")
        if error["type"] == "none_required" and field == "meter":
            return problem(error["loc"], METERS_ALONE)
        return None

    @classmethod
    def word(cls) -> str:
        """The price model as a catalog names it."""
        return str(get_args(cls.model_fields["model"].annotation)[0])

    @property
    def is_fee(self) -> bool:
        """Whether the price is a recurring fee rather than a price of usage."""
        return self.meter is None

    @property
    def in_advance(self) -> bool:
        """Whether the price is a fee that is due as its period begins."""
        return False


class MeterPrice(Price, frozen=True):
    """A price of usage: of what a meter measures in a period, once for each group.

    `transform` and `included_units` make units of the quantity (rule 10), before the model charges them.
    """

    meter: Id = Field(description="id of the meter whose quantity is charged")
    included_units: Amount = Field(Decimal(0), description="units of a period that are free; the transform comes first")
    transform: Transform | None = Field(None, description="what makes units of the period's whole quantity")
    group_by: Names = Field(
        (),
        description="dimensions of the meter: each combination of their values is a line, with tiers and included "
        "units of its own",
    )


#: What is said of a field of usage that a fee has, and the other way round.
METERS_ALONE = "is for prices of a meter, not for a flat fee"
FEES_ALONE = "is for flat fees alone"
