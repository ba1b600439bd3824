"""Landing files → raw_events, corrections, refusals, entity_changes; `landing_files` last makes them visible.

A batch is some files of one source. Its id is made from their bytes and the source's declaration: a run that was
killed between two commits finds, when it is repeated, which tables have the batch already. A round is some batches that
are listed together, so that all history is searched for copies once for them all.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from monetization_pipeline.datasets import CORRECTIONS, RAW_EVENTS
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ingest.batch import Batch
from monetization_pipeline.ingest.staged import UnreadableFileError, stage
from monetization_pipeline.lake.ingest_log import IngestedFile, IngestLog, TouchedDay
from monetization_pipeline.lake.listing import add_to_log, read_log
from monetization_pipeline.lake.state import PartitionState, code_version
from monetization_pipeline.lake.table import ConcurrentCommitError
from monetization_pipeline.landing.store import LandingFile
from monetization_pipeline.netting.touched_days import FileKey, touched_days
from monetization_pipeline.sources.declared import CUSTOMERS, Source, SourceError, load_source
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

CODE_VERSION = code_version(RAW_EVENTS.name, 2)

_BATCH_BYTES = 512 << 20
_BATCH_FILES = 2_000
_ROUND_BYTES = 2 << 30
_ROUND_BATCHES = 16
_TRIES = 5


class IngestError(SourceError):
    """Sources, or files of one, that could not be ingested; all others were."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did: the files that came in."""

    ingested: tuple[IngestedFile, ...] = ()

    @property
    def days(self) -> frozenset[date]:
        """Event days that were touched."""
        return frozenset(day.occurred_on for file in self.ingested for day in file.days)

    @property
    def refusals(self) -> int:
        """Records set aside."""
        return sum(file.refusals for file in self.ingested)

    @property
    def unreadable(self) -> int:
        """Events that came in with something that cannot be read."""
        return sum(file.unreadable for file in self.ingested)


def waiting(pipeline: Pipeline, log: IngestLog, received_on: date | None = None) -> list[LandingFile]:
    """Landing files that were not ingested, each content once, in order."""
    files: dict[tuple[str, str], LandingFile] = {}
    for file in pipeline.landing.files(received_on):
        if not log.knows(file.source, file.sha256):
            files.setdefault((file.source, file.sha256), file)
    return list(files.values())


def expected_states(pipeline: Pipeline, _: Known, days: Sequence[str]) -> Mapping[str, PartitionState]:
    """By received day with files that were not ingested: those files."""
    waits: dict[str, dict[str, str]] = {}
    for file in waiting(pipeline, read_log(pipeline.lake)):
        waits.setdefault(file.received_on.isoformat(), {})[f"{file.source}/{file.sha256}"] = file.name
    return {day: PartitionState("", 0, inputs=waits[day], code_version=CODE_VERSION) for day in days if day in waits}


def build(pipeline: Pipeline, _: Known, days: Sequence[str]) -> IngestReport:
    """Ingest what waits of received days. Raises IngestError, once all that can be ingested is."""
    return IngestReport(tuple(file for day in days for file in ingest(pipeline, date.fromisoformat(day)).ingested))


def ingest(pipeline: Pipeline, received_on: date | None = None) -> IngestReport:
    """Ingest what lies in landing and was not ingested: of one received day, or of all.

    Raises IngestError for files that could not be: of a source that is not declared, or that the disk does not give;
    no other file is held up by them.
    """
    done: list[IngestedFile] = []
    for _ in range(_TRIES):
        problems: dict[str, MonetizeError] = {}
        try:
            for batches in _rounds(_batches(waiting(pipeline, read_log(pipeline.lake), received_on))):
                done += _ingest_round(pipeline, batches, problems)
        except ConcurrentCommitError:
            continue
        if problems:
            raise IngestError("\n".join(map(str, problems.values())))
        return IngestReport(tuple(done))
    raise ConcurrentCommitError("another ingest keeps running in this working folder; try again once it has ended")


@dataclass(frozen=True, slots=True)
class _FileBatch:
    files: Sequence[LandingFile]
    size: int


def _batches(files: Iterable[LandingFile]) -> Iterator[_FileBatch]:
    for _, group in groupby(files, key=lambda file: (file.source, file.received_on)):
        batch: list[LandingFile] = []
        size = 0
        for file in group:
            own = _size(file)
            if batch and (size + own > _BATCH_BYTES or len(batch) == _BATCH_FILES):
                yield _FileBatch(batch, size)
                batch, size = [], 0
            batch.append(file)
            size += own
        yield _FileBatch(batch, size)


def _size(file: LandingFile) -> int:
    try:
        return file.path.stat().st_size
    except OSError:
        return 0


def _rounds(batches: Iterable[_FileBatch]) -> Iterator[list[_FileBatch]]:
    together: list[_FileBatch] = []
    for batch in batches:
        size = sum(other.size for other in together) + batch.size
        if together and (size > _ROUND_BYTES or len(together) == _ROUND_BATCHES):
            yield together
            together = []
        together.append(batch)
    if together:
        yield together


def _ingest_round(
    pipeline: Pipeline, batches: Sequence[_FileBatch], problems: dict[str, MonetizeError]
) -> list[IngestedFile]:
    """Write, commit and list some batches; what keeps a source or a file from it is added to `problems`."""
    log = read_log(pipeline.lake)
    written: list[Batch] = []
    rows: list[IngestedFile] = []
    for batch in batches:
        fresh = [file for file in batch.files if not log.knows(file.source, file.sha256)]
        while fresh:
            try:
                made, listed = _made(pipeline, fresh)
            except UnreadableFileError as error:
                if not error.is_gone:
                    problems[str(error.file.path)] = error
                fresh = [file for file in fresh if file != error.file]
                continue
            except MonetizeError as error:
                problems[fresh[0].source] = error
                break
            made.commit()
            written.append(made)
            rows += listed
            break
    if not rows:
        return []
    days = _days_of(pipeline, log, written)
    listed = [replace(row, days=tuple(days.get((row.source, row.name), ()))) for row in rows]
    add_to_log(pipeline.lake, log, listed)
    return listed


def _made(pipeline: Pipeline, files: Sequence[LandingFile]) -> tuple[Batch, list[IngestedFile]]:
    """The files of one source as a batch, written and not committed."""
    name = files[0].source
    source = None if name == CUSTOMERS else load_source(pipeline.home.sources, name)
    batch = Batch(pipeline.lake, _batch_id(pipeline, files, source), files)
    return batch, _write(pipeline, batch, source)


def _write(pipeline: Pipeline, batch: Batch, source: Source | None) -> list[IngestedFile]:
    if source is None:
        return batch.read_customers()
    with pipeline.engine.session() as session:
        stage(session, source, batch.files, pipeline.seller.first_instant)
        return batch.write_staged(session)


def _days_of(pipeline: Pipeline, log: IngestLog, written: Sequence[Batch]) -> Mapping[FileKey, Sequence[TouchedDay]]:
    raw_events = [file for batch in written for file in batch.written(RAW_EVENTS)]
    corrections = [file for batch in written for file in batch.written(CORRECTIONS)]
    if not raw_events and not corrections:
        return {}
    with pipeline.engine.session() as session:
        return touched_days(session, pipeline.lake, log, raw_events, corrections)


def _batch_id(pipeline: Pipeline, files: Sequence[LandingFile], source: Source | None) -> str:
    declared = None if source is None else source.model_dump(mode="json")
    identity = [
        CODE_VERSION,
        pipeline.seller.first_month,
        declared,
        [(file.source, file.sha256, file.name) for file in files],
    ]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return f"{files[0].received_on:%Y%m%d}{digest[:24]}"
