"""`monetize ingest --watch`: take in what appears, ingest it, go on until told to stop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from threading import Event

from monetization_pipeline.clock import Clock
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.landing.store import LandingFile
from monetization_pipeline.landing.watching import Arrivals, Watched
from monetization_pipeline.steps.raw_events import IngestReport

#: Between two looks: what was not written to for so long is whole.
_SECONDS = 1.0
#: What could not be ingested is tried again after so long, or with the next file.
_AGAIN_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is told what came in, and what went wrong."""

    ingested: Callable[[Sequence[LandingFile], IngestReport], None]
    problem: Callable[[str], None]


def keep_ingesting(
    watched: Watched,
    ingest: Callable[[Sequence[date]], IngestReport],
    telling: Telling,
    clock: Clock,
    stop: Event,
) -> None:
    """Look, ingest what came, wait; until `stop` is set or the process is interrupted in the middle of an ingest.

    A file that cannot be read, a source whose declaration is wrong, an ingest that fails: said once, and tried again.
    """
    waiting: set[date] = set()
    failed_at: float | None = None
    said: str | None = None
    while True:
        began = time.monotonic()
        arrivals = Arrivals()
        try:
            arrivals = watched.take(clock())
            for problem in arrivals.problems:
                telling.problem(problem)
            waiting |= {file.received_on for file in arrivals.received}
            if stop.is_set():
                return
            if arrivals.received or (waiting and (failed_at is None or began - failed_at > _AGAIN_AFTER)):
                telling.ingested(arrivals.received, ingest(sorted(waiting)))
                waiting.clear()
                failed_at = said = None
        except MonetizeError as error:
            failed_at = began
            if str(error) != said:
                telling.problem(str(error))
            said = str(error)
        except KeyboardInterrupt:
            return
        # A look over very many files takes its time; it is not to be all that this machine does.
        if stop.wait(max(_SECONDS, time.monotonic() - began)):
            return
