"""How every benchmark is timed, compared and printed: turn by turn, each piece of work in a process of its own."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Figures as text by name: two ways of doing the same work have to agree on every one of them.
Totals = Mapping[str, str]


class TotalsDifferError(Exception):
    """Two ways of doing the same work came to different figures: their seconds say nothing."""


@dataclass(slots=True)
class Watch:
    """Seconds of the parts of a piece of work, and the memory of the process by then."""

    parts: dict[str, float] = field(default_factory=dict)
    peak_mb: int = 0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time what is done inside; a name that comes again adds up."""
        started = time.perf_counter()
        yield
        self.parts[name] = self.parts.get(name, 0.0) + time.perf_counter() - started
        self.peak_mb = max(self.peak_mb, own_peak_mb())


def own_peak_mb() -> int:
    """The most memory that this process held; Linux. (`ru_maxrss` counts that of its parent as well.)"""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) // 1024


#: A piece of work: times its parts, and returns its figures. The arguments come from a command line.
Work = Callable[..., Totals]


@dataclass(frozen=True, slots=True)
class Measured:
    """One piece of work, done once. `seconds` are those of its parts together."""

    parts: Mapping[str, float]
    peak_mb: int
    totals: Totals

    @property
    def seconds(self) -> float:
        """All parts together."""
        return sum(self.parts.values())


Task = Callable[[], Measured]


def in_process(benchmark: str, name: str, *arguments: object) -> Measured:
    """Do `name` of `benchmarks.<benchmark>.WORK` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.work", benchmark, name, *map(str, arguments)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout
    return Measured(**json.loads(printed))


def in_turns(tasks: Mapping[str, Task], rounds: int) -> dict[str, list[Measured]]:
    """Do the tasks one after another, and all of it again, `rounds` times. Raises TotalsDifferError."""
    done: dict[str, list[Measured]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            done[name].append(task())
    check_equal(done)
    return done


def check_equal(done: Mapping[str, Sequence[Measured]]) -> None:
    """Raise TotalsDifferError where not all came to the same figures."""
    first, *others = ((name, measured.totals) for name, results in done.items() for measured in results)
    for name, totals in others:
        if totals != first[1]:
            raise TotalsDifferError(f"the totals differ: {first[0]} {dict(first[1])}, {name} {dict(totals)}")


def compare(title: str, tasks: Mapping[str, Task], rounds: int) -> dict[str, list[Measured]]:
    """Do the tasks in turns and print them; ratios are against the first one. Raises TotalsDifferError."""
    done = in_turns(tasks, rounds)
    heading(f"{title}; totals equal")
    base, *_ = done.values()
    for name, results in done.items():
        line = f"  {name:<34}{seconds_of(results):9.2f} s{peak_of(results):8,} MB"
        print(line if results is base else f"{line}   {ratio_text(results, base)}", flush=True)
    return done


def show_parts(results: Sequence[Measured]) -> None:
    """Print the median seconds of each part."""
    for name, seconds in median_parts(results).items():
        print(f"    {name:<32}{seconds:9.2f} s", flush=True)


def median_parts(results: Sequence[Measured]) -> Mapping[str, float]:
    """The median seconds of each part."""
    return {name: statistics.median(measured.parts[name] for measured in results) for name in results[0].parts}


def heading(title: str) -> None:
    """Print what the lines below are about."""
    print(f"\n{title}", flush=True)


def ratio_text(results: Sequence[Measured], base: Sequence[Measured]) -> str:
    """How many times as long as `base`: the median over the rounds, the least and the greatest."""
    pairs = zip(results, base, strict=True)
    ratios = sorted(measured.seconds / other.seconds for measured, other in pairs)
    return f"ratio {_figures(statistics.median(ratios))} (from {_figures(ratios[0])} to {_figures(ratios[-1])})"


def seconds_of(results: Sequence[Measured]) -> float:
    """The median."""
    return statistics.median(measured.seconds for measured in results)


def peak_of(results: Sequence[Measured]) -> int:
    """The most memory that any of them took, in MB."""
    return max(measured.peak_mb for measured in results)


def _figures(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"
