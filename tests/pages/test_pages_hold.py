"""Pages name what is there: every link leads somewhere; every file, room, command, setting and name of code exists."""

import re
from pathlib import Path

import pytest

from monetization_pipeline.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
        *(ROOT / "monetization_pipeline").rglob("*.md"),
    ]
)
#: Pages that speak of the code as it is; in others, a path may be one of a working folder.
ON_CODE = [
    page
    for page in PAGES
    if page.parent.name == "decisions"
    or "monetization_pipeline" in page.parts[-3:]
    or page.name in {"architecture.md", "CONTRIBUTING.md"}
]

#: Pages that tell what once was name what may be gone.
OF_NOW = [page for page in PAGES if page.name != "CHANGELOG.md"]

#: Every file and folder of the checkout, as `/a/b`.
THERE = {
    f"/{path.relative_to(ROOT)}"
    for room in ("monetization_pipeline", "tests", "docs", "examples", "benchmarks", "deploy", ".ci", ".github")
    for path in (ROOT / room, *(ROOT / room).rglob("*"))
} | {f"/{path.name}" for path in ROOT.iterdir()}
CODE = {
    path: path.read_text("utf-8")
    for room in ("monetization_pipeline", "tests/support")
    for path in (ROOT / room).rglob("*.py")
}

_LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")
_PATH = re.compile(r"`((?:[a-z0-9_]+/)+(?:[a-z0-9_]+\.\w+)?|[a-z_]+\.py)`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in an address."""
    headings = _HEADING.findall(page.read_text("utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    for path, anchor in _LINK.findall(page.read_text("utf-8")):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if anchor and target.suffix == ".md":
            assert anchor.removeprefix("#") in anchors(target), f"{path}{anchor}"


@pytest.mark.parametrize("page", ON_CODE, ids=named)
def test_every_file_and_room_that_it_names_is_there(page: Path) -> None:
    places = [ROOT, ROOT / "monetization_pipeline", page.parent]
    paths = _PATH.findall(page.read_text("utf-8"))
    missing = [path for path in paths if not any((place / path).exists() for place in places)]
    assert missing == []


def test_pages_on_code_are_found() -> None:
    assert {"docs/decisions/ledger.md", "monetization_pipeline/netting/README.md"} <= {named(page) for page in ON_CODE}


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = [path for path, _ in _LINK.findall((folder / "README.md").read_text("utf-8")) if "/" not in path]
    assert sorted(listed) == sorted(page.name for page in folder.glob("*.md") if page.name != "README.md")


# --- every page, more loosely ----------------------------------------------------------------------------------------

_ANY_PATH = re.compile(
    r"`(?!\.\./)((?:[a-z0-9_.*-]+/)+(?:[\w.*-]+)?|[\w.-]+\.(?:py|yaml|toml|md|json|lock|db|sh))(?:::\w+)?`"
)
_NAME_OF_CODE = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)\.(\w+)(?:\(\))?`")
_COMMAND = re.compile(r"(?:`|^ *(?:\$ )?)monetize ([a-z]+)", re.MULTILINE)
_TARGET = re.compile(r"(?:`|^ {4})make ([a-z]+)", re.MULTILINE)
_SETTING = re.compile(r"\b(?:MONETIZATION|STRIPE)_[A-Z_]+\b")
_NOT_YET = re.compile(r"^\*Not yet.*?\*$", re.MULTILINE | re.DOTALL)


def now(page: Path) -> str:
    """What a page says of what there is, without what is to come."""
    return _NOT_YET.sub("", page.read_text("utf-8"))


def stands(path: str) -> bool:
    """Whether a file or folder of the checkout is called so, in whatever room; or code names it as what a run makes."""
    *_, kept, within = path.rpartition(".monetization/")
    name = within.partition("/")[0] if kept and within else path.strip("/")
    pattern = re.compile(rf"/{re.escape(name).replace(re.escape('*'), '[^/]+')}$")
    return any(pattern.search(each) for each in THERE) or any(f'"{name}"' in text for text in CODE.values())


def is_code(module: str, name: str) -> bool:
    """Whether a module that is called so has that name, or a room that module."""
    within = f"/{module.replace('.', '/')}"
    texts = [text for path, text in CODE.items() if str(path.with_suffix("")).endswith(within)]
    said = re.compile(rf"^\s*(?:(?:def|class) )?{name}\b", re.MULTILINE)
    return any(said.search(text) for text in texts) or any(each.endswith(f"{within}/{name}.py") for each in THERE)


@pytest.mark.parametrize("page", OF_NOW, ids=named)
def test_every_path_that_it_names_stands_somewhere(page: Path) -> None:
    assert [path for path in _ANY_PATH.findall(now(page)) if not stands(path)] == []


@pytest.mark.parametrize("page", OF_NOW, ids=named)
def test_every_name_of_code_is_there(page: Path) -> None:
    rooms = {path.stem for path in CODE} | {path.parent.name for path in CODE}
    dotted = [each for each in _NAME_OF_CODE.findall(now(page)) if each[0].partition(".")[0] in rooms]
    assert [
        f"{module}.{name}" for module, name in dotted if not (is_code(module, name) or stands(f"{module}.{name}"))
    ] == []


@pytest.mark.parametrize("page", OF_NOW, ids=named)
def test_every_command_target_and_setting_is_there(page: Path) -> None:
    text = now(page)
    assert set(_COMMAND.findall(text)) <= set(main.commands)
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(_TARGET.findall(text)) <= set(targets)
    settings = {*_SETTING.findall((ROOT / ".env.example").read_text("utf-8")), "MONETIZATION_HOME"}
    assert set(_SETTING.findall(text)) <= settings


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("steps/road.py", True),
        ("sources/*.yaml", True),
        ("ledger.db", True),
        ("demo/.monetization/landing/api/inbox/", True),
        ("automation/publishing.py", False),
        ("steps/road.yaml", False),
        ("datasets.py", False),
    ],
)
def test_a_path_that_stands_nowhere_is_found(path: str, expected: bool) -> None:
    assert _ANY_PATH.fullmatch(f"`{path}`")
    assert stands(path) is expected


def test_a_name_that_code_does_not_have_is_found() -> None:
    assert is_code("money", "round_amount")
    assert is_code("reports", "promised")
    assert not is_code("catalog.models", "present")
    assert not is_code("booking", "_differences")


def test_the_plan_of_the_house_has_every_room() -> None:
    plan = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## The house")[2].partition("\n## ")[0]
    listed = [
        room for line in re.findall(r"^    ([a-z].{,33})", plan, re.MULTILINE) for room in re.findall(r"\w+", line)
    ]
    package = (ROOT / "monetization_pipeline").iterdir()
    assert sorted(listed) == sorted(path.stem for path in package if path.suffix in {".py", ""} and path.stem[0] != "_")


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = [(page.parent / path).resolve() for path, _ in _LINK.findall(page.read_text("utf-8")) if path]
        waiting += [link for link in links if link.suffix == ".md" and link not in reached]
    apart = {"CHANGELOG.md"} | {named(page) for page in PAGES if page.parts[-3] == "examples"}
    assert {named(page) for page in PAGES} - {named(page) for page in reached} - apart == set()
