"""Meters: which events count, and how they become a quantity."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from monetization_pipeline.catalog.fields import Expression, Flag, Id, Names
from monetization_pipeline.catalog.models.common import CatalogPart, checked
from monetization_pipeline.written import Loc


class EventType(StrEnum):
    """The two kinds of event."""

    API_CALL = "api_call"
    ACTION = "action"


class Aggregation(StrEnum):
    """How a meter's events become one quantity."""

    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    LATEST = "latest"
    UNIQUE_COUNT = "unique_count"


class Direction(StrEnum):
    """Whose call it is. An event that says nothing is incoming."""

    INCOMING = "Incoming"
    OUTGOING = "Outgoing"
    INTERNAL = "Internal"


def _directions(values: tuple[Direction, ...]) -> tuple[Direction, ...]:
    if not values:
        raise ValueError("names no direction, so the meter would count nothing; leave it out for Incoming alone")
    return tuple(sorted(set(values)))


class Meter(CatalogPart, frozen=True):
    """Which events count, and how they become a quantity. `event_type` None takes both kinds.

    Blocked calls and those of other directions than the named ones are left out (rule 5).
    """

    meter_id: Id
    event_type: EventType | None = None
    action_name: str | None = None
    filter: Expression | None = None
    aggregation: Aggregation
    value: Expression | None = None
    dimensions: Names = ()
    count_blocked: Flag = False
    directions: Annotated[tuple[Direction, ...], AfterValidator(_directions)] = (Direction.INCOMING,)
    description: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        return checked(self, _problems(self))


def _problems(meter: Meter) -> Iterator[tuple[Loc, str]]:
    counts = meter.aggregation is Aggregation.COUNT
    if counts and meter.value is not None:
        yield ("value",), "is not used by aggregation count; leave it out, or sum the value"
    if not counts and meter.value is None:
        yield ("value",), f"is missing: aggregation {meter.aggregation} needs the value to aggregate"
    if meter.action_name is not None and meter.event_type is EventType.API_CALL:
        yield ("action_name",), "names an action, but event_type is api_call"
