"""A void by hand: a small file of the built-in source `corrections` (rule 3)."""

import hashlib
import io
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.landing.store import Landing, LandingFile
from monetization_pipeline.sources.declared import CORRECTIONS, load_source


class VoidError(MonetizeError):
    """A void that says too little."""


@dataclass(frozen=True, slots=True)
class Void:
    """The event of a source that is to be removed, and why, in words."""

    source: str
    event_id: str
    reason: str


def land_void(
    landing: Landing, declarations: Path, ingested: Collection[str], void: Void, received_at: datetime
) -> LandingFile:
    """Let a void of one event into landing; it holds also where the event is still to come.

    Its own identity comes from its target: voiding an event once more changes nothing, whatever the reason.
    Raises SourceError where the source is neither one of `ingested` (sources of which files came in) nor declared,
    VoidError for an empty text.
    """
    for name, text in (("EVENT_ID", void.event_id), ("--reason", void.reason)):
        if not text.strip():
            raise VoidError(f"{name} is empty; a void says which event it removes, and why")
        if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
            raise VoidError(f"{name} is not UTF-8")
    if void.source not in ingested:
        load_source(declarations, void.source)
    identity = hashlib.sha256(json.dumps([void.source, void.event_id]).encode()).hexdigest()[:32]
    record = {
        "event_id": f"void-{identity}",
        "correction": "void",
        "target_source": void.source,
        "target_event_id": void.event_id,
        "reason": void.reason,
    }
    content = json.dumps(record, ensure_ascii=False) + "\n"
    return landing.place(CORRECTIONS, "void.ndjson", io.BytesIO(content.encode()), received_at)
