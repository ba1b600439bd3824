"""YAML files as nodes that remember where they stand. Scalars stay text: no number ever becomes a float."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from monetization_pipeline.catalog.validation import Loc, Problem, unknown_section
from monetization_pipeline.errors import Place

#: Keys for which `null` is a value; elsewhere it is the same as leaving the key out.
_NULL_MEANS_SOMETHING = frozenset({"up_to"})
_SECTIONS = ("meters", "plans")


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a section: `value` holds mappings, lists, text and None only."""

    file: str
    section: str
    index: int
    node: yaml.Node
    value: object

    def place(self, loc: Loc = ()) -> Place:
        """Where the field at `loc` stands, or the nearest thing around it that exists."""
        return Place(self.file, _line_at(self.node, loc), _field((self.section, self.index, *loc)))


@dataclass(frozen=True, slots=True)
class Source:
    """What one file holds, and what was wrong with its shape."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]


def read_source(path: Path) -> Source:
    """Parse one file. Unreadable text, bad YAML, doubled or unknown sections become problems, never exceptions."""
    file = str(path)
    try:
        root = cast("yaml.Node | None", yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader))  # pyright: ignore[reportUnknownMemberType]
    except OSError as error:
        return Source((), (Problem(Place(file), f"cannot be read: {error.strerror}"),))
    except UnicodeDecodeError as error:
        return Source((), (Problem(Place(file), f"is not UTF-8 text (byte {error.start}); save it as UTF-8"),))
    except RecursionError:
        return Source((), (Problem(Place(file), "is nested too deeply to be a catalog"),))
    except yaml.YAMLError as error:
        return Source((), (_bad_yaml(file, error),))
    if root is None:
        return Source((), ())
    problems = tuple(_shape_problems(file, root))
    if problems or not isinstance(root, yaml.MappingNode):
        return Source((), problems or (Problem(Place(file, _line(root)), "must hold meters: and plans:"),))
    return _sections(file, root)


def _bad_yaml(file: str, error: yaml.YAMLError) -> Problem:
    mark = cast("yaml.error.Mark | None", getattr(error, "problem_mark", None))
    what = cast("str | None", getattr(error, "problem", None)) or str(error).splitlines()[0]
    context = cast("str | None", getattr(error, "context", None))
    detail = f"{context}: {what}" if context else what
    return Problem(Place(file, None if mark is None else mark.line + 1), f"is not valid YAML: {detail}")


def _sections(file: str, root: yaml.MappingNode) -> Source:
    entries: list[Entry] = []
    problems: list[Problem] = []
    for key, node in _pairs(root):
        name = str(key.value)
        if name not in _SECTIONS:
            problems.append(Problem(Place(file, _line(key), name), unknown_section(name)))
        elif isinstance(node, yaml.SequenceNode):
            items = cast("Sequence[yaml.Node]", node.value)
            entries += [Entry(file, name, index, item, _plain(item)) for index, item in enumerate(items)]
        elif not _is_null(node):
            problems.append(Problem(Place(file, _line(node), name), "must be a list; start each item with a dash"))
    return Source(tuple(entries), tuple(problems))


def _shape_problems(file: str, root: yaml.Node) -> Iterator[Problem]:
    """What no catalog value may be: a key that is not text, a key twice, a node within itself."""
    done: set[int] = set()
    stack: list[tuple[yaml.Node, frozenset[int]]] = [(root, frozenset())]
    while stack:
        node, around = stack.pop()
        if id(node) in around:
            yield Problem(Place(file, _line(node)), "contains itself through an alias")
            return
        if id(node) in done:
            continue
        done.add(id(node))
        inside = around | {id(node)}
        if isinstance(node, yaml.MappingNode):
            yield from _key_problems(file, node)
            stack += [(value, inside) for _, value in _pairs(node)]
        elif isinstance(node, yaml.SequenceNode):
            stack += [(item, inside) for item in cast("Sequence[yaml.Node]", node.value)]


def _key_problems(file: str, node: yaml.MappingNode) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for key, _ in _pairs(node):
        if not isinstance(key, yaml.ScalarNode):
            yield Problem(Place(file, _line(key)), "a key must be a plain word")
            continue
        if key.value in seen:
            yield Problem(
                Place(file, _line(key), key.value), f"stands twice, first on line {seen[key.value]}; keep one"
            )
        seen.setdefault(key.value, _line(key))


def _plain(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        pairs = ((str(key.value), _plain(value)) for key, value in _pairs(node))
        return {key: value for key, value in pairs if value is not None or key in _NULL_MEANS_SOMETHING}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in cast("Sequence[yaml.Node]", node.value)]
    return None if _is_null(node) else str(node.value)


def _pairs(node: yaml.MappingNode) -> Sequence[tuple[yaml.Node, yaml.Node]]:
    return cast("Sequence[tuple[yaml.Node, yaml.Node]]", node.value)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _line(node: yaml.Node) -> int:
    return cast("yaml.error.Mark", node.start_mark).line + 1


def _line_at(node: yaml.Node, loc: Loc) -> int:
    line = _line(node)
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in _pairs(node) if key.value == step), None)
            if found is None:
                return line
            line, node = _line(found[0]), found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = cast("Sequence[yaml.Node]", node.value)[step]
            line = _line(node)
        else:
            return line
    return line


def _field(loc: Loc) -> str:
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
