"""What the other files of this room share: kinds, references, results and the one error."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from monetization_pipeline.errors import MonetizeError

#: A column or JSON path: its names, outermost first, and list indexes counted from 0.
Path: TypeAlias = tuple[str | int, ...]


class ExpressionError(MonetizeError):
    """An expression that is refused; the message names the piece and what is allowed instead.

    `position` is the piece's offset in the expression's text, in characters from 0, where it is known.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class Kind(StrEnum):
    """What an expression yields, and its DuckDB type."""

    TEXT = "text"
    """VARCHAR."""
    INTEGER = "integer"
    """An integer type no wider than BIGINT."""
    DECIMAL = "decimal"
    """DECIMAL(28,12) as a result."""
    BOOLEAN = "boolean"
    """BOOLEAN."""
    INSTANT = "instant"
    """TIMESTAMP WITH TIME ZONE."""
    DATE = "date"
    """DATE."""
    LOOSE = "loose"
    """VARCHAR: the text of a JSON leaf whose type is unknown until it meets something else."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Where a value is NULL because something is there that cannot be read (rule 8); else it is absent.

    when: BOOLEAN, never NULL: is it so? Never true where there is a value. said: VARCHAR, what is there then.
    """

    when: str
    said: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A column or JSON path as SQL; made by a Scope, and trusted.

    unreadable: None where what is there can always be read. optional: what cannot be read counts as absent, to all but
    a meter that reads it as its value.
    """

    sql: str
    kind: Kind
    unreadable: Unreadable | None = None
    optional: bool = False


class Scope(Protocol):
    """Which names an expression may use, and what they are in SQL."""

    @property
    def known(self) -> tuple[str, ...]:
        """The names there are, for error messages; empty where any name is one."""
        ...

    def resolve(self, path: Path) -> Reference | None:
        """The SQL of a path; None if there is no such column."""
        ...


@dataclass(frozen=True, slots=True)
class Compiled:
    """DuckDB SQL that never raises, whatever the data; what it yields; and which paths it reads.

    text_sql: VARCHAR, the same value as text: a number has one, whatever it was computed from (rule 8).
    unreadable: None where what is there can always be read; of a filter, where it cannot be told whether it is true.
    """

    sql: str
    kind: Kind
    paths: frozenset[Path]
    text_sql: str
    unreadable: Unreadable | None = None


@dataclass(frozen=True, slots=True)
class CompiledValue:
    """A meter's value as DuckDB expressions, none of which raises.

    text_sql: VARCHAR, the raw text, for reports; of several paths, `name=text` of each.
    decimal_sql: DECIMAL(28,12), exact, or NULL.
    absent_sql: BOOLEAN, never NULL: where decimal_sql is NULL, is that because something is absent (or JSON null), and
        nothing is there that cannot be read?
    """

    text_sql: str
    decimal_sql: str
    absent_sql: str
    paths: frozenset[Path]


def show(path: Path) -> str:
    """A path as a user writes it: `request.headers."x-id"[0]`.

    >>> show(("request", "headers", "x-id", 0))
    'request.headers."x-id"[0]'
    """
    parts: list[str] = []
    for part in path:
        if isinstance(part, int):
            parts.append(f"[{part}]")
            continue
        name = part if part.isidentifier() else '"' + part.replace('"', '""') + '"'
        parts.append(f".{name}" if parts else name)
    return "".join(parts)
