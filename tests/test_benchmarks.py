"""Every benchmark runs, and says what it measured; where two ways come to different figures, it stops."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.measuring import Measured, TotalsDifferError, in_turns, median_parts, ratio_text

pytestmark = pytest.mark.slow

SMALL_ENOUGH = {
    "ingest": (
        ["--events", "2000"],
        ["ingest of 2,000 Moesif events", "DuckDB COPY", "our memory:", "ingest of a tenth, 200 events", "pandas"],
    ),
    "metering": (
        ["--events", "9000", "--companies", "20"],
        ["metering of 9,000 events, 20 companies", "DuckDB SQL", "users are counted as well", "pandas", "daily_usage"],
    ),
    "late_event": (
        ["--events", "3000", "--companies", "20"],
        ["one late event among 3,000", "the whole month", "the late event", "users are counted as well", "invoices"],
    ),
    "rating": (
        ["--rows", "500"],
        ["500 rows of usage rated and invoiced, one core", "lines a second and core", "one line explained"],
    ),
    "growth": (
        ["--events", "3000", "--companies", "20", "--months", "2", "--day-events", "50", "--month-companies", "20"],
        ["300 events", "1,000 events", "3,000 events", "months in the lake: 1", "months in the lake: 2"],
    ),
    "fixed_cost": (
        ["--events", "300"],
        ["monetize --help", "monetize run 2025-06", "2025-06 is up to date", "a Dagster run costs"],
    ),
}


@pytest.mark.parametrize("name", SMALL_ENOUGH)
def test_a_benchmark_runs_in_a_small_size_and_its_totals_agree(name: str, root: Path, tmp_path: Path) -> None:
    sizes, said = SMALL_ENOUGH[name]
    command = [sys.executable, "-m", "benchmarks", name, "--rounds", "1", "--scratch", str(tmp_path), *sizes]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [words for words in said if words not in done.stdout] == []
    assert list(tmp_path.iterdir()) == []


def test_figures_that_differ_end_the_comparison() -> None:
    tasks = {
        "reference": lambda: Measured({"query": 1.0}, 1, {"calls": "10"}),
        "ours": lambda: Measured({"query": 1.0}, 1, {"calls": "11"}),
    }
    with pytest.raises(TotalsDifferError, match=r"reference .*10.*ours .*11"):
        in_turns(tasks, 1)


def test_figures_that_are_missing_on_one_side_end_the_comparison() -> None:
    tasks = {
        "reference": lambda: Measured({"query": 1.0}, 1, {"calls": "10", "users": "3"}),
        "ours": lambda: Measured({"query": 1.0}, 1, {"calls": "10"}),
    }
    with pytest.raises(TotalsDifferError):
        in_turns(tasks, 1)


def test_a_ratio_is_the_median_over_rounds_of_what_was_measured_in_the_same_round() -> None:
    base = [Measured({"all": seconds}, 1, {}) for seconds in (1.0, 2.0, 4.0)]
    own = [Measured({"one": seconds, "two": seconds}, 1, {}) for seconds in (1.0, 3.0, 2.0)]
    # 2 ÷ 1, 6 ÷ 2, 4 ÷ 4
    assert ratio_text(own, base) == "ratio 2.00 (from 1.00 to 3.00)"
    assert median_parts(own) == {"one": 2.0, "two": 2.0}
