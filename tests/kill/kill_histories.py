"""Commands that are struck dead and run again, and what came of it."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from half_state import SCRATCH, Progress, ingested, progress, unfinished
from kill_sample import MONTH, write_catalog, write_customers, write_files, write_sources

KEPT = Path(".monetization") / "dagster"

_WORKER = Path(__file__).with_name("kill_worker.py")


@dataclass(frozen=True, slots=True)
class Command:
    """`monetize ingest` of some files, or `monetize run` of the month; `at` is the clock."""

    name: str
    at: str
    source: str = ""
    paths: tuple[str, ...] = ()

    @property
    def ingests(self) -> bool:
        """Whether it is `monetize ingest`."""
        return bool(self.source)


def _ingest(at: str, source: str, *files: str) -> Command:
    return Command(f"ingest {' '.join(files)}", at, source, tuple(f"files/{name}" for name in files))


#: What leads from one undisturbed folder to the next.
INGESTS = (
    _ingest("2023-07-16T01:00:00Z", "logs", "logs-a.ndjson.gz", "logs-b.ndjson.gz", "logs-c.ndjson.gz"),
    _ingest("2023-07-16T02:00:00Z", "jobs", "jobs.csv"),
    _ingest("2023-07-17T03:00:00Z", "hooks", "hooks.jsonl"),
    _ingest("2023-07-17T04:00:00Z", "logs", "logs-d.ndjson.gz", "logs-e.ndjson.gz"),
    _ingest("2023-07-17T05:00:00Z", "corrections", "corrections-a.ndjson", "corrections-b.ndjson"),
)
FIRST_RUN = Command("the first run", "2023-08-02T00:00:00Z")
LATE = (
    _ingest("2023-08-02T05:00:00Z", "logs", "logs-late.ndjson.gz"),
    _ingest("2023-08-02T06:00:00Z", "corrections", "corrections-late.ndjson"),
    Command("run", "2023-08-03T00:00:00Z"),
)


@dataclass(frozen=True, slots=True)
class Blow:
    """When to strike: at the so-manyth dealing with a kept file (of a folder); so many seconds later, from outside."""

    moment: int
    delay: float | None = None
    within: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; `moments` are the dealings with kept files of one that was not killed."""

    killed: bool
    moments: int


class Worker:
    """A process that is warm and forks a child for each command."""

    def __enter__(self) -> Self:
        dropped = ("STRIPE_", "MONETIZATION_", "DAGSTER_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        self._process = subprocess.Popen(
            [sys.executable, str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
            env=kept,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)

    def run(self, home: Path, command: Command, blow: Blow | None = None) -> Ended:
        """Run a command to its end, or until it is struck dead. An error of it is an AssertionError."""
        order = {
            "home": str(home),
            "command": "ingest" if command.ingests else "run",
            "at": command.at,
            "source": command.source,
            "paths": command.paths,
            "month": MONTH,
            "deadly": blow and blow.moment,
            "delay": blow and blow.delay,
            "within": blow.within if blow else "",
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(order)}\n")
        line = self._process.stdout.readline()
        assert line, "the worker is gone"
        told = json.loads(line)
        assert told["error"] is None, f"{command.name} failed:\n{told['error']}"
        assert told["killed"] in (0, signal.SIGKILL), f"{command.name} died of signal {told['killed']}"
        return Ended(bool(told["killed"]), told["moments"])


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """Folders to start from and to compare with; `moments` of each command."""

    folder: Path
    moments: Mapping[str, int]

    @staticmethod
    def read(folder: Path) -> "Undisturbed":
        """What `make_undisturbed` made."""
        return Undisturbed(folder, json.loads((folder / "moments.json").read_text()))


def make_undisturbed(worker: Worker, folder: Path) -> None:
    """From `fresh`, which has its instance: `received`, `billed` (and changed by the user), `late`, undisturbed."""
    moments: dict[str, int] = {}
    fresh = folder / "fresh"
    write_sources(fresh)
    write_catalog(fresh)
    write_customers(fresh)
    write_files(fresh)
    _go_on(worker, folder, "fresh", "received", INGESTS, moments)
    _go_on(worker, folder, "received", "billed", (FIRST_RUN,), moments)
    shutil.copytree(folder / "billed", folder / "changed")
    change_by_hand(folder / "changed")
    _go_on(worker, folder, "changed", "late", LATE, moments)
    (folder / "moments.json").write_text(json.dumps(moments))


def change_by_hand(home: Path) -> None:
    """What the user writes anew after the first run: a price, and the end of a subscription."""
    write_catalog(home, unit_amount="0.000175")
    write_customers(home, dune_ends="2023-07-12T09:15:00Z")


def _go_on(
    worker: Worker, folder: Path, before: str, after: str, commands: Sequence[Command], moments: dict[str, int]
) -> None:
    shutil.copytree(folder / before, folder / after)
    for command in commands:
        moments[command.name] = worker.run(folder / after, command).moments


@dataclass(frozen=True, slots=True)
class Strike:
    """A strike proven to have hit in the middle: what it left half done, of what the command had begun."""

    command: str
    left: tuple[str, ...]


@dataclass
class Life:
    """One working folder, whose commands are struck dead again and again until they have all ended."""

    worker: Worker
    home: Path
    moments: Mapping[str, int]
    random: Random
    clock_moves: bool
    #: By command, the part of its moments from which on there is nothing left half done. Learnt, life by life.
    too_late: dict[str, float]

    def strike(self, command: Command, wanted: int, attempts: int) -> list[Strike]:
        """Run a command to its end, struck until so many strikes are proven, or that often; the proven strikes."""
        proven: list[Strike] = []
        rest, before = 1.0, progress(self.home)
        for number in range(attempts):
            if len(proven) >= wanted:
                break
            share = rest * self._share(command)
            blow = self._blow(command, share)
            ended = self.worker.run(self.home, self._at(command, number), blow)
            if not ended.killed:
                return proven
            if number == 0 and blow.delay is None and not self._stands(command):
                self.too_late[command.name] = share
            # What was committed is not done again, what was not is.
            rest = max(0.6 if command.ingests else 0.2, rest - 0.7 * share)
            after = progress(self.home)
            if left := self._left(command, before, after):
                proven.append(Strike(command.name, left))
            before = after
        self.worker.run(self.home, self._at(command, attempts))
        return proven

    def _at(self, command: Command, number: int) -> Command:
        """The command as typed again: `--received-at` stays, the clock of a run may have moved on."""
        if command.ingests or not self.clock_moves:
            return command
        return replace(command, at=(datetime.fromisoformat(command.at) + timedelta(minutes=number)).isoformat())

    def _share(self, command: Command) -> float:
        """How far a command is to come that begins anew: behind its first looks around, and not behind its end."""
        end = self.too_late.get(command.name, 0.95)
        return self.random.uniform(min(0.3 if command.ingests else 0.1, end / 2), end)

    def _blow(self, command: Command, share: float) -> Blow:
        moment = 1 + int(share * self.moments[command.name])
        from_outside = self.random.random() < 0.4
        return Blow(moment, self.random.uniform(0, 0.06) if from_outside else None)

    def _left(self, command: Command, before: Progress, after: Progress) -> tuple[str, ...]:
        """What a strike left half done; empty where the command had not begun yet, or had reached its end."""
        stands = self._stands(command)
        if not stands:
            return ()
        left = sorted({kind for kind, _ in after.left - before.left})
        committed = sorted({name for name, _ in after.done - before.done})
        if committed:
            left.append(f"committed {', '.join(committed)}, stands at {stands}")
        # The engine is also opened just to see what is out of date.
        return () if left == [SCRATCH] else tuple(left)

    def _stands(self, command: Command) -> str:
        if not command.ingests:
            return unfinished(self.home)
        digests = {hashlib.sha256((self.home / path).read_bytes()).hexdigest() for path in command.paths}
        known = {sha256 for source, sha256 in ingested(self.home) if source == command.source}
        return "" if digests <= known else "landing_files"
