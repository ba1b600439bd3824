"""The figures that were once wrong (figures.yaml): each has a test, which says it."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).resolve().parent
FIGURES: list[Mapping[str, str]] = yaml.safe_load((HERE / "figures.yaml").read_text("utf-8"))


@pytest.mark.parametrize("figure", FIGURES, ids=[each["what"] for each in FIGURES])
def test_a_figure_that_was_once_wrong_is_held_by_its_test(figure: Mapping[str, str]) -> None:
    file, _, name = figure["test"].partition("::")
    text = (HERE.parent / file).read_text("utf-8")
    (test,) = [each for each in ast.parse(text).body if isinstance(each, ast.FunctionDef) and each.name == name]
    tables = [each for each in ast.parse(text).body if isinstance(each, ast.Assign | ast.AnnAssign)]
    said = [ast.get_source_segment(text, each) or "" for each in (test, *tables)]
    assert any(figure["figure"] in each for each in said)


def test_every_figure_says_what_it_was() -> None:
    assert len({each["what"] for each in FIGURES}) == len(FIGURES)
    assert all(set(each) == {"what", "figure", "test"} for each in FIGURES)
