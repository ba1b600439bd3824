"""`make bench`: our steps against bare DuckDB on the same input, turn by turn, each in a process of its own."""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.lake_sample import make_month
from benchmarks.sample import write_moesif

_MEASURES = ("seconds", "peak_mb")


def main() -> None:
    """Measure ingest and metering, and print the ratios."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--ingest-events", type=int, default=1_000_000)
    parser.add_argument("--meter-events", type=int, default=10_000_000)
    parser.add_argument("--companies", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {_memory_gb()} GB, Python {platform.python_version()}, {platform.machine()}")
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        scratch = Path(folder)
        _ingest(scratch, options.ingest_events, options.rounds)
        _meter(scratch, options.meter_events, options.companies, options.rounds)


def _ingest(scratch: Path, events: int, rounds: int) -> None:
    source = scratch / "events.ndjson"
    write_moesif(source, events)
    size = source.stat().st_size / 1e6
    pairs: list[tuple[dict[str, str], dict[str, str]]] = []
    for turn in range(rounds):
        reference = _work("ingest_reference", str(source), str(scratch / "reference.parquet"))
        ours = _work("ingest_ours", str(source), str(scratch / f"ingest-{turn}"))
        pairs.append((reference, ours))
        shutil.rmtree(scratch / f"ingest-{turn}")
    source.unlink()
    _show(f"ingest of {events:,} Moesif events ({size:,.0f} MB)", "DuckDB COPY", pairs)


def _meter(scratch: Path, events: int, companies: int, rounds: int) -> None:
    home = scratch / "month"
    make_month(home, events, companies)
    pairs: list[tuple[dict[str, str], dict[str, str]]] = []
    for _ in range(rounds):
        reference = _work("meter_reference", str(home), str(companies))
        ours = _work("meter_ours", str(home))
        pairs.append((reference, ours))
    _show(f"metering of {events:,} events, {companies:,} companies, 5 meters, 30 days", "DuckDB SQL", pairs)


def _work(*arguments: str) -> dict[str, str]:
    command = [sys.executable, "-m", "benchmarks.work", *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _show(title: str, against: str, pairs: Sequence[tuple[dict[str, str], dict[str, str]]]) -> None:
    for reference, ours in pairs:
        differing = {name for name in reference if name not in _MEASURES and reference[name] != ours.get(name)}
        if differing:
            sys.exit(f"{title}: the totals differ: {reference} {ours}")
    ratios = sorted(float(ours["seconds"]) / float(reference["seconds"]) for reference, ours in pairs)
    bare = statistics.median(float(reference["seconds"]) for reference, _ in pairs)
    own = statistics.median(float(ours["seconds"]) for _, ours in pairs)
    peak = max(int(ours["peak_mb"]) for _, ours in pairs)
    print(f"\n{title}; totals equal")
    print(f"  {against:<12}{bare:8.2f} s")
    print(f"  {'ours':<12}{own:8.2f} s, {peak} MB at most")
    print(f"  {'ratio':<12}{statistics.median(ratios):8.2f}  (from {ratios[0]:.2f} to {ratios[-1]:.2f})", flush=True)


def _memory_gb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30


if __name__ == "__main__":
    main()
