"""One measured piece of work, in a process of its own: `python -m benchmarks.work BENCHMARK NAME ARGUMENTS…`."""

import json
import sys
from dataclasses import asdict
from importlib import import_module

from benchmarks.measuring import Measured, Watch


def main(benchmark: str, name: str, *arguments: str) -> None:
    """Do it and print what was measured as JSON."""
    watch = Watch()
    totals = import_module(f"benchmarks.{benchmark}").WORK[name](watch, *arguments)
    print(json.dumps(asdict(Measured(watch.parts, watch.peak_mb, dict(totals)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
