"""`monetize` in processes of its own, on a test's working folder."""

import os
import subprocess
import sys
from pathlib import Path

MONETIZE = Path(sys.executable).with_name("monetize")
_DROPPED = ("STRIPE_", "MONETIZATION_", "DAGSTER_")


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """A command on its way; what it prints is kept for `communicate`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    return subprocess.Popen(
        [MONETIZE, *arguments],
        cwd=home,
        env=environment | {"MONETIZATION_HOME": str(home), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(home: Path, *arguments: str) -> str:
    """A command that must succeed: its output."""
    process = start(home, *arguments)
    out, problems = process.communicate(timeout=300)
    assert process.returncode == 0, out + problems
    return out
