"""Tables in Dagster's UI: ten rows at most, and nothing is left out unsaid."""

import pytest

from monetization_pipeline.assets.faces import table


@pytest.mark.parametrize(
    ("rows", "last"),
    [
        (1, "| row 0 | 0 |"),
        (10, "| row 9 | 9 |"),
        (11, "| … and 1 more |  |"),
        (20, "| … and 10 more |  |"),
    ],
)
def test_a_table_shows_ten_rows_and_says_how_many_more_there_are(rows: int, last: str) -> None:
    lines = table(("name", "number"), ((f"row {number}", number) for number in range(rows))).md_str.splitlines()
    assert lines[:3] == ["| name | number |", "| --- | --- |", "| row 0 | 0 |"]
    assert len(lines) == 2 + min(rows, 11)
    assert lines[-1] == last


def test_a_table_without_rows_says_so() -> None:
    assert table(("name", "number"), []).md_str == "none"
