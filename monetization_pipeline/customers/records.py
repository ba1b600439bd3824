"""What a file of customers comes apart into, and the error of a file that does not."""

from collections.abc import Mapping
from dataclasses import dataclass

from monetization_pipeline.customers.models import EntityKind
from monetization_pipeline.customers.moesif import KNOWN_FIELDS
from monetization_pipeline.customers.values import RecordError, shown
from monetization_pipeline.errors import MonetizeError, Place


class CustomersFileError(MonetizeError):
    """A file in `customers/` that cannot be read as a whole: nothing of it is taken."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One record as it stands in a file: its first line (from 1), its ordinal among those that begin there (from 1).

    `fields` holds objects, lists, text and None; `text` is the record as written.
    """

    line: int
    record: int
    kind: EntityKind
    fields: Mapping[str, object]
    text: str


@dataclass(frozen=True, slots=True)
class FileRefusal:
    """One record that could not be taken: where it stands, why not, and what is written there."""

    line: int
    record: int
    reason: str
    text: str


def check_known(kind: EntityKind, field: str) -> None:
    """Raise RecordError for a field that records of `kind` do not have: most likely a slip of the pen."""
    known = KNOWN_FIELDS[kind]
    if field not in known:
        raise RecordError(
            shown(field),
            f"is not a field of a {kind}; known are {', '.join(sorted(known))}; anything else may go into metadata",
        )
