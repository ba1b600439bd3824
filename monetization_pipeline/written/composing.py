"""The text of one YAML document as nodes. However deep it is nested, nothing here calls itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import yaml

from monetization_pipeline.errors import Place
from monetization_pipeline.written.nodes import Fields, Items, Loop, Node, Pair, Scalar
from monetization_pipeline.written.problems import ControlCharacterError, NotYamlError

_NULL = "tag:yaml.org,2002:null"
_NULL_TEXTS = frozenset({"", "~", "null", "Null", "NULL"})


def compose(file: str, text: str) -> Node | None:
    """The one document of `text`, None where there is none. `file` is for messages alone. Raises NotYamlError."""
    composer = _Composer(file)
    try:
        # The stubs leave open what is parsed.
        for event in cast("Iterator[yaml.Event]", yaml.parse(text, Loader=yaml.CSafeLoader)):  # pyright: ignore[reportUnknownMemberType]
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # The parser counts a line more where the text ends.
        line = min(_line(mark), text.count("\n") + 1) if mark else None
        raise NotYamlError(Place(file, line), error.problem or "it cannot be read", error.context) from None
    except yaml.reader.ReaderError as error:
        line = text.encode().count(b"\n", 0, error.position) + 1
        raise ControlCharacterError(Place(file, line), str(error).splitlines()[0]) from None
    return composer.root


@dataclass(slots=True)
class _Open:
    """A list or a mapping whose end has not come: its children, keys and values in turn."""

    event: yaml.CollectionStartEvent
    children: list[Node] = field(default_factory=list[Node])


@dataclass(slots=True)
class _Composer:
    file: str
    root: Node | None = None
    around: list[_Open] = field(default_factory=list[_Open])
    #: A number is the line of a node that is still open.
    anchors: dict[str, Node | int] = field(default_factory=dict[str, Node | int])
    documents: int = 0

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._named(event, _scalar(event))
            case yaml.CollectionStartEvent():
                self._name(event, _line(event.start_mark))
                self.around.append(_Open(event))
            case yaml.CollectionEndEvent():
                self._close(event)
            case yaml.AliasEvent():
                self._add(self._meant(event))
            case yaml.DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise self._refused(event, "but found another document", "expected a single document in the stream")
            case _:
                pass

    def _close(self, end: yaml.CollectionEndEvent) -> None:
        opened = self.around.pop()
        start, children = opened.event.start_mark, opened.children
        at = (_line(start), start.index, end.end_mark.index)
        if isinstance(opened.event, yaml.MappingStartEvent):
            node: Node = Fields(*at, tuple(map(Pair, children[::2], children[1::2])))
        else:
            node = Items(*at, tuple(children))
        if opened.event.anchor is not None:
            self.anchors[opened.event.anchor] = node
        self._add(node)

    def _named(self, event: yaml.ScalarEvent, node: Node) -> None:
        self._name(event, node)
        self._add(node)

    def _name(self, event: yaml.NodeEvent, meant: Node | int) -> None:
        if event.anchor is None:
            return
        if event.anchor in self.anchors:
            raise self._refused(
                event, "second occurrence", f"found duplicate anchor {event.anchor!r}; first occurrence"
            )
        self.anchors[event.anchor] = meant

    def _meant(self, event: yaml.AliasEvent) -> Node:
        meant = self.anchors.get(event.anchor)
        if meant is None:
            raise self._refused(event, f"found undefined alias {event.anchor!r}")
        if isinstance(meant, int):
            return Loop(_line(event.start_mark), event.start_mark.index, event.end_mark.index, meant)
        return meant

    def _add(self, node: Node) -> None:
        if self.around:
            self.around[-1].children.append(node)
        else:
            self.root = node

    def _refused(self, event: yaml.Event, said: str, context: str | None = None) -> NotYamlError:
        return NotYamlError(Place(self.file, _line(event.start_mark)), said, context)


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    start = event.start_mark
    null = event.tag == _NULL or (event.tag is None and event.implicit[0] and event.value in _NULL_TEXTS)
    return Scalar(_line(start), start.index, event.end_mark.index, event.value, null)


def _line(mark: yaml.Mark) -> int:
    return mark.line + 1
