"""YAML files of customers: the keys companies, users and subscriptions, each a list of records."""

from collections.abc import Sequence
from typing import cast

import yaml

from monetization_pipeline.customers.models import EntityKind
from monetization_pipeline.customers.records import CustomersFileError, FileRecord, FileRefusal, check_known, decoded
from monetization_pipeline.customers.values import MAX_DEPTH, RecordError, shown
from monetization_pipeline.errors import Place

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
    text = decoded(file, data)
    root = _composed(file, text)
    if root is None or _is_null(root):
        return []
    if not isinstance(root, yaml.MappingNode):
        raise CustomersFileError(Place(file, _line(root)), f"must hold {', '.join(_SECTIONS)}, each a list")
    records: list[FileRecord | FileRefusal] = []
    done: set[str] = set()
    on_line: dict[int, int] = {}
    for key, value in _pairs(root):
        name = str(key.value)
        for node in _section(file, name, key, value, done):
            line = _line(node)
            record = on_line[line] = on_line.get(line, 0) + 1
            records.append(_record(_SECTIONS[name], node, line, record, text))
    return records


def _composed(file: str, text: str) -> yaml.Node | None:
    try:
        return cast("yaml.Node | None", yaml.compose(text, Loader=yaml.CSafeLoader))  # pyright: ignore[reportUnknownMemberType]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ": ".join(part for part in (error.context, error.problem) if part)
        raise CustomersFileError(Place(file, mark.line + 1 if mark else None), f"is not valid YAML: {what}") from None
    except (yaml.YAMLError, RecursionError) as error:
        what = (str(error).splitlines() or ["it cannot be read"])[0]
        raise CustomersFileError(Place(file), f"is not valid YAML: {what}") from None


def _section(file: str, name: str, key: yaml.Node, value: yaml.Node, done: set[str]) -> Sequence[yaml.Node]:
    place = Place(file, _line(key), name)
    if name not in _SECTIONS:
        raise CustomersFileError(place, f"is not a known key; write {', '.join(_SECTIONS)}")
    if name in done:
        raise CustomersFileError(place, "stands twice; keep one")
    done.add(name)
    if _is_null(value):
        return []
    if not isinstance(value, yaml.SequenceNode):
        raise CustomersFileError(place, "must be a list; start each record with a dash")
    return cast("Sequence[yaml.Node]", value.value)


def _record(kind: EntityKind, node: yaml.Node, line: int, record: int, text: str) -> FileRecord | FileRefusal:
    start, end = cast("yaml.Mark", node.start_mark), cast("yaml.Mark", node.end_mark)
    written = text[start.index : end.index].rstrip()
    if not isinstance(node, yaml.MappingNode):
        return FileRefusal(line, record, f"is not a record; write its fields, {_example(kind)}", written)
    try:
        fields = _object(node, ())
        for name in fields:
            check_known(kind, name)
    except RecordError as error:
        return FileRefusal(line, record, str(error), written)
    return FileRecord(line, record, kind, fields, written)


def _example(kind: EntityKind) -> str:
    return f"such as {kind}_id: abc"


def _object(node: yaml.MappingNode, around: tuple[int, ...]) -> dict[str, object]:
    """The fields of a mapping; `around` are the nodes that it lies in."""
    fields: dict[str, object] = {}
    for key, value in _pairs(node):
        if not isinstance(key, yaml.ScalarNode):
            raise RecordError(f"the key on line {_line(key)}", "must be plain text")
        name = str(key.value)
        if name in fields:
            raise RecordError(shown(name), f"stands twice, again on line {_line(key)}; keep one")
        fields[name] = _value(name, value, (*around, id(node)))
    return fields


def _value(name: str, node: yaml.Node, around: tuple[int, ...]) -> object:
    if isinstance(node, yaml.ScalarNode):
        return None if _is_null(node) else str(node.value)
    if id(node) in around:
        raise RecordError(shown(name), "contains itself through an alias")
    if len(around) >= MAX_DEPTH:
        raise RecordError(shown(name), f"is nested more than {MAX_DEPTH} levels deep")
    if isinstance(node, yaml.MappingNode):
        return _object(node, around)
    return [_value(name, item, (*around, id(node))) for item in cast("Sequence[yaml.Node]", node.value)]


def _pairs(node: yaml.MappingNode) -> Sequence[tuple[yaml.Node, yaml.Node]]:
    return cast("Sequence[tuple[yaml.Node, yaml.Node]]", node.value)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _line(node: yaml.Node) -> int:
    return cast("yaml.Mark", node.start_mark).line + 1
