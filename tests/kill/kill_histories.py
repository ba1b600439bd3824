"""Commands that are struck dead and run again, and what came of it."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from half_state import Progress, ingested, progress, unfinished
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
)
FIRST_RUN = Command("the first run", "2023-08-02T00:00:00Z")
LATE = (_ingest("2023-08-02T05:00:00Z", "logs", "logs-late.ndjson.gz"), Command("run", "2023-08-03T00:00:00Z"))


@dataclass(frozen=True, slots=True)
class Blow:
    """When to strike: before the so-manyth dealing with a kept file, or so many seconds after the start; or never."""

    moment: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: `moments` and `seconds` are those of one that was not killed."""

    killed: bool
    moments: int
    seconds: float


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

    def run(self, home: Path, command: Command, blow: Blow = Blow()) -> Ended:
        """Run a command to its end, or until it is struck dead. An error of it is an AssertionError."""
        order = {
            "home": str(home),
            "command": "ingest" if command.ingests else "run",
            "at": command.at,
            "source": command.source,
            "paths": command.paths,
            "month": MONTH,
            "deadly": blow.moment,
        }
        self._say(json.dumps(order))
        process = int(self._hear())
        started = time.monotonic()
        if blow.seconds is not None:
            time.sleep(blow.seconds)
            # The worker has not waited for it yet, so this is our child even if it has ended already.
            os.kill(process, signal.SIGKILL)
        self._say("reap")
        told = json.loads(self._hear())
        assert told["error"] is None, f"{command.name} failed:\n{told['error']}"
        assert told["killed"] in (False, signal.SIGKILL), f"{command.name} died of signal {told['killed']}"
        return Ended(bool(told["killed"]), told["moments"], time.monotonic() - started)

    def _say(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n")

    def _hear(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the worker is gone"
        return line


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """Folders to start from (`fresh`, `received`, `billed`), to compare with, and how long each command took."""

    folder: Path
    sizes: Mapping[str, Ended]

    @staticmethod
    def read(folder: Path) -> "Undisturbed":
        """What `make_undisturbed` made."""
        sizes = json.loads((folder / "sizes.json").read_text())
        return Undisturbed(folder, {name: Ended(False, *size) for name, size in sizes.items()})


def make_undisturbed(worker: Worker, folder: Path) -> None:
    """From `fresh`, which has its instance: `received`, `billed` (and changed by the user), `late`, undisturbed."""
    sizes: dict[str, Ended] = {}
    fresh = folder / "fresh"
    write_sources(fresh)
    write_catalog(fresh)
    write_customers(fresh)
    write_files(fresh)
    _go_on(worker, folder, "fresh", "received", INGESTS, sizes)
    _go_on(worker, folder, "received", "billed", (FIRST_RUN,), sizes)
    shutil.copytree(folder / "billed", folder / "changed")
    change_by_hand(folder / "changed")
    _go_on(worker, folder, "changed", "late", LATE, sizes)
    (folder / "sizes.json").write_text(
        json.dumps({name: (ended.moments, ended.seconds) for name, ended in sizes.items()})
    )


def change_by_hand(home: Path) -> None:
    """What the user writes anew after the first run: a price, and the end of a subscription."""
    write_catalog(home, unit_amount="0.000175")
    write_customers(home, dune_ends="2023-07-13T09:15:00Z")


def _go_on(
    worker: Worker, folder: Path, before: str, after: str, commands: Sequence[Command], sizes: dict[str, Ended]
) -> None:
    shutil.copytree(folder / before, folder / after)
    for command in commands:
        # The first time, the worker still has to import; a second look tells how long it takes warm.
        sizes[command.name] = worker.run(folder / after, command)


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
    sizes: Mapping[str, Ended]
    random: Random
    clock_moves: bool

    def strike(self, command: Command, times: int) -> list[Strike]:
        """Run a command, struck at most so many times, to its end; the strikes that are proven."""
        proven: list[Strike] = []
        rest, before = 1.0, progress(self.home)
        for number in range(times):
            share = rest * self.random.uniform(0.02, 0.95)
            ended = self.worker.run(self.home, self._at(command, number), self._blow(command, share))
            if not ended.killed:
                return proven
            rest = max(0.2, rest - share / 2)
            after = progress(self.home)
            if left := self._left(command, before, after):
                proven.append(Strike(command.name, left))
            before = after
        self.worker.run(self.home, self._at(command, times))
        return proven

    def _at(self, command: Command, number: int) -> Command:
        """The command as typed again: `--received-at` stays, the clock of a run may have moved on."""
        if command.ingests or not self.clock_moves:
            return command
        return replace(command, at=(datetime.fromisoformat(command.at) + timedelta(minutes=number)).isoformat())

    def _blow(self, command: Command, share: float) -> Blow:
        size = self.sizes[command.name]
        if self.random.random() < 0.6:
            return Blow(moment=1 + int(share * size.moments))
        return Blow(seconds=share * size.seconds)

    def _left(self, command: Command, before: Progress, after: Progress) -> tuple[str, ...]:
        """What a strike left half done; empty where the command had not begun yet, or had reached its end."""
        stands = self._stands(command)
        if not stands:
            return ()
        left = sorted({kind for kind, _ in after.left - before.left})
        committed = sorted({name for name, _ in after.done - before.done})
        if committed:
            left.append(f"committed {', '.join(committed)}, stands at {stands}")
        return tuple(left)

    def _stands(self, command: Command) -> str:
        if not command.ingests:
            return unfinished(self.home)
        digests = {hashlib.sha256((self.home / path).read_bytes()).hexdigest() for path in command.paths}
        known = {sha256 for source, sha256 in ingested(self.home) if source == command.source}
        return "" if digests <= known else "landing_files"
