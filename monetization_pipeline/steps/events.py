"""raw_events and corrections → events: each identity once, on the day that its first copy says (rules 2 and 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from monetization_pipeline.datasets import EVENTS, RAW_EVENTS
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake import disk
from monetization_pipeline.lake.day_inputs import NO_INPUT
from monetization_pipeline.lake.ingest_log import IngestLog
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.rows import fingerprint_of
from monetization_pipeline.lake.state import PartitionState, code_version
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.lake.visible import view_received
from monetization_pipeline.netting.copies import Received, count_orphans, net
from monetization_pipeline.netting.corrections import Corrections, find_corrections
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

CODE_VERSION = code_version(EVENTS.name, 2)


@dataclass(frozen=True, slots=True)
class _Day:
    file: NewFile
    state: PartitionState


def expected_states(pipeline: Pipeline, _: Known, days: Sequence[str]) -> Mapping[str, PartitionState]:
    """By day: what `events` would be made from now. A day that never had an event is not in it."""
    log, made = read_log(pipeline.lake), pipeline.lake.table(EVENTS).states()
    sources = {day: log.days.get(date.fromisoformat(day), NO_INPUT) for day in days}
    return {
        day: PartitionState("", 0, inputs={"raw_events": source.fingerprint}, code_version=CODE_VERSION)
        for day, source in sources.items()
        if source is not NO_INPUT or day in made
    }


def build(pipeline: Pipeline, _: Known, days: Sequence[str]) -> Mapping[str, PartitionState]:
    """Make `events` of the given days, in one commit. Raises ConcurrentCommitError."""
    table = pipeline.lake.table(EVENTS)
    claim = table.claim(days)
    log = read_log(pipeline.lake)
    with pipeline.engine.session() as session:
        corrections = find_corrections(session, pipeline.lake, log)
        built = [_build_day(pipeline, session, log, corrections, date.fromisoformat(day)) for day in days]
    files = [item.file for item in built if item.file.rows]
    states = {item.file.partition: item.state for item in built}
    table.replace(claim, files, states)
    for item in built:
        if not item.file.rows:
            disk.remove(item.file.address)
    return states


def _build_day(pipeline: Pipeline, session: Session, log: IngestLog, corrections: Corrections, day: date) -> _Day:
    source = log.days.get(day, NO_INPUT)
    address = pipeline.lake.table(EVENTS).new_path(day.isoformat())
    copied = {batch for other in source.copy_days if other in log.days for batch in log.days[other].batches}
    received = Received("raw", "elsewhere", source.copy_days)
    view_received(session, received.own, pipeline.lake, RAW_EVENTS, source.batches)
    view_received(session, received.elsewhere, pipeline.lake, RAW_EVENTS, copied)
    netted = net(session, day, received, corrections)
    rows = session.write(netted.sql, address, EVENTS.schema)
    session.view("written", EVENTS.schema, [address])
    counts = {"raw_events": source.rows - netted.replacements, "replacements": netted.replacements, "events": rows}
    state = PartitionState(
        fingerprint_of(session, EVENTS, [address]),
        rows,
        inputs={"raw_events": source.fingerprint},
        code_version=CODE_VERSION,
        counts={**counts, **netted.outcomes},
        facts=count_orphans(session, "written"),
        notes={"conflicts": netted.conflicts} if netted.conflicts else {},
    )
    return _Day(NewFile(address, day.isoformat(), rows), state)
