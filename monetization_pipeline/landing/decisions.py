"""What somebody decided about files that lie in landing and were never ingested, and why: `landing/decisions.ndjson`.

One record a line, only ever added to, written before what it tells is done. A file that is discarded leaves landing for
`landing/<source>/discarded/`.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from monetization_pipeline.ids import instant_text
from monetization_pipeline.landing.store import Landing, LandingFile

_FOLDER = "discarded"


class Did(StrEnum):
    """What was decided."""

    DISCARDED = "discarded"
    RECEIVED = "received at another instant"


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides, when, and why, in words."""

    who: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One record: what was done with a file that was received at `received_at`, and since when it is received, if so.

    Instants are text, as in `ids.instant_text`.
    """

    at: str
    who: str
    why: str
    did: str
    source: str
    file: str
    received_at: str
    now_received_at: str | None = None


def discard(landing: Landing, file: LandingFile, decider: Decider) -> Decision:
    """Take a file out of landing. Its bytes are kept aside for a while; handed in again, they are a new file."""
    decision = _record(landing, file, decider, Did.DISCARDED)
    folder = _discarded(landing, file.source)
    folder.mkdir(exist_ok=True, mode=0o700)
    os.rename(file.path, folder / file.name)
    # From here on it is kept as long as one that was ingested now.
    os.utime(folder / file.name, (decider.at.timestamp(), decider.at.timestamp()))
    return decision


def receive_at(landing: Landing, file: LandingFile, received_at: datetime, decider: Decider) -> LandingFile:
    """Let a file count as received at another instant; the file as it lies in landing now."""
    _record(landing, file, decider, Did.RECEIVED, received_at)
    return landing.moved_to(file, received_at)


def decisions(landing: Landing) -> Sequence[Decision]:
    """All that was decided, the first first."""
    path = _path(landing)
    if not path.exists():
        return ()
    return [Decision(**json.loads(line)) for line in path.read_text("ascii").splitlines()]


def discarded_files(landing: Landing) -> Sequence[Path]:
    """Files that were discarded and are still kept."""
    return sorted(landing.root.glob(f"*/{_FOLDER}/*"))


def _discarded(landing: Landing, source: str) -> Path:
    return landing.root / source / _FOLDER


def _path(landing: Landing) -> Path:
    return landing.root / "decisions.ndjson"


def _record(
    landing: Landing, file: LandingFile, decider: Decider, did: Did, received_at: datetime | None = None
) -> Decision:
    decision = Decision(
        at=instant_text(decider.at),
        who=decider.who,
        why=decider.why,
        did=did.value,
        source=file.source,
        file=file.name,
        received_at=instant_text(file.received_at),
    )
    if received_at is not None:
        decision = replace(decision, now_received_at=instant_text(received_at.astimezone(UTC)))
    fields = {name: getattr(decision, name) for name in Decision.__slots__}
    opened = os.open(_path(landing), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(opened, "a", encoding="ascii") as records:
        records.write(json.dumps(fields) + "\n")
        records.flush()
        os.fsync(records.fileno())
    return decision
