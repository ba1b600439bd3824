"""A catalog from a folder of YAML files, or all that is wrong with it, each with file, line and field."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from monetization_pipeline.catalog.models import Catalog, Meter, Plan, Price, Tier, Transform
from monetization_pipeline.catalog.sources import Entry, read_source
from monetization_pipeline.catalog.validation import (
    CatalogError,
    CheckMeter,
    Loc,
    Problem,
    describe,
    reference_problems,
)
from monetization_pipeline.errors import Place

_M = TypeVar("_M", Meter, Plan)
_NESTED: Mapping[str, type[BaseModel]] = {"prices": Price, "tiers": Tier, "transform": Transform}


def load_catalog(directory: Path, check_meter: CheckMeter | None = None) -> Catalog:
    """Every `*.yaml` and `*.yml` of `directory`, by name, merged into one catalog.

    `check_meter` looks at a meter's filter, value and dimensions and yields (field, problem); its problems are
    reported at the field's place like any other. Raises CatalogError listing everything wrong.
    """
    entries, problems = _read(directory)
    meters, meter_problems = _parsed(entries, "meters", "meter_id", Meter)
    plans, parse_problems = _parsed(entries, "plans", "plan_id", Plan)
    problems += meter_problems + parse_problems
    known: dict[str, Meter | None] = dict.fromkeys(_declared(entries, "meters", "meter_id"))
    known |= {meter.meter_id: meter for _, meter in meters}
    for entry in entries:
        if entry.section == "plans":
            problems += [Problem(entry.place(loc), text) for loc, text in reference_problems(entry.value, known)]
    if check_meter is not None:
        for entry, meter in meters:
            problems += [Problem(entry.place(_loc(field)), text) for field, text in check_meter(meter)]
    if not entries and not problems:
        problems.append(Problem(Place(str(directory)), "the catalog is empty; declare meters and plans"))
    if problems:
        raise CatalogError(problems)
    return Catalog(meters=tuple(meter for _, meter in meters), plans=tuple(plan for _, plan in plans))


def _read(directory: Path) -> tuple[list[Entry], list[Problem]]:
    if not directory.is_dir():
        missing = "is not a folder" if directory.exists() else "does not exist"
        raise CatalogError([Problem(Place(str(directory)), f"{missing}; the catalog is a folder of YAML files")])
    paths = sorted(path for path in directory.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    if not paths:
        raise CatalogError(
            [Problem(Place(str(directory)), "holds no .yaml or .yml file; declare meters and plans in one")]
        )
    sources = [read_source(path) for path in paths]
    return (
        [entry for source in sources for entry in source.entries],
        [problem for source in sources for problem in source.problems],
    )


def _parsed(
    entries: Iterable[Entry], section: str, id_field: str, model: type[_M]
) -> tuple[list[tuple[Entry, _M]], list[Problem]]:
    parsed: list[tuple[Entry, _M]] = []
    problems: list[Problem] = []
    first: dict[str, Entry] = {}
    for entry in entries:
        if entry.section != section:
            continue
        item_id = _text_of(entry, id_field)
        if item_id is not None and item_id in first:
            place = first[item_id].place((id_field,))
            text = f"{item_id} is declared twice, first at {place.file}:{place.line}; give one another id"
            problems.append(Problem(entry.place((id_field,)), text))
            continue
        if item_id is not None:
            first[item_id] = entry
        try:
            parsed.append((entry, model.model_validate(entry.value)))
        except ValidationError as error:
            problems += _problems(entry, model, error)
    return parsed, problems


def _problems(entry: Entry, model: type[BaseModel], error: ValidationError) -> Iterator[Problem]:
    for details in error.errors(include_url=False):
        owner, section = model, entry.section
        for step in details["loc"][:-1]:
            if step in _NESTED:
                owner, section = _NESTED[str(step)], str(step)
        yield Problem(entry.place(details["loc"]), describe(details, section, tuple(owner.model_fields)))


def _declared(entries: Iterable[Entry], section: str, id_field: str) -> list[str]:
    ids = (_text_of(entry, id_field) for entry in entries if entry.section == section)
    return [item_id for item_id in ids if item_id is not None]


def _text_of(entry: Entry, field: str) -> str | None:
    if not isinstance(entry.value, dict):
        return None
    value = cast("Mapping[str, object]", entry.value).get(field)  # pyright: ignore[reportUnknownMemberType]
    return value if isinstance(value, str) else None


def _loc(field: str) -> Loc:
    """`dimensions[2]` as a path; a plain field as itself."""
    name, _, index = field.rstrip("]").partition("[")
    return (name, int(index)) if index.isdecimal() else (name,)
