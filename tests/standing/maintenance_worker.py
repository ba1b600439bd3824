"""Maintenance in processes of its own: again and again until stopped, or struck dead at one moment after another."""

import os
import shutil
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.standing.maintenance import maintain

#: Python's own dealings with files; what the libraries of lake and engine do lies between two.
_COUNTED = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "shutil.rmtree")
_EVERY = 4


def tidy(home: Path) -> None:
    maintain(pipeline_of(Settings(home)), datetime.now(UTC) + timedelta(hours=2))


def tidy_until(home: Path, stop: Path) -> None:
    while not stop.exists():
        tidy(home)


def is_killed_at(home: Path, deadly: int) -> bool:
    """Whether maintenance got as far as its so-manyth dealing with kept files, at which it is struck dead."""
    process = os.fork()
    if process == 0:
        count = 0

        def strike(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal count
            if event in _COUNTED and arguments and str(arguments[0]).startswith(str(home)):
                count += 1
                if count == deadly:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(strike)
        tidy(home)
        os._exit(0)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)


def kill(home: Path, copies: Path) -> None:
    """Print the folders that were left by killed processes."""
    deadly = 1
    while True:
        copy = Path(shutil.copytree(home, copies / str(deadly)))
        if not is_killed_at(copy, deadly):
            return
        print(copy)
        deadly += _EVERY


if __name__ == "__main__":
    {"tidy": tidy_until, "kill": kill}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
