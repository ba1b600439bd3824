"""What all parts of a catalog share: they are frozen, take no key that they do not know, and say what is wrong."""

from collections.abc import Iterable
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from monetization_pipeline.written import Loc

#: The type of an error whose message is a sentence already.
_SENTENCE = "catalog"


class CatalogPart(BaseModel, frozen=True, extra="forbid"):
    """A part of a catalog, valid once it exists."""


_P = TypeVar("_P", bound=CatalogPart)


def checked(part: _P, problems: Iterable[tuple[Loc, str]]) -> _P:
    """The part itself; raises ValidationError where there are problems, each with the way to its field."""
    refuse_if(type(part).__name__, [problem(loc, text) for loc, text in problems])
    return part


def problem(loc: Loc, text: str) -> InitErrorDetails:
    """A sentence as an error of the field at `loc`."""
    return InitErrorDetails(type=PydanticCustomError(_SENTENCE, "{text}", {"text": text}), loc=loc, input=None)


def details_of(error: ValidationError, around: Loc = ()) -> list[InitErrorDetails]:
    """The errors of an error, to be raised again with others; `around` is the way to what they are about."""
    found: list[InitErrorDetails] = []
    for details in error.errors(include_url=False):
        loc = (*around, *details["loc"])
        if details["type"] == _SENTENCE:
            found.append(problem(loc, details["msg"]))
        else:
            found.append(
                InitErrorDetails(type=details["type"], loc=loc, input=details["input"], ctx=details.get("ctx", {}))
            )
    return found


def refuse_if(name: str, details: list[InitErrorDetails]) -> None:
    """Raise ValidationError where there are `details`; `name` is what is refused."""
    if details:
        raise ValidationError.from_exception_data(name, details)
