"""What no value of a file may be, whatever it means: a key that is not text, a key twice, a node within itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from monetization_pipeline.errors import Place
from monetization_pipeline.written.files import Written
from monetization_pipeline.written.nodes import Fields, Items, Loop, Node, Scalar
from monetization_pipeline.written.problems import Problem

#: Mappings and lists within each other that a file may have.
DEEPEST = 64


class Fault(Enum):
    """The kinds of flaw."""

    KEY_NOT_TEXT = auto()
    KEY_TWICE = auto()
    WITHIN_ITSELF = auto()
    TOO_DEEP = auto()


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, and on which line: of the key, or of the value (of one within itself, where that begins).

    `key` is the key that stands twice, else the nearest one around. `first_line` is where a key stood before.
    """

    fault: Fault
    line: int
    key: str | None = None
    first_line: int | None = None


def flaws(node: Node, deepest: int = DEEPEST) -> Iterator[Flaw]:
    """The flaws of a node, in the order of the text; `deepest` is how many mappings and lists may lie in each other."""
    return _flaws(node, None, deepest)


def _flaws(node: Node, key: str | None, deepest: int) -> Iterator[Flaw]:
    if isinstance(node, Loop):
        yield Flaw(Fault.WITHIN_ITSELF, node.around, key)
    elif not isinstance(node, Scalar) and deepest == 0:
        yield Flaw(Fault.TOO_DEEP, node.line, key)
    elif isinstance(node, Items):
        for item in node.items:
            yield from _flaws(item, key, deepest - 1)
    elif isinstance(node, Fields):
        yield from _flaws_of_fields(node, key, deepest - 1)


def _flaws_of_fields(node: Fields, around: str | None, deepest: int) -> Iterator[Flaw]:
    first: dict[str, int] = {}
    for pair in node.pairs:
        if pair.name is None:
            yield Flaw(Fault.KEY_NOT_TEXT, pair.key.line, around)
        elif pair.name in first:
            yield Flaw(Fault.KEY_TWICE, pair.key.line, pair.name, first[pair.name])
        else:
            first[pair.name] = pair.key.line
        yield from _flaws(pair.value, pair.name or around, deepest)


def shape_problems(written: Written, what: str) -> list[Problem]:
    """The flaws of a whole file in words; `what` is what it is to be, such as `a catalog`."""
    if written.root is None:
        return []
    return [_problem(written.file, flaw, what) for flaw in flaws(written.root)]


def _problem(file: str, flaw: Flaw, what: str) -> Problem:
    place = Place(file, flaw.line)
    match flaw.fault:
        case Fault.KEY_NOT_TEXT:
            return Problem(place, "a key must be a plain word")
        case Fault.KEY_TWICE:
            place = Place(file, flaw.line, flaw.key)
            return Problem(place, f"stands twice, first on line {flaw.first_line}; keep one")
        case Fault.WITHIN_ITSELF:
            return Problem(place, "contains itself through an alias")
        case Fault.TOO_DEEP:
            return Problem(place, f"is nested too deeply to be {what}")
