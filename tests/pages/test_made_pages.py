"""Pages that are made from code are up to date, and what is written by hand beside them names the same things."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from monetization_pipeline.cli import main
from monetization_pipeline.settings import SETTINGS, Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("made", ROOT / "docs" / "made.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_made_page_is_up_to_date(made: ModuleType) -> None:
    stale = [path.name for path, text in made.pages().items() if not path.exists() or path.read_text("utf-8") != text]
    assert stale == [], "`make docs` writes them anew"


def test_the_example_of_settings_has_each_with_its_default(made: ModuleType) -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    said = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    defaults = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^`|]*?)`? \|", page, re.MULTILINE))
    assert set(said) == set(defaults)
    assert {name: said[name] for name in (each.name for each in SETTINGS)} == {
        each.name: defaults[each.name] for each in SETTINGS
    }


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in main.commands if not re.search(rf"`(?:monetize )?{name}[ `]", readme)] == []


def test_a_default_that_a_page_names_is_the_one_that_holds() -> None:
    """Of commands too, whose help is a page: `MONETIZATION_LANDING_DAYS (30)`."""
    defaults = {each.name: getattr(Settings(ROOT), each.fills) for each in SETTINGS}
    named = [
        (page.name, setting, int(days))
        for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))
        for setting, days in re.findall(r"\b(MONETIZATION_\w+_DAYS)`?(?: \(|, )(\d+)", page.read_text("utf-8"))
    ]
    assert {"commands.md", "operations.md", "rules.md", "SECURITY.md"} <= {page for page, _, _ in named}
    assert [each for each in named if defaults[each[1]].days != each[2]] == []
