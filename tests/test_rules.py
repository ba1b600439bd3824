"""docs/rules.md and the code that cites it: what is cited stands there; what stands there is cited, or "Not yet"."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

#: `rule 13`, `rules 2 and 3`, `rules 2 to 6`, `rules 12, 16, 18`; in data files of the tests `rule: 9`.
_CITATION = re.compile(r"\brules?:?\s+(?P<numbers>\d+(?:(?:,\s*|\s+and\s+|\s+to\s+|,\s+and\s+)\d+)*)", re.IGNORECASE)
_NUMBER = re.compile(r"(?P<to>\bto\s+)?(?P<number>\d+)")
_HEADING = re.compile(r"^### (\d+)\. (.+)$", re.MULTILINE)

_CITING = ("monetization_pipeline/**/*.py", "monetization_pipeline/**/*.md", "tests/**/*.py", "tests/**/*.yaml")
_ALSO_CITING = ("benchmarks/**/*.py", "examples/**/*.py", "docs/**/*.md", "*.md")


def cited(text: str) -> list[int]:
    """The numbers of rules that a text cites, in its order; `2 to 6` stands for all between."""
    numbers: list[int] = []
    for citation in _CITATION.finditer(text):
        for found in _NUMBER.finditer(citation["numbers"]):
            number = int(found["number"])
            numbers += range(numbers[-1] + 1, number + 1) if found["to"] else [number]
    return numbers


def rules(root: Path) -> dict[int, str]:
    """Text of each rule of docs/rules.md by its number."""
    _, *parts = _HEADING.split((root / "docs" / "rules.md").read_text("utf-8"))
    return {int(number): text for number, text in zip(parts[::3], parts[2::3], strict=True)}


def citing_files(root: Path, *patterns: str) -> Iterator[Path]:
    for pattern in patterns:
        yield from (path for path in root.glob(pattern) if path != Path(__file__).resolve())


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("rounded once (rule 13)", [13]),
        ("Rule 9.", [9]),
        ("rules 2 and 3 as SQL", [2, 3]),
        ("rules 2 to 6", [2, 3, 4, 5, 6]),
        ("rules 4 to 6 and 19", [4, 5, 6, 19]),
        ("rules 1, 4 and 16", [1, 4, 16]),
        ('(docs/rules.md, "Billing periods"; rules 12, 16, 18)', [12, 16, 18]),
        ("  - rule: 12", [12]),
        ("rules 15\nto 17", [15, 16, 17]),
        ("a rule of thumb for 3 cases; ruler 4; rules of time", []),
    ],
)
def test_a_citation_is_read_with_all_its_numbers(text: str, numbers: list[int]) -> None:
    assert cited(text) == numbers


def test_the_rules_are_numbered_without_a_gap(root: Path) -> None:
    assert list(rules(root)) == list(range(1, 24))


def test_every_rule_that_is_cited_stands_in_the_page(root: Path) -> None:
    known = rules(root)
    unknown = {
        f"{path.relative_to(root)}: rule {number}"
        for path in citing_files(root, *_CITING, *_ALSO_CITING)
        for number in cited(path.read_text("utf-8"))
        if number not in known
    }
    assert unknown == set()


def test_every_rule_is_cited_by_the_code_or_said_not_to_hold_yet(root: Path) -> None:
    code = citing_files(root, "monetization_pipeline/**/*.py")
    by_code = {number for path in code for number in cited(path.read_text("utf-8"))}
    silent = [number for number, text in rules(root).items() if number not in by_code and "*Not yet" not in text]
    assert silent == []


def test_the_table_at_the_top_leads_to_each_rule_once(root: Path) -> None:
    page = (root / "docs" / "rules.md").read_text("utf-8")
    anchors = [
        (int(number), f"{number}-" + re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-"))
        for number, title in _HEADING.findall(page)
    ]
    links = [(int(shown), anchor) for shown, anchor in re.findall(r"\[(\d+)\]\(#([^)]+)\)", page)]
    assert sorted(links) == anchors


def test_no_code_cites_a_document_that_is_not_here(root: Path) -> None:
    elsewhere = re.compile(r"\bDESIGN\b|\bof the design\b|\bthe design's\b")
    files = citing_files(root, *_CITING, *_ALSO_CITING)
    assert [str(path.relative_to(root)) for path in files if elsewhere.search(path.read_text("utf-8"))] == []
