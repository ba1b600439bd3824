"""`monetize ingest` and `monetize run` are killed in the middle of their work; run again, they give the same.

Each strike is proven by the half state it left: it had begun something, and not reached its end.
"""

import json
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import dagster as dg
import pytest
from half_state import SCRATCH, figures, progress, received, unfinished
from kill_histories import FIRST_RUN, INGESTS, KEPT, LATE, Blow, Command, Life, Strike, Undisturbed, Worker

#: What killed commands leave behind for good: nobody reads it, and it is in nobody's way.
HARMLESS = {"file half copied", "written, not committed", SCRATCH}

_MOST_LIVES = 12


@dataclass(frozen=True, slots=True)
class History:
    """From one undisturbed folder to another; of each command, so many strikes are to hit in the middle."""

    seed: int
    before: str
    after: str
    commands: tuple[tuple[Command, int], ...]
    clock_moves: bool = False

    def __str__(self) -> str:
        return f"{self.before}_to_{self.after}_{self.seed}"

    @property
    def wanted(self) -> int:
        """Strikes that must be proven."""
        return sum(times for _, times in self.commands)


_INGESTS = tuple((command, 2) for command in INGESTS)
_LATE = tuple(zip(LATE, (1, 1, 3), strict=True))

HISTORIES = (
    *(History(seed, "fresh", "received", _INGESTS) for seed in range(4)),
    *(History(seed, "received", "billed", ((FIRST_RUN, 4),), seed % 2 == 1) for seed in range(4, 6)),
    *(History(seed, "changed", "late", _LATE, seed % 2 == 1) for seed in range(6, 8)),
)


def test_the_strikes_are_at_least_fifty() -> None:
    assert sum(history.wanted for history in HISTORIES) >= 50


def test_the_sample_sets_an_invoice_aside(undisturbed: Undisturbed) -> None:
    invoices = json.loads(str(figures(undisturbed.folder / "billed")["invoices as listed"]))
    aside = [each for each in invoices if each["status"] == "set aside"]
    assert [(each["company_id"], each["currency"], each["total"]) for each in aside] == [("dune", "EUR", None)]


@pytest.mark.slow
@pytest.mark.parametrize("history", HISTORIES, ids=str)
def test_killed_and_run_again_it_gives_the_same(
    history: History, worker: Worker, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    same_clock = not history.clock_moves
    expected = figures(undisturbed.folder / history.after, same_clock=same_clock)
    random, proven, too_late = Random(history.seed), list[Strike](), dict[str, float]()
    for number in range(_MOST_LIVES):
        home = tmp_path / str(number)
        shutil.copytree(undisturbed.folder / history.before, home)
        life = Life(worker, home, undisturbed.moments, random, history.clock_moves, too_late)
        wanted = 0
        for command, times in history.commands:
            wanted += times
            proven += life.strike(command, max(0, wanted - len(proven)), attempts=times + 4)
        assert figures(home, same_clock=same_clock) == expected
        assert kinds_left(home) <= HARMLESS
        assert ended_in_dagster(home)
        if len(proven) >= history.wanted:
            break
    for strike, times in Counter(proven).items():
        print(f"{times} × {strike.command}: {'; '.join(strike.left)}")
    assert len(proven) >= history.wanted, f"{len(proven)} strikes hit in the middle"


def test_what_a_killed_batch_committed_is_never_seen_twice(
    worker: Worker, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """Killed between its commits; then another file joins the batch, which is thereby another one."""
    first, more = INGESTS[0], replace(INGESTS[3], at=INGESTS[0].at, paths=INGESTS[3].paths[:1])
    struck, whole = tmp_path / "struck", tmp_path / "whole"
    for home in (struck, whole):
        shutil.copytree(undisturbed.folder / "fresh", home)
    for command in (first, more):
        worker.run(whole, command)
    worker.run(struck, first, Blow(1, within="lake/landing_files"))
    assert kinds_left(struck) >= {"raw_events committed, not listed", "landed, not ingested"}
    worker.run(struck, more)
    assert received(struck) == received(whole)
    # The rows of the batch that never came to be stay where nobody looks.
    assert "raw_events committed, not listed" in kinds_left(struck)


@pytest.mark.slow
def test_killed_between_the_tables_of_a_step_and_run_by_the_catalog_of_before_it_gives_the_same(
    worker: Worker, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """By the catalog in between, another meter's text is read: other values are refused, and other events unbilled."""
    run, billed = replace(LATE[-1], at="2023-08-04T00:00:00Z"), undisturbed.folder / "billed"
    before, expected = committed(billed), without_catalogs(billed)
    right = (billed / "catalog" / "catalog.yaml").read_text()

    def struck(name: str, moment: int) -> tuple[Path, int]:
        home = tmp_path / name
        shutil.copytree(billed, home)
        (home / "catalog" / "catalog.yaml").write_text(right.replace("metadata.tokens", "metadata.model"))
        return home, worker.run(home, run, Blow(moment, within="lake/daily_usage")).moments

    _, last = struck("whole", moment=10**9)
    # What is done with the folder last is done once the tables beside it are committed, or once all are.
    for moment in range(last, 0, -1):
        home, _ = struck(str(moment), moment)
        now = committed(home)
        if now["daily_usage"] == before["daily_usage"]:
            break
    assert now["meter_refusals"] > before["meter_refusals"]
    assert now["unbilled"] > before["unbilled"]
    (home / "catalog" / "catalog.yaml").write_text(right)
    assert unfinished(home) == "daily_usage"
    worker.run(home, run)
    assert without_catalogs(home) == expected


def committed(home: Path) -> dict[str, int]:
    """How many commits each dataset has."""
    return {name: int(version.removeprefix("version ")) for name, version in progress(home).done}


def without_catalogs(home: Path) -> dict[str, object]:
    """A folder's figures; each catalog that a run used was kept."""
    return {name: each for name, each in figures(home).items() if name != "catalogs"}


def kinds_left(home: Path) -> set[str]:
    return {kind for kind, _ in progress(home).left}


def ended_in_dagster(home: Path) -> bool:
    """Whether every run in Dagster's instance is known to have ended, or never began."""
    ended = {"SUCCESS", "FAILURE", "NOT_STARTED"}
    with dg.DagsterInstance.from_config(str(home / KEPT)) as instance:
        return {run.status.value for run in instance.get_runs()} <= ended
