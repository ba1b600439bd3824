"""The two sets of names there are: the columns of `events`, and the fields of a raw record."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from monetization_pipeline.expressions.model import Kind, Path, Reference, show
from monetization_pipeline.expressions.quoting import identifier, json_leaf, json_leaves

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

#: Those of them that may be there and not be readable, which the column `unreadable` of `events` says; for what all
#: meters need, the record is refused.
MAY_BE_UNREADABLE = frozenset(
    (
        "session_token",
        "verb",
        "uri",
        "route",
        "status",
        "duration_ms",
        "request_size",
        "response_size",
        "api_version",
        "blocked_by",
    )
)
#: Those of these that count as absent then, to all but a meter that measures them.
OPTIONAL = frozenset(("duration_ms", "request_size", "response_size"))

#: Where no path is read, the text is parsed all the same.
_NOBODY_READS: Sequence[Path] = (("_",),)


class EventScope:
    """Columns of the `events` dataset, optionally of a table alias; column names in any case, paths as they are.

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
        name = str(path[0])
        name = name.lower() if name.isascii() else name
        column = self._prefix + identifier(name)
        if name == _JSON and len(path) > 1:
            return Reference(json_leaf(column, path[1:]), Kind.LOOSE)
        if name not in EVENT_COLUMNS or len(path) > 1:
            return None
        return Reference(column, EVENT_COLUMNS[name])


class RecordScope:
    """Fields of a raw record: any path is LOOSE, names are those of the JSON object, case included.

    `paths` are all the paths that a format's mappings read (`paths_of` each of them). They are read by their number
    from the list column `record`, made by `record_leaves(paths)`: one parse for all of them. Others are read from the
    column `text`, which must hold valid JSON.

    >>> RecordScope([("user", "id")]).resolve(("user", "id")).sql
    '"r"[1]'
    """

    def __init__(self, paths: Iterable[Path] = (), *, record: str = "r", text: str = "text") -> None:
        self._places = {path: place for place, path in enumerate(numbered(paths), 1)}
        self._record = identifier(record)
        self._text = identifier(text)

    @property
    def known(self) -> tuple[str, ...]:
        return ()

    def resolve(self, path: Path) -> Reference | None:
        leaf = json_leaf(self._text, path)
        place = self._places.get(path)
        return Reference(leaf if place is None else f"{self._record}[{place}]", Kind.LOOSE)


def record_leaves(paths: Iterable[Path], *, text: str = "text") -> str:
    r"""SQL (VARCHAR[]) of the leaves at `paths`, in the order of `numbered`, out of a column of JSON text.

    Never NULL for JSON. It raises where the text is none.

    >>> record_leaves([("user", "id"), ("method",)])
    'json_extract_string("text", [\'$."method"\', \'$."user"."id"\'])'
    """
    return json_leaves(identifier(text), numbered(paths) or _NOBODY_READS)


def numbered(paths: Iterable[Path]) -> list[Path]:
    """Paths in the order by which they are numbered: what a user wrote is a JSON path in SQL, and never a name there.

    Engines take names that differ in case for one.
    """
    return sorted(set(paths), key=show)
