"""What a YAML text comes apart into: nodes that remember their line. An alias is the node that it stands for."""

from collections.abc import Sequence
from dataclasses import dataclass

#: The way to a field: names of keys, and positions in lists from 0.
Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value; `text` is what stands there, without quotes. Lines count from 1.

    `start` and `end` are where it stands in the text of the file, in characters.
    """

    line: int
    start: int
    end: int
    text: str
    null: bool


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    line: int
    start: int
    end: int
    items: Sequence["Node"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A key and its value."""

    key: "Node"
    value: "Node"

    @property
    def name(self) -> str | None:
        """The text of the key, None where it is a list or a mapping."""
        return self.key.text if isinstance(self.key, Scalar) else None


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping, its keys in order; one may stand twice."""

    line: int
    start: int
    end: int
    pairs: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class Loop:
    """An alias of something around it, which begins on line `around`."""

    line: int
    start: int
    end: int
    around: int


Node = Scalar | Items | Fields | Loop


def is_null(node: Node) -> bool:
    """Whether nothing stands there."""
    return isinstance(node, Scalar) and node.null


def plain(node: Node) -> object:
    """Mappings, lists, text and None. The node has no flaws (`shape.flaws`)."""
    match node:
        case Scalar():
            return None if node.null else node.text
        case Items():
            return [plain(item) for item in node.items]
        case Fields():
            return {str(pair.name): plain(pair.value) for pair in node.pairs}
        case Loop():
            raise ValueError(f"line {node.line}: an alias of something around it has no value")


def line_at(node: Node, loc: Loc) -> int:
    """The line of the field at `loc`: of its key, or of the nearest thing around it that exists."""
    line = node.line
    for step in loc:
        if isinstance(node, Fields):
            found = next((pair for pair in node.pairs if pair.name == step), None)
            if found is None:
                return line
            line, node = found.key.line, found.value
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
        else:
            return line
    return line


def field_text(loc: Loc) -> str:
    """A way as people read it: `plans[0].prices[1].amount`."""
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
