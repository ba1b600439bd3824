"""A file of the catalog as the meters and plans that it declares, and what is wrong with its shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from monetization_pipeline.catalog.validation import unknown_section
from monetization_pipeline.errors import Place
from monetization_pipeline.written import (
    ControlCharacterError,
    Entry,
    Fields,
    NotUtf8Error,
    Pair,
    Problem,
    Written,
    WrittenError,
    entries,
    plain,
    read_file,
    shape_problems,
)

#: Keys for which `null` is a value; elsewhere it is the same as leaving the key out.
_NULL_MEANS_SOMETHING = frozenset({"up_to"})
_SECTIONS = ("meters", "plans")


@dataclass(frozen=True, slots=True)
class Declared:
    """A meter or a plan as it is written: `value` holds mappings, lists, text, and None where that is a value."""

    entry: Entry
    value: object


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """What one file holds, and what was wrong with its shape."""

    declared: tuple[Declared, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_declared(path: Path) -> CatalogFile:
    """Read one file. Unreadable text, bad YAML, doubled or unknown sections become problems, never exceptions."""
    try:
        written = read_file(path)
    except WrittenError as error:
        return CatalogFile(problems=(_unreadable(error),))
    if written.root is None:
        return CatalogFile()
    problems = shape_problems(written, "a catalog")
    if problems:
        return CatalogFile(problems=tuple(problems))
    if not isinstance(written.root, Fields):
        return CatalogFile(problems=(Problem(written.place(), "must hold meters: and plans:"),))
    found: list[Declared] = []
    for section in written.root.pairs:
        items = entries(written, section) if section.name in _SECTIONS else None
        if items is None:
            problems.append(_no_section(written, section))
        else:
            found += [Declared(entry, _said(plain(entry.node))) for entry in items]
    return CatalogFile(tuple(found), tuple(problems))


def _unreadable(error: WrittenError) -> Problem:
    match error:
        case NotUtf8Error():
            return Problem(Place(error.place.file), f"is not UTF-8 text (byte {error.byte}); save it as UTF-8")
        case ControlCharacterError():
            return Problem(Place(error.place.file), error.reason)
        case _:
            return Problem(error.place, error.reason)


def _no_section(written: Written, section: Pair) -> Problem:
    name = section.name or ""
    if name not in _SECTIONS:
        return Problem(Place(written.file, section.key.line, name), unknown_section(name))
    return Problem(Place(written.file, section.value.line, name), "must be a list; start each item with a dash")


def _said(value: object) -> object:
    if isinstance(value, dict):
        fields = cast("Mapping[str, object]", value).items()
        return {key: _said(item) for key, item in fields if item is not None or key in _NULL_MEANS_SOMETHING}
    if isinstance(value, list):
        return [_said(item) for item in cast("list[object]", value)]
    return value
