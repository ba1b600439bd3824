"""A process that has everything imported and forks a child for each command that it is told to run.

Orders come as JSON, one a line, on stdin; each is answered with how the child ended. Where an order says so, the child
kills itself at a certain moment, or is killed from here a little after it.
"""

import importlib
import json
import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from monetization_pipeline.definitions import ingest_days, materialize_periods
from monetization_pipeline.landing.receiving import receive
from monetization_pipeline.settings import Settings, load_settings, pipeline_of

#: What Python tells of its own dealings with files; what the lake's and the engine's libraries do lies between two.
_COUNTED = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "os.chmod", "shutil.rmtree")


@dataclass
class _Moments:
    """Counts dealings with the kept files, Dagster's own aside; before the deadly one, the process is done for.

    It dies there and then, or where it is to be killed from outside, it says `now` into a pipe and goes on meanwhile.
    """

    kept: str
    within: str
    deadly: int | None
    say_now: int | None
    count: int = 0

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _COUNTED or not arguments or not isinstance(arguments[0], (str, os.PathLike)):
            return
        path = os.fspath(arguments[0])
        if not path.startswith(self.within) or path.startswith(f"{self.kept}/dagster"):
            return
        self.count += 1
        if self.count == self.deadly:
            if self.say_now is None:
                os.kill(os.getpid(), signal.SIGKILL)
            else:
                os.write(self.say_now, b"!")


def work(order: dict[str, Any]) -> None:
    """What `monetize ingest` and `monetize run` do."""
    home, at = Path(order["home"]), datetime.fromisoformat(order["at"])
    settings = load_settings({"MONETIZATION_HOME": str(home)}, home)
    pipeline = pipeline_of(Settings(home))
    if order["command"] == "run":
        materialize_periods(settings, pipeline, [order["month"]], at, print)
        return
    received = receive(
        pipeline.landing, pipeline.home.sources, order["source"], [home / path for path in order["paths"]], at
    )
    ingest_days(settings, pipeline, sorted({file.received_on for file in received}), print)


def child(order: dict[str, Any], say_now: int, answer: int) -> None:
    """Run the order; say what went wrong, how many moments there were and which modules were still missing."""
    imported = set(sys.modules)
    delayed = order["delay"] is not None
    kept = f"{order['home']}/.monetization"
    moments = _Moments(kept, f"{kept}/{order['within']}", order["deadly"], say_now if delayed else None)
    sys.addaudithook(moments.hook)
    error = None
    try:
        work(order)
    except BaseException:  # noqa: BLE001 - whatever it is, the test is to show it
        error = traceback.format_exc()
    modules = [name for name in sys.modules if name not in imported]
    os.write(answer, json.dumps({"error": error, "moments": moments.count, "modules": modules}).encode())


def serve(order: dict[str, Any]) -> dict[str, Any]:
    """Run an order in a child; how it ended."""
    (now, say_now), (reading, writing) = os.pipe(), os.pipe()
    process = os.fork()
    if process == 0:
        child(order, say_now, writing)
        os._exit(0)
    os.close(say_now)
    os.close(writing)
    with os.fdopen(now, "rb") as waited_for, os.fdopen(reading) as told:
        if order["delay"] is not None and waited_for.read(1):
            time.sleep(order["delay"])
            # Nobody has waited for it yet: this is our child, even if it has ended meanwhile.
            os.kill(process, signal.SIGKILL)
        text = told.read()
    _, status = os.waitpid(process, 0)
    answer = json.loads(text) if text else {"error": None, "moments": 0, "modules": []}
    for name in answer.pop("modules"):
        importlib.import_module(name)
    return answer | {"killed": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}


def main() -> None:
    """Serve until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), file=answers)


if __name__ == "__main__":
    main()
