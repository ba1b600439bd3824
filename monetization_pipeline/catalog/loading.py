"""A catalog from a folder of YAML files, or all that is wrong with it, each with file, line and field."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast, get_args

from pydantic import BaseModel, ValidationError

from monetization_pipeline.catalog.declared import Declared, read_declared
from monetization_pipeline.catalog.models import Catalog, Meter, Plan, Price, model_of, price_field, price_fields
from monetization_pipeline.catalog.validation import CatalogError, CheckMeter, describe, reference_problems
from monetization_pipeline.errors import Place
from monetization_pipeline.written import Entry, Loc, Problem

_M = TypeVar("_M", Meter, Plan)


def load_catalog(directory: Path, check_meter: CheckMeter | None = None) -> Catalog:
    """Every `*.yaml` and `*.yml` of `directory`, by name, merged into one catalog.

    `check_meter` looks at a meter's filter, value and dimensions and yields (field, problem); its problems are
    reported at the field's place like any other. Raises CatalogError listing everything wrong.
    """
    declared, problems = _read(directory)
    meters, meter_problems = _parsed(declared, "meters", "meter_id", Meter)
    plans, parse_problems = _parsed(declared, "plans", "plan_id", Plan)
    problems += meter_problems + parse_problems
    known: dict[str, Meter | None] = dict.fromkeys(_ids(declared, "meters", "meter_id"))
    known |= {meter.meter_id: meter for _, meter in meters}
    for item in declared:
        if item.entry.section == "plans":
            problems += [Problem(item.entry.place(loc), text) for loc, text in reference_problems(item.value, known)]
    if check_meter is not None:
        for item, meter in meters:
            problems += [Problem(item.entry.place(_loc(field)), text) for field, text in check_meter(meter)]
    if not declared and not problems:
        problems.append(Problem(Place(str(directory)), "the catalog is empty; declare meters and plans"))
    if problems:
        raise CatalogError(problems)
    return Catalog(meters=tuple(meter for _, meter in meters), plans=tuple(plan for _, plan in plans))


def _read(directory: Path) -> tuple[list[Declared], list[Problem]]:
    if not directory.is_dir():
        missing = "is not a folder" if directory.exists() else "does not exist"
        raise CatalogError([Problem(Place(str(directory)), f"{missing}; the catalog is a folder of YAML files")])
    paths = sorted(path for path in directory.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    if not paths:
        raise CatalogError(
            [Problem(Place(str(directory)), "holds no .yaml or .yml file; declare meters and plans in one")]
        )
    files = [read_declared(path) for path in paths]
    return (
        [item for file in files for item in file.declared],
        [problem for file in files for problem in file.problems],
    )


def _parsed(
    declared: Iterable[Declared], section: str, id_field: str, model: type[_M]
) -> tuple[list[tuple[Declared, _M]], list[Problem]]:
    parsed: list[tuple[Declared, _M]] = []
    problems: list[Problem] = []
    first: dict[str, Entry] = {}
    for item in declared:
        entry = item.entry
        if entry.section != section:
            continue
        item_id = _text_of(item, id_field)
        if item_id is not None and item_id in first:
            place = first[item_id].place((id_field,))
            text = f"{item_id} is declared twice, first at {place.file}:{place.line}; give one another id"
            problems.append(Problem(entry.place((id_field,)), text))
            continue
        if item_id is not None:
            first[item_id] = entry
        try:
            parsed.append((item, model.model_validate(item.value)))
        except ValidationError as error:
            problems += _problems(item, model, error)
    return parsed, problems


def _problems(item: Declared, model: type[BaseModel], error: ValidationError) -> Iterator[Problem]:
    for details in error.errors(include_url=False):
        owner, section = _owner(item, model, details["loc"])
        is_price = issubclass(owner, Price)
        known = price_fields() if owner is Price else tuple(owner.model_fields)
        text = describe(details, section, known, price_fields() if is_price else ())
        yield Problem(item.entry.place(details["loc"]), text)


def _owner(item: Declared, model: type[BaseModel], loc: Loc) -> tuple[type[BaseModel], str]:
    """The class of what has the field at `loc`, and the key under which it stands."""
    owner, section = model, item.entry.section
    said: object = item.value
    for step in loc[:-1]:
        if isinstance(step, str):
            declared = owner.model_fields.get(step) or (price_field(step) if issubclass(owner, Price) else None)
            owner, section = _class_in(declared.annotation if declared else None) or owner, step
        said = _at(said, step)
        if owner is Price:
            owner = model_of(said) or owner
    return owner, section


def _class_in(annotation: object) -> type[BaseModel] | None:
    """The model that a field holds: itself, or several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _class_in(part)) is not None), None)


def _at(said: object, step: str | int) -> object:
    if isinstance(said, dict):
        return cast("Mapping[object, object]", said).get(step)
    if isinstance(said, list) and isinstance(step, int):
        return cast("Sequence[object]", said)[step]
    return None


def _ids(declared: Iterable[Declared], section: str, id_field: str) -> list[str]:
    ids = (_text_of(item, id_field) for item in declared if item.entry.section == section)
    return [item_id for item_id in ids if item_id is not None]


def _text_of(item: Declared, field: str) -> str | None:
    value = _at(item.value, field)
    return value if isinstance(value, str) else None


def _loc(field: str) -> Loc:
    """`dimensions[2]` as a path; a plain field as itself."""
    name, _, index = field.rstrip("]").partition("[")
    return (name, int(index)) if index.isdecimal() else (name,)
