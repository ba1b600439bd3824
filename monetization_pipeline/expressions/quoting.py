"""Names and texts as DuckDB SQL. Everything of a user's that reaches SQL passes through here."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from monetization_pipeline.expressions.model import ExpressionError, Path, show

_MAX_INDEX = 999_999


def text_literal(text: str) -> str:
    """A VARCHAR literal.

    >>> print(text_literal("it's"))
    'it''s'
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted identifier.

    >>> identifier("Content-Length")
    '"Content-Length"'
    """
    return '"' + name.replace('"', '""') + '"'


def json_path(path: Path) -> str:
    """DuckDB's JSON path (not yet quoted as SQL) of keys and indexes: `$."a"."b"[0]`.

    Raises ExpressionError for keys that DuckDB's paths cannot name: the empty one, and `*`, a wildcard even in quotes.

    >>> json_path(("user", "ids", 0))
    '$."user"."ids"[0]'
    """
    steps: list[str] = []
    for part in path:
        if isinstance(part, int):
            if not 0 <= part <= _MAX_INDEX:
                raise ExpressionError(f"index [{part}] in {show(path)} must be between 0 and {_MAX_INDEX}")
            steps.append(f"[{part}]")
        elif part in ("", "*"):
            raise ExpressionError(f"{show(path)}: a field named {part!r} cannot be reached")
        else:
            steps.append('."' + part.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return "$" + "".join(steps)


def json_leaf(column_sql: str, path: Path) -> str:
    """The text (VARCHAR) of a leaf of a column of valid JSON text; NULL if there is none or it is JSON null."""
    return f"json_extract_string({column_sql}, {text_literal(json_path(path))})"


def json_leaves(column_sql: str, paths: Sequence[Path]) -> str:
    """A list (VARCHAR[]) of several leaves, from one parse of the text; NULL where the column is."""
    literals = ", ".join(text_literal(json_path(path)) for path in paths)
    return f"json_extract_string({column_sql}, [{literals}])" if paths else "CAST(NULL AS VARCHAR[])"


def date_literal(day: date) -> str:
    """A DATE literal."""
    return f"DATE '{day.isoformat()}'"


def instant_literal(instant: datetime) -> str:
    """A TIMESTAMPTZ literal of an aware instant, to the microsecond."""
    return f"TIMESTAMPTZ '{instant.astimezone(UTC).isoformat(sep=' ')}'"


def json_object(values: Mapping[str, str]) -> str:
    """JSON text (VARCHAR) of an object of texts, each by SQL; keys sorted."""
    pairs = ", ".join(f"{text_literal(name)}, {values[name]}" for name in sorted(values))
    return f"CAST(json_object({pairs}) AS VARCHAR)" if values else "'{}'"
