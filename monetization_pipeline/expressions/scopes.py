"""The two sets of names there are: the columns of `events`, and the fields of a raw record."""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from monetization_pipeline.expressions.model import ExpressionError, Kind, Path, Reference, show
from monetization_pipeline.expressions.quoting import identifier, json_leaf, json_path

_TEXTS = (
    "event_id event_type action_name company_id user_id subscription_id session_token verb uri route api_version "
    "blocked_by direction source"
)
_INTEGERS = "status duration_ms request_size response_size weight"
_INSTANTS = "occurred_at received_at"
_JSON = "metadata"

#: The columns of `events` that an expression may read, apart from `metadata.<path>`.
EVENT_COLUMNS: Mapping[str, Kind] = MappingProxyType(
    {
        name: kind
        for names, kind in ((_TEXTS, Kind.TEXT), (_INTEGERS, Kind.INTEGER), (_INSTANTS, Kind.INSTANT))
        for name in names.split()
    }
)

#: json_transform refuses an empty structure, so one without fields asks for a field that nobody reads.
_NO_FIELDS = '{"_":"VARCHAR"}'

_Tree: TypeAlias = "dict[str, _Tree | str]"


class EventScope:
    """Columns of the `events` dataset, optionally of a table alias; column names in any case.

    `metadata` must hold valid JSON text or NULL, as ingest writes it: its paths are LOOSE.

    >>> EventScope("e").resolve(("status",)).sql, EventScope().resolve(("stauts",)) is None
    ('"e"."status"', True)
    """

    def __init__(self, alias: str | None = None) -> None:
        self._prefix = "" if alias is None else f"{identifier(alias)}."

    @property
    def known(self) -> tuple[str, ...]:
        return (*EVENT_COLUMNS, f"{_JSON}.<path>")

    def resolve(self, path: Path) -> Reference | None:
        name = str(path[0]).lower()
        column = self._prefix + identifier(name)
        if name == _JSON and len(path) > 1:
            return Reference(json_leaf(column, path[1:]), Kind.LOOSE)
        if name not in EVENT_COLUMNS or len(path) > 1:
            return None
        return Reference(column, EVENT_COLUMNS[name])


class RecordScope:
    """Fields of a raw record: any path is LOOSE, names are those of the JSON object, case included.

    `paths` are all the paths that a format's mappings read (`paths_of` each of them). Those that
    `struct_spec(paths)` covers are read from the struct column `record`, made by
    `json_transform(text, struct_spec(paths))`: one parse for all of them. The others are read from the
    column `text`, which must hold valid JSON.

    >>> RecordScope([("user", "id")]).resolve(("user", "id")).sql
    '"r"."user"."id"'
    """

    def __init__(self, paths: Iterable[Path] = (), *, record: str = "r", text: str = "text") -> None:
        self._struct = _struct_paths(paths)
        self._record = identifier(record)
        self._text = identifier(text)

    @property
    def known(self) -> tuple[str, ...]:
        return ()

    def resolve(self, path: Path) -> Reference | None:
        json_path(path)
        if path in self._struct:
            fields = "".join(f".{identifier(str(part))}" for part in path)
            return Reference(self._record + fields, Kind.LOOSE)
        return Reference(json_leaf(self._text, path), Kind.LOOSE)


def struct_spec(paths: Iterable[Path]) -> str:
    """The structure (JSON text) for json_transform that reads, as VARCHAR, each path a struct can hold.

    json_transform gives a string's content, other values' JSON text, and NULL where a parent is no object.

    >>> struct_spec([("user", "id"), ("method",)])
    '{"method":"VARCHAR","user":{"id":"VARCHAR"}}'
    """
    tree: _Tree = {}
    for path in sorted(_struct_paths(paths), key=show):
        node = tree
        for part in path[:-1]:
            inner = node.setdefault(str(part), {})
            if isinstance(inner, str):
                raise ExpressionError(f"{show(path)} lies below a field that is read as text")
            node = inner
        node[str(path[-1])] = "VARCHAR"
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")) if tree else _NO_FIELDS


def _struct_paths(paths: Iterable[Path]) -> frozenset[Path]:
    """Paths that one struct can hold: without an index, no prefix of another, unlike any other when case is ignored.

    DuckDB's struct fields ignore case, and a field is either text or a struct.
    """
    named = {path for path in paths if path and all(isinstance(part, str) for part in path)}
    spellings: dict[Path, set[Path]] = {}
    prefixes: set[Path] = set()
    for path in named:
        for length in range(1, len(path) + 1):
            spellings.setdefault(_folded(path[:length]), set()).add(path[:length])
        prefixes.update(path[:length] for length in range(1, len(path)))
    return frozenset(
        path
        for path in named
        if path not in prefixes
        and all(len(spellings[_folded(path[:length])]) == 1 for length in range(1, len(path) + 1))
    )


def _folded(path: Path) -> Path:
    return tuple(str(part).lower() for part in path)
