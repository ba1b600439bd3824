"""What a public docstring says can be understood by itself: whoever reads it sees no other one beside it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

#: How a docstring begins that leans on the one above it, or on a name elsewhere.
_LEANING = re.compile(
    r"(The same\b|The inverse\b|The other\b|See `|As `|As if\b|Such as\b|Those\b(?! of `)|These\b|This one\b|"
    r"They\b|It\b|Its\b|Which of them\b|What of (it|them)\b|And\b|Likewise\b)"
)
#: Or whose whole meaning is how another does it.
_ALIKE = re.compile(r"\bas `\w+` does\b")


def leans(docstring: str) -> bool:
    """Whether a docstring makes sense only beside another."""
    return bool(_LEANING.match(docstring) or _ALIKE.search(docstring))


def public_docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """(name, docstring) of a module and of all that is public in it; what has none is left out."""
    tree = ast.parse(path.read_text("utf-8"))
    if docstring := ast.get_docstring(tree):
        yield "the module", docstring
    yield from _inside(tree, "")


def _inside(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, str]]:
    for found in node.body:
        if isinstance(found, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not found.name.startswith("_"):
            if docstring := ast.get_docstring(found):
                yield f"{prefix}{found.name}", docstring
            if isinstance(found, ast.ClassDef):
                yield from _inside(found, f"{found.name}.")


def test_every_public_docstring_stands_alone(root: Path) -> None:
    package = root / "monetization_pipeline"
    leaning = [
        f"{path.relative_to(root)}: {name}: {docstring}"
        for path in package.rglob("*.py")
        for name, docstring in public_docstrings(path)
        if leans(docstring)
    ]
    assert leaning == []


@pytest.mark.parametrize(
    "docstring",
    ["The same for a unique count.", "See `Session`.", "The inverse of `encode`.", "Its id.", "Raises as `dump` does."],
)
def test_a_docstring_that_leans_is_found(docstring: str) -> None:
    assert leans(docstring)


@pytest.mark.parametrize(
    "docstring", ["The sum of both.", "Sees what is there.", "Item by item.", "Those of `days` that are out of date."]
)
def test_a_docstring_that_stands_is_let_be(docstring: str) -> None:
    assert not leans(docstring)
