"""docs/: what a page shows is what a reader gets who types it."""

from pathlib import Path

import pytest
from console_page import Shell, matches, steps

PAGES = sorted((Path(__file__).resolve().parent.parent.parent / "docs").glob("*.md"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```console" in page.read_text()], ids=lambda page: page.stem
)
def test_a_page_shows_what_happens(page: Path, tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    for step in steps(page):
        printed = shell.run(step.command)
        assert matches(step.output, printed), f"$ {step.command}\n{printed}\n--- the page shows:\n" + "\n".join(
            step.output
        )


def test_the_pages_that_are_to_be_run_are_there() -> None:
    assert {"automation", "operations"} <= {page.stem for page in PAGES if "```console" in page.read_text()}
