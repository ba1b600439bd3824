"""Pages whose examples a test runs: the blocks and the tables of a Markdown file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)(?: (.+?))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| *(.*?) *\|$")
_RULE = re.compile(r"^[-:| ]+$")

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, what is said behind it, and what it holds."""

    language: str
    said: str
    text: str


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    return [Block(*found) for found in _BLOCK.findall(page.read_text("utf-8"))]


def table(page: Path, *columns: str) -> list[Row]:
    """The rows of the one table of a page that begins with these columns: text of each cell by its column."""
    found = [rows for header, rows in _tables(page) if header[: len(columns)] == list(columns)]
    assert len(found) == 1, f"{page}: {len(found)} tables begin with {columns}"
    return found[0]


def items(cell: str) -> list[str]:
    """What a cell lists, between commas."""
    return [item.strip() for item in cell.split(",") if item.strip()]


def _tables(page: Path) -> list[tuple[list[str], list[Row]]]:
    tables: list[tuple[list[str], list[Row]]] = []
    lines: list[list[str]] = []
    for line in [*page.read_text("utf-8").splitlines(), ""]:
        row = _ROW.match(line)
        if row is not None:
            lines.append([cell.strip() for cell in row[1].split("|")])
        elif lines:
            tables.append(_named(lines))
            lines = []
    return tables


def _named(lines: Sequence[list[str]]) -> tuple[list[str], list[Row]]:
    header, rule, *rows = lines
    assert all(_RULE.match(cell) for cell in rule), header
    return header, [dict(zip(header, row, strict=True)) for row in rows]
