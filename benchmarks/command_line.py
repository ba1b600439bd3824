"""The command line as a process. Nothing heavy is imported: a child is taken to hold what its parent did."""

import os
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import Totals, Watch, Work


def monetize(home: Path, *arguments: str) -> str:
    """Run `monetize` on a working folder; what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_", "MONETIZATION_"))}
    command = [str(Path(sys.executable).with_name("monetize")), *arguments]
    environment = {**kept, "MONETIZATION_HOME": str(home)}
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _work_monetize(watch: Watch, home: str, *arguments: str) -> Totals:
    with watch.part("process"):
        printed = monetize(Path(home), *arguments)
    watch.peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return {"printed": printed}


WORK: dict[str, Work] = {"monetize": _work_monetize}
