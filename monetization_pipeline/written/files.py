"""Files of YAML, read from bytes, and the entries of their sections."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monetization_pipeline.errors import Place
from monetization_pipeline.written.composing import compose
from monetization_pipeline.written.nodes import Items, Loc, Node, Pair, field_text, is_null, line_at
from monetization_pipeline.written.problems import NotUtf8Error, UnreadableError


@dataclass(frozen=True, slots=True)
class Written:
    """One file: its name, its text without a byte order mark, and its document; `root` is None where it has none."""

    file: str
    text: str
    root: Node | None

    def place(self, loc: Loc = ()) -> Place:
        """Where the field at `loc` stands, or the nearest thing around it that exists."""
        line = 1 if self.root is None else line_at(self.root, loc)
        return Place(self.file, line, field_text(loc) or None)

    def text_of(self, node: Node) -> str:
        """A node as it was written."""
        return self.text[node.start : node.end].rstrip()


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a section, which is a list under a key at the top."""

    written: Written
    section: str
    index: int
    node: Node

    def place(self, loc: Loc = ()) -> Place:
        """Where the item's field at `loc` stands, or the nearest thing around it that exists."""
        return self.written.place((self.section, self.index, *loc))


def entries(written: Written, section: Pair) -> Sequence[Entry] | None:
    """The items of a section, none where nothing stands there; None where it holds no list."""
    if is_null(section.value):
        return ()
    if not isinstance(section.value, Items):
        return None
    return [Entry(written, section.name or "", index, node) for index, node in enumerate(section.value.items)]


def read_file(path: Path) -> Written:
    """Read one file. Raises UnreadableError, NotUtf8Error or NotYamlError, all of them WrittenError."""
    return _parsed(str(path), read_text(path))


def read(file: str, data: bytes) -> Written:
    """What a YAML file holds, of its bytes; `file` is its name in messages."""
    return _parsed(file, decoded(file, data))


def read_text(path: Path) -> str:
    """The text of a file, YAML or not, a byte order mark left out. Raises UnreadableError or NotUtf8Error."""
    try:
        data = path.read_bytes()
    except OSError as error:
        said = error.strerror or str(error)
        raise UnreadableError(Place(str(path)), f"cannot be read: {said}", said) from None
    return decoded(str(path), data)


def decoded(file: str, data: bytes) -> str:
    """The text that a file's bytes are, a byte order mark left out. Raises NotUtf8Error."""
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotUtf8Error(Place(file, line), error.start, str(error)) from None


def _parsed(file: str, text: str) -> Written:
    return Written(file, text, compose(file, text))
