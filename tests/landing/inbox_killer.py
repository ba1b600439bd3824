"""A process in which a child takes the inbox of a copy of a working folder, and kills itself at each moment in turn.

Prints the number of moments. Arguments: the working folder to copy, and the folder for the copies `0`, `1`, ….
"""

import os
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from monetization_pipeline.landing.receiving import take_inboxes
from monetization_pipeline.settings import Settings, pipeline_of

_COUNTED = ("open", "os.rename", "os.remove", "os.mkdir")
NOW = datetime(2023, 8, 2, 12, tzinfo=UTC)


def take_and_die(home: Path, deadly: int) -> None:
    """Take the inboxes; the process ends right before its deadly dealing with the kept files."""
    count = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event in _COUNTED and str(arguments[0]).startswith(f"{home}/.monetization"):
            count += 1
            if count == deadly:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    pipeline = pipeline_of(Settings(home))
    take_inboxes(pipeline.landing, pipeline.home.sources, NOW)


def main(template: Path, copies: Path) -> None:
    deadly = 0
    while True:
        deadly += 1
        home = copies / str(deadly)
        shutil.copytree(template, home)
        process = os.fork()
        if process == 0:
            take_and_die(home, deadly)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status):
            break
    print(deadly)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
