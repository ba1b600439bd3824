"""What can be wrong with a catalog, in words, and the checks that look at more than one of its parts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import cast

from pydantic_core import ErrorDetails

from monetization_pipeline.catalog.models import Meter
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.written import Loc, Problem

#: Looks at one meter's expressions and names each wrong field with its problem.
CheckMeter = Callable[[Meter], Iterable[tuple[str, str]]]

_LATER = frozenset(
    (
        *("minimum", "maximum", "discount", "discounts", "coupon", "coupons", "credits", "tax", "taxes"),
        *("effective_from", "trial", "trial_days"),
    )
)
_UNSUPPORTED_KEYS: Mapping[str, frozenset[str]] = {
    "catalog": frozenset(("discounts", "coupons", "credits", "grants", "tax", "taxes")),
    "meters": frozenset(("percentile", "weight", "window")),
    "plans": _LATER | {"anchor", "billing_anchor", "time_zone", "zone", "before_discounts"},
    "prices": _LATER
    | {"minimum_amount", "maximum_amount", "interval", "matrix"}
    | {"rate", "fixed_amount", "free_events", "free_amount"},
}
_UNSUPPORTED_VALUES: Mapping[str, frozenset[str]] = {
    "model": frozenset(("stairstep", "percentage", "graduated_percentage", "dynamic", "matrix")),
    "aggregation": frozenset(("avg", "weighted_sum", "percentile")),
    "interval": frozenset(("day", "week", "quarter", "half_year", "year")),
}
_SHAPES = {
    "missing": "is missing",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "string_type": "must be text",
}


class CatalogError(MonetizeError):
    """Everything that is wrong with a catalog, one problem a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        def by_place(problem: Problem) -> tuple[str, int, str]:
            return problem.place.file, problem.place.line or 0, problem.text

        self.problems = tuple(sorted(problems, key=by_place))
        count = len(self.problems)
        head = "the catalog has an error:" if count == 1 else f"the catalog has {count} errors:"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


def unknown_section(name: str) -> str:
    """What is wrong with a top-level key that is neither meters nor plans."""
    if name in _UNSUPPORTED_KEYS["catalog"]:
        return f"{name} is not supported yet; leave it out"
    return "is not a section of a catalog; use meters or plans"


def describe(error: ErrorDetails, section: str, known: Sequence[str], others: Sequence[str] = ()) -> str:
    """A pydantic error as a sentence about the field.

    `section` and `known` are the kind of its object and its keys; `others` are keys of other objects of that kind.
    """
    kind, name = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        if name in _UNSUPPORTED_KEYS.get(section, ()):
            return f"{name} is not supported yet; leave it out"
        near = get_close_matches(name, dict.fromkeys((*known, *others)), n=1)
        return f"is not a known key; did you mean {near[0]}?" if near else f"is not a known key; use {', '.join(known)}"
    if kind in ("enum", "literal_error"):
        named = next((str(part) for part in reversed(error["loc"]) if isinstance(part, str)), "")
        return _wrong_choice(named, error["input"], str(error.get("ctx", {}).get("expected", "")))
    if kind == "value_error":
        return error["msg"].removeprefix("Value error, ")
    return _SHAPES.get(kind, error["msg"])


def _wrong_choice(field: str, value: object, expected: str) -> str:
    noun = {"model": "price model", "directions": "direction"}.get(field, field)
    choices = expected.replace("'", "")
    if isinstance(value, str) and value in _UNSUPPORTED_VALUES.get(field, ()):
        return f"{noun} {value} is not supported yet; use {choices}"
    return f"{value!r} is not a known {noun}; use {choices}"


def reference_problems(plan: object, meters: Mapping[str, Meter | None]) -> Iterator[tuple[Loc, str]]:
    """Prices of a plan, as read, whose meter does not exist, or that group by what it has no dimension for.

    It looks at the text, so that a plan with another error has these reported as well. A meter that is declared but
    itself wrong is None in `meters`, and judged no further.
    """
    for index, price in enumerate(_items(_mapping(plan).get("prices"))):
        name = _mapping(price).get("meter")
        if not isinstance(name, str):
            continue
        if name not in meters:
            near = get_close_matches(name, meters, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; declare it under meters"
            yield ("prices", index, "meter"), f"there is no meter {name}{hint}"
            continue
        meter = meters[name]
        groups = [str(group) for group in _items(_mapping(price).get("group_by"))]
        unknown = [] if meter is None else [group for group in groups if group not in meter.dimensions]
        if unknown:
            text = f"{', '.join(unknown)} is no dimension of meter {name}; add it to the meter's dimensions"
            yield ("prices", index, "group_by"), text


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _items(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list) else ()
