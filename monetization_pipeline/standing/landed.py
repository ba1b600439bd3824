"""Files in landing that were never ingested: what keeps each from it, and the ways out (`landing.decisions`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.landing import decisions
from monetization_pipeline.landing.decisions import Decider
from monetization_pipeline.landing.receipts import Receipts
from monetization_pipeline.landing.store import LandingFile
from monetization_pipeline.sources.declared import CUSTOMERS, SourceError, load_source
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.raw_events import waiting


class DecisionError(MonetizeError):
    """A decision about a file in landing that cannot be carried out; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Waits:
    """A file that was never ingested. `why`: what keeps it from it; empty where the next ingest takes it in."""

    file: LandingFile
    why: str


def receipts(pipeline: Pipeline, now: datetime) -> Receipts:
    """The days on which files can be received."""
    return Receipts(pipeline.seller.first_day, now)


def waiting_in_landing(pipeline: Pipeline, now: datetime) -> Sequence[Waits]:
    """Files in landing that were never ingested, by source and in order of receipt."""
    days = receipts(pipeline, now)
    sources: dict[str, str] = {}
    found: list[Waits] = []
    for file in waiting(pipeline, read_log(pipeline.lake)):
        if file.source not in sources:
            sources[file.source] = _wrong(pipeline.home.sources, file.source)
        found.append(Waits(file, days.problem(file.received_on) or sources[file.source]))
    return found


def discard(pipeline: Pipeline, source: str, name: str, decider: Decider) -> LandingFile:
    """Take a file that was never ingested out of landing; the file as it lay there. Raises DecisionError."""
    file = _never_ingested(pipeline, source, name, decider)
    try:
        decisions.discard(pipeline.landing, file, decider)
    except FileNotFoundError:
        raise _gone(file) from None
    _still_not_ingested(pipeline, file)
    return file


def receive_at(pipeline: Pipeline, source: str, name: str, received_at: datetime, decider: Decider) -> LandingFile:
    """Let a file that was never ingested count as received at another instant; the file as it lies in landing now.

    Raises DecisionError, and ReceiptError for an instant at which nothing can be received.
    """
    receipts(pipeline, decider.at).check(received_at)
    file = _never_ingested(pipeline, source, name, decider)
    try:
        moved = decisions.receive_at(pipeline.landing, file, received_at, decider)
    except FileNotFoundError:
        raise _gone(file) from None
    _still_not_ingested(pipeline, file)
    return moved


def _never_ingested(pipeline: Pipeline, source: str, name: str, decider: Decider) -> LandingFile:
    """The one file that waits under a name: the one that it has in landing, or the one that it came with."""
    if not decider.why.strip():
        raise DecisionError("--reason is empty; say why")
    if any("\ud800" <= sign <= "\udfff" for sign in decider.why):
        raise DecisionError("--reason is not UTF-8")
    log = read_log(pipeline.lake)
    lying = [file for file in pipeline.landing.files() if file.source == source]
    named = [file for file in lying if name in (file.name, file.original_name)]
    found = [file for file in named if not log.knows(source, file.sha256)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = "\n".join(f"  {file.name}" for file in found)
        raise DecisionError(f"several files of source {source!r} came as {name}; name one of them:\n{listed}")
    if named:
        raise DecisionError(
            f"{name} of source {source!r} was ingested: what it brought stays. `monetize void` takes single events back"
        )
    raise DecisionError(f"no file {name} of source {source!r} lies in landing; `monetize landing` lists what waits")


def _still_not_ingested(pipeline: Pipeline, file: LandingFile) -> None:
    if read_log(pipeline.lake).knows(file.source, file.sha256):
        raise DecisionError(f"{file.name} was ingested just now, as received at the instant in its name")


def _gone(file: LandingFile) -> DecisionError:
    return DecisionError(f"{file.name} is not in landing any more; somebody else has decided about it")


def _wrong(declarations: Path, source: str) -> str:
    """What is wrong with a source's declaration, as far as that shows without its files."""
    if source == CUSTOMERS:
        return ""
    try:
        load_source(declarations, source)
    except SourceError as error:
        return str(error)
    return ""
