"""CSV files of customers: a header, then a record a row; dotted columns are nested fields."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import cast

from monetization_pipeline.customers.models import EntityKind
from monetization_pipeline.customers.moesif import ID_FIELDS
from monetization_pipeline.customers.records import CustomersFileError, FileRecord, FileRefusal, check_known
from monetization_pipeline.customers.values import MAX_DEPTH, RecordError
from monetization_pipeline.errors import Place
from monetization_pipeline.written import NotUtf8Error, decoded

_PREFIXES = {
    "companies": EntityKind.COMPANY,
    "users": EntityKind.USER,
    "subscriptions": EntityKind.SUBSCRIPTION,
}

_Path = tuple[str, ...]


def read_csv(file: str, data: bytes) -> list[FileRecord | FileRefusal]:
    """The records of a CSV file whose name says their kind; blank lines are none.

    Values are separated by commas, blanks around them do not count, an empty value is absent. Raises
    CustomersFileError for a name that says no kind, a header that is unusable, or quotes that do not close.
    """
    kind = _kind(file)
    lines = _text(file, data).splitlines(keepends=True)
    rows = _rows(file, lines)
    header = next(rows, None)
    if header is None:
        return []
    paths = _paths(file, kind, header)
    records: list[FileRecord | FileRefusal] = []
    for line, text, values in rows:
        if len(values) == len(paths):
            records.append(FileRecord(line, 1, kind, _nested(paths, values), text))
        else:
            reason = f"has {len(values)} values where the header has {len(paths)}; quote a value that has a comma in it"
            records.append(FileRefusal(line, 1, reason, text))
    return records


def _text(file: str, data: bytes) -> str:
    try:
        return decoded(file, data)
    except NotUtf8Error as error:
        raise CustomersFileError(error.place, error.reason) from None


def _kind(file: str) -> EntityKind:
    name = PurePath(file).name.lower()
    for prefix, kind in _PREFIXES.items():
        if name.startswith(prefix):
            return kind
    starts = ", ".join(f"{prefix}*.csv" for prefix in _PREFIXES)
    raise CustomersFileError(Place(file), f"does not say what it holds; name it {starts}")


def _rows(file: str, lines: Sequence[str]) -> Iterator[tuple[int, str, list[str]]]:
    """(first line, text, values) of each row that is not blank."""
    reader = csv.reader(lines, skipinitialspace=True, strict=True)
    before = 0
    while True:
        try:
            values = next(reader, None)
        except csv.Error as error:
            raise CustomersFileError(Place(file, before + 1), f"is not valid CSV: {error}") from None
        if values is None:
            return
        if any(value.strip() for value in values):
            yield before + 1, "".join(lines[before : reader.line_num]).rstrip("\r\n"), values
        before = reader.line_num


def _paths(file: str, kind: EntityKind, header: tuple[int, str, list[str]]) -> list[_Path]:
    """The field that each column fills, as the keys that lead to it."""
    line, _, columns = header
    names = [column.strip() for column in columns]
    paths = [tuple(name.split(".")) for name in names]
    for name, path in zip(names, paths, strict=True):
        problem = _column_problem(kind, name, path, names)
        if problem is not None:
            raise CustomersFileError(Place(file, line, name or None), problem)
    if ID_FIELDS[kind] not in names:
        problem = f"has no column {ID_FIELDS[kind]}; name it in the first line, columns separated by commas"
        raise CustomersFileError(Place(file, line), problem)
    return paths


def _column_problem(kind: EntityKind, name: str, path: _Path, names: list[str]) -> str | None:
    if not all(path) or len(path) >= MAX_DEPTH:
        return "has a column without a name; name each one"
    if Counter(names)[name] > 1:
        return "stands twice; keep one"
    if any(other.startswith(name + ".") for other in names):
        return "has a value and parts of its own; keep the one or the other"
    try:
        check_known(kind, path[0])
    except RecordError as error:
        return error.reason
    return None


def _nested(paths: list[_Path], values: list[str]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for path, value in zip(paths, map(str.strip, values), strict=True):
        if not value:
            continue
        inner = fields
        for key in path[:-1]:
            inner = cast("dict[str, object]", inner.setdefault(key, {}))
        inner[path[-1]] = value
    return fields
