"""What meters read of events: each JSON leaf once, as a column of its own; and what is there and cannot be read."""

from collections.abc import Iterable

from monetization_pipeline.expressions import EventScope, Path, Reference, Unreadable
from monetization_pipeline.expressions.quoting import identifier, json_leaf, json_leaves, json_path, text_literal
from monetization_pipeline.expressions.scopes import MAY_BE_UNREADABLE, OPTIONAL, numbered

#: Expressions over the columns of `events` as they are.
EVENTS = EventScope()

#: How the first version wrote a result of arithmetic, and a whole JSON number that was sent with a fraction.
_FORMER_RESULT = r"^-?[0-9]+\.[0-9]{12}$"
_FORMER_FRACTION = r"^-?[0-9]+\.0$"

_METADATA = "metadata"


class LeafScope:
    """Names of an event's columns, where each of some JSON paths is a column of its own, made by `leaf_columns`.

    Those columns are numbered: what a user wrote is no name in SQL (see `expressions.scopes.numbered`). Beside each
    that may be there without being readable stands another, which says whether it is.
    """

    known = EVENTS.known

    def __init__(self, paths: Iterable[Path]) -> None:
        self._columns = {path: f"leaf_{place}" for place, path in enumerate(_leaves(paths), 1)}

    def resolve(self, path: Path) -> Reference | None:
        """The column that a path names, a JSON path that of its leaf; None where there is none."""
        found = EVENTS.resolve(path)
        name, *below = path
        column = str(name).lower()
        if found is not None and below:
            column = self._columns[path]
            return Reference(column, found.kind, Unreadable(f"unread_{column}", _unreadable_leaf(path)))
        if found is None or column not in MAY_BE_UNREADABLE:
            return found
        unreadable = Unreadable(f"unread_{column}", _unreadable(column))
        return Reference(found.sql, found.kind, unreadable, optional=column in OPTIONAL)


def leaf_list(paths: Iterable[Path]) -> str:
    """SQL of a list of all JSON leaves at paths that meters read: each text is parsed once."""
    return json_leaves(identifier(_METADATA), [path[1:] for path in _leaves(paths)])


def leaf_columns(paths: Iterable[Path]) -> dict[str, str]:
    """The columns that a LeafScope names beside those of events: SQL over those, and over the list named `leaves`."""
    columns: dict[str, str] = {}
    for place, path in enumerate(_leaves(paths), 1):
        leaf, unreadable = f"leaves[{place}]", _unreadable_leaf(path)
        # Most events have nothing that cannot be read; those of the first version do not say.
        columns[f"leaf_{place}"] = f"""CASE
            WHEN unreadable = '{{}}' THEN {leaf}
            WHEN unreadable IS NULL THEN {_former(leaf, path)}
            WHEN {unreadable} IS NULL THEN {leaf} END"""
        columns[f"unread_leaf_{place}"] = _is_unreadable(unreadable)
    return columns | {f"unread_{name}": _is_unreadable(_unreadable(name)) for name in sorted(MAY_BE_UNREADABLE)}


def _is_unreadable(said: str) -> str:
    return f"CASE WHEN unreadable <> '{{}}' THEN {said} IS NOT NULL ELSE false END"


def _unreadable(name: str) -> str:
    """SQL of what is there, and cannot be read, under a name that the column `unreadable` has; else NULL."""
    return json_leaf("unreadable", (name,))


def _unreadable_leaf(path: Path) -> str:
    """The same of a JSON path: of the key that holds it, or of all metadata."""
    _, key, *_ = path
    return f"coalesce({_unreadable(f'{_METADATA}.{key}')}, {_unreadable(_METADATA)})"


def _former(leaf: str, path: Path) -> str:
    """A leaf of an event of the first version, which wrote numbers in several ways: by the number's one text."""
    json = f"json_extract({identifier(_METADATA)}, {text_literal(json_path(path[1:]))})"
    return f"""CASE
        WHEN regexp_matches({leaf}, '{_FORMER_RESULT}') THEN rtrim(rtrim({leaf}, '0'), '.')
        WHEN regexp_matches({leaf}, '{_FORMER_FRACTION}') AND CAST({json} AS VARCHAR) = {leaf}
            THEN split_part({leaf}, '.', 1)
        ELSE {leaf} END"""


def _leaves(paths: Iterable[Path]) -> list[Path]:
    return numbered(path for path in paths if len(path) > 1)
