"""`monetize ingest` and `monetize run` are killed in the middle of their work; run again, they give the same.

Each strike is proven by the half state it left: it had begun something, and not reached its end.
"""

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from half_state import figures, uncommitted
from kill_histories import FIRST_RUN, INGESTS, LATE, Command, Life, Strike, Undisturbed, Worker

#: Proven strikes that every history must have, and all of them together.
EACH, ALL_TOGETHER = 5, 50
_MOST_LIVES = 6


@dataclass(frozen=True, slots=True)
class History:
    """From one undisturbed folder to another, each command struck up to so many times."""

    seed: int
    before: str
    after: str
    commands: tuple[tuple[Command, int], ...]
    clock_moves: bool = False

    def __str__(self) -> str:
        return f"{self.before}_to_{self.after}_{self.seed}"


_INGESTS = tuple((command, 3) for command in INGESTS)
_LATE = tuple(zip(LATE, (2, 6), strict=True))

HISTORIES = (
    *(History(seed, "fresh", "received", _INGESTS) for seed in range(4)),
    *(History(seed, "received", "billed", ((FIRST_RUN, 7),), seed % 2 == 1) for seed in range(4, 7)),
    *(History(seed, "changed", "late", _LATE, seed % 2 == 1) for seed in range(7, 10)),
)


def test_the_strikes_are_enough() -> None:
    assert len(HISTORIES) * EACH >= ALL_TOGETHER


@pytest.mark.slow
@pytest.mark.parametrize("history", HISTORIES, ids=str)
def test_killed_and_run_again_it_gives_the_same(
    history: History, worker: Worker, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    expected = figures(undisturbed.folder / history.after, same_clock=not history.clock_moves)
    random, proven = Random(history.seed), list[Strike]()
    for number in range(_MOST_LIVES):
        home = tmp_path / str(number)
        shutil.copytree(undisturbed.folder / history.before, home)
        life = Life(worker, home, undisturbed.sizes, random, history.clock_moves)
        for command, times in history.commands:
            proven += life.strike(command, times)
        assert figures(home, same_clock=not history.clock_moves) == expected
        if len(proven) >= EACH:
            break
    for strike, times in Counter(proven).items():
        print(f"{times} × {strike.command}: {'; '.join(strike.left)}")
    assert len(proven) >= EACH, f"{len(proven)} strikes hit in the middle"
