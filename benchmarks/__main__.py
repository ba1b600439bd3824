"""`make bench`: every benchmark; `python -m benchmarks NAME --SIZE N`: one of them, and how large."""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks import fixed_cost, growth, ingest, late_event, metering, rating


@dataclass(frozen=True, slots=True)
class _Benchmark:
    """`run` takes a scratch folder, a number of rounds, and sizes."""

    sizes: type[Any]
    run: Callable[[Path, int, Any], None]


_BENCHMARKS = {
    "ingest": _Benchmark(ingest.Sizes, ingest.run),
    "metering": _Benchmark(metering.Sizes, metering.run),
    "late_event": _Benchmark(late_event.Sizes, late_event.run),
    "rating": _Benchmark(rating.Sizes, rating.run),
    "growth": _Benchmark(growth.Sizes, growth.run),
    "fixed_cost": _Benchmark(fixed_cost.Sizes, fixed_cost.run),
}


def main() -> None:
    """Run one benchmark, or all of them in their own sizes, in one temporary folder."""
    options = _parser().parse_args()
    print(f"{os.cpu_count()} cores, {_memory_gb()} GB, Python {platform.python_version()}, {platform.machine()}")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=options.scratch) as folder:
        for name in [options.benchmark] if options.benchmark else _BENCHMARKS:
            chosen = _BENCHMARKS[name]
            given = {size.name: getattr(options, size.name, size.default) for size in fields(chosen.sizes)}
            chosen.run(Path(folder), options.rounds, chosen.sizes(**given))
    print(f"\n{(time.perf_counter() - started) / 60:.1f} minutes")


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    common.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    parser = argparse.ArgumentParser(prog="python -m benchmarks", parents=[common], description=__doc__)
    parts = parser.add_subparsers(dest="benchmark", metavar="BENCHMARK")
    for name, benchmark in _BENCHMARKS.items():
        part = parts.add_parser(name, parents=[common], help=benchmark.sizes.__doc__)
        for size in fields(benchmark.sizes):
            text = f"(default: {size.default:,})"
            part.add_argument(f"--{size.name.replace('_', '-')}", type=int, default=size.default, help=text)
    return parser


def _memory_gb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30


if __name__ == "__main__":
    main()
