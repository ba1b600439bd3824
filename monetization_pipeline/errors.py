"""The one base class of every error that a user can cause."""

from dataclasses import dataclass


class MonetizeError(Exception):
    """Something the user can mend: the message says what, where and what to do.

    The command line prints the message alone, never a stack trace.
    """


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a user's file something stands."""

    file: str
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        text = self.file if self.line is None else f"{self.file}:{self.line}"
        return text if self.field is None else f"{text} ({self.field})"
