"""YAML files of customers: the keys companies, users and subscriptions, each a list of records."""

from collections.abc import Mapping, Sequence
from typing import cast

from monetization_pipeline.customers.models import EntityKind
from monetization_pipeline.customers.records import CustomersFileError, FileRecord, FileRefusal, check_known
from monetization_pipeline.customers.values import MAX_DEPTH, RecordError, shown
from monetization_pipeline.errors import Place
from monetization_pipeline.written import (
    Entry,
    Fault,
    Fields,
    Flaw,
    Pair,
    Written,
    WrittenError,
    entries,
    flaws,
    is_null,
    plain,
    read,
)

_SECTIONS = {
    "companies": EntityKind.COMPANY,
    "users": EntityKind.USER,
    "subscriptions": EntityKind.SUBSCRIPTION,
}


def read_yaml(file: str, data: bytes) -> list[FileRecord | FileRefusal]:
    """The records of a YAML file, in its order. Every scalar is its text; `null`, `~` and nothing are None.

    Raises CustomersFileError for text that is not YAML, for unknown or doubled keys at the top, and for a key there
    that does not hold a list.
    """
    try:
        written = read(file, data)
    except WrittenError as error:
        raise CustomersFileError(error.place, error.reason) from None
    if written.root is None or is_null(written.root):
        return []
    if not isinstance(written.root, Fields):
        raise CustomersFileError(Place(file, written.root.line), f"must hold {', '.join(_SECTIONS)}, each a list")
    records: list[FileRecord | FileRefusal] = []
    done: set[str] = set()
    on_line: dict[int, int] = {}
    for section in written.root.pairs:
        for entry in _section(written, section, done):
            line = entry.node.line
            record = on_line[line] = on_line.get(line, 0) + 1
            records.append(_record(entry, record))
    return records


def _section(written: Written, section: Pair, done: set[str]) -> Sequence[Entry]:
    place = Place(written.file, section.key.line, section.name)
    if section.name is None or section.name not in _SECTIONS:
        raise CustomersFileError(place, f"is not a known key; write {', '.join(_SECTIONS)}")
    if section.name in done:
        raise CustomersFileError(place, "stands twice; keep one")
    done.add(section.name)
    found = entries(written, section)
    if found is None:
        raise CustomersFileError(place, "must be a list; start each record with a dash")
    return found


def _record(entry: Entry, record: int) -> FileRecord | FileRefusal:
    kind, node, text = _SECTIONS[entry.section], entry.node, entry.written.text_of(entry.node)
    if not isinstance(node, Fields):
        reason = f"is not a record; write its fields, such as {kind}_id: abc"
        return FileRefusal(node.line, record, reason, text)
    try:
        for flaw in flaws(node, MAX_DEPTH):
            raise _refused(flaw)
        fields = cast("Mapping[str, object]", plain(node))
        for name in fields:
            check_known(kind, name)
    except RecordError as error:
        return FileRefusal(node.line, record, str(error), text)
    return FileRecord(node.line, record, kind, fields, text)


def _refused(flaw: Flaw) -> RecordError:
    key = shown(flaw.key or "")
    match flaw.fault:
        case Fault.KEY_NOT_TEXT:
            return RecordError(f"the key on line {flaw.line}", "must be plain text")
        case Fault.KEY_TWICE:
            return RecordError(key, f"stands twice, again on line {flaw.line}; keep one")
        case Fault.WITHIN_ITSELF:
            return RecordError(key, "contains itself through an alias")
        case Fault.TOO_DEEP:
            return RecordError(key, f"is nested more than {MAX_DEPTH} levels deep")
