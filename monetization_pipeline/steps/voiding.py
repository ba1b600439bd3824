"""A void by hand: a small file of the built-in source `corrections` (rule 3)."""

import hashlib
import io
import json
from datetime import datetime

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ingest.sources import CORRECTIONS, load_source
from monetization_pipeline.lake.ingest_log import read_log
from monetization_pipeline.lake.landing import LandingFile
from monetization_pipeline.steps.pipeline import Pipeline


class VoidError(MonetizeError):
    """A void that says too little."""


def land_void(pipeline: Pipeline, source: str, event_id: str, reason: str, received_at: datetime) -> LandingFile:
    """Let a void of one event into landing; it holds also where the event is still to come.

    Its own identity comes from its target: voiding an event once more changes nothing, whatever the reason.
    Raises SourceError where no files of the source were ingested and it is not declared, VoidError for an empty text.
    """
    for name, text in (("EVENT_ID", event_id), ("--reason", reason)):
        if not text.strip():
            raise VoidError(f"{name} is empty; a void says which event it removes, and why")
        if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
            raise VoidError(f"{name} is not UTF-8")
    if source not in read_log(pipeline.lake).sources:
        load_source(pipeline.home.sources, source)
    identity = hashlib.sha256(json.dumps([source, event_id]).encode()).hexdigest()[:32]
    record = {
        "event_id": f"void-{identity}",
        "correction": "void",
        "target_source": source,
        "target_event_id": event_id,
        "reason": reason,
    }
    content = json.dumps(record, ensure_ascii=False) + "\n"
    return pipeline.landing.place(CORRECTIONS, "void.ndjson", io.BytesIO(content.encode()), received_at)
