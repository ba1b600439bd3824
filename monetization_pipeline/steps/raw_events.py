"""Landing files of a received day → raw_events, refusals, entity_changes; `landing_files` last makes them visible.

A batch is some files of one source. Its id is made from their bytes and the source's declaration: a run that was
killed between two commits finds, when it is repeated, which tables have the batch already.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from pathlib import Path

from monetization_pipeline.customers.changes import change_of
from monetization_pipeline.customers.loading import load_changes
from monetization_pipeline.customers.models import EntityChange, EntityKind
from monetization_pipeline.customers.records import FileRefusal
from monetization_pipeline.customers.values import RecordError, canonical_json
from monetization_pipeline.datasets import ENTITY_CHANGES, RAW_EVENTS, REFUSALS, DatasetSpec
from monetization_pipeline.engines.base import Session
from monetization_pipeline.ingest.secrets import mask
from monetization_pipeline.ingest.sources import CUSTOMERS, Source, SourceError, load_source
from monetization_pipeline.ingest.staging import raw_events_sql
from monetization_pipeline.lake.fingerprints import fingerprint
from monetization_pipeline.lake.ingest_log import (
    IngestedFile,
    IngestLog,
    TouchedDay,
    add_to_log,
    read_log,
    visible_files,
)
from monetization_pipeline.lake.landing import LandingFile
from monetization_pipeline.lake.table import ConcurrentCommitError, NewFile
from monetization_pipeline.periods import month_period
from monetization_pipeline.steps.pipeline import CODE_VERSION, Pipeline
from monetization_pipeline.steps.staged_batch import stage
from monetization_pipeline.steps.tables import write_rows

_BATCH_BYTES = 512 << 20
_BATCH_FILES = 2_000
#: A batch is sorted by day, so that one day can be read without the others, unless its rows lie like that already:
#: so many days, or fewer, in each run of as many rows as a Parquet row group has.
_FEW_DAYS = 4
_ROW_GROUP = 122_880
_TRIES = 5


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


def waiting(pipeline: Pipeline, log: IngestLog, received_on: date | None = None) -> list[LandingFile]:
    """Landing files that were not ingested, each content once, in order."""
    seen = set(log.identities)
    files: list[LandingFile] = []
    for file in pipeline.landing.files(received_on):
        if (file.source, file.sha256) not in seen:
            seen.add((file.source, file.sha256))
            files.append(file)
    return files


def ingest(pipeline: Pipeline, received_on: date | None = None) -> IngestReport:
    """Ingest what lies in landing and was not ingested: of one received day, or of all.

    Raises SourceError for files of a source that is not declared; other sources' files are not held up by it.
    """
    done: list[IngestedFile] = []
    for _ in range(_TRIES):
        problems: dict[str, SourceError] = {}
        try:
            for files in _batches(waiting(pipeline, read_log(pipeline.lake), received_on)):
                try:
                    done += _ingest_batch(pipeline, files)
                except SourceError as error:
                    problems[files[0].source] = error
        except ConcurrentCommitError:
            continue
        if problems:
            raise SourceError("\n".join(str(error) for error in problems.values()))
        return IngestReport(tuple(done))
    raise ConcurrentCommitError("another ingest keeps running in this working folder; try again once it has ended")


def _batches(files: Iterable[LandingFile]) -> Iterator[list[LandingFile]]:
    for _, group in groupby(files, key=lambda file: (file.source, file.received_on)):
        batch: list[LandingFile] = []
        size = 0
        for file in group:
            size += file.path.stat().st_size
            if batch and (size > _BATCH_BYTES or len(batch) == _BATCH_FILES):
                yield batch
                batch, size = [], file.path.stat().st_size
            batch.append(file)
        yield batch


def _ingest_batch(pipeline: Pipeline, files: Sequence[LandingFile]) -> list[IngestedFile]:
    log = read_log(pipeline.lake)
    known = log.identities
    fresh = [file for file in files if (file.source, file.sha256) not in known]
    if not fresh:
        return []
    source = None if fresh[0].source == CUSTOMERS else load_source(pipeline.home.sources, fresh[0].source)
    batch = _Batch(pipeline, _batch_id(pipeline, fresh, source), fresh)
    with pipeline.engine.session() as session:
        if source is None:
            rows = batch.read_customers()
        else:
            stage(session, source, fresh, month_period(pipeline.seller.first_month, pipeline.seller.zone).start)
            rows = batch.write_staged(session, log)
    batch.commit()
    add_to_log(pipeline.lake, log, rows)
    return rows


def _batch_id(pipeline: Pipeline, files: Sequence[LandingFile], source: Source | None) -> str:
    declared = None if source is None else source.model_dump(mode="json")
    identity = [
        CODE_VERSION,
        pipeline.seller.first_month,
        declared,
        [(file.source, file.sha256, file.name) for file in files],
    ]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]


class _Batch:
    """Files of one batch on their way: what was written for each table and is not committed yet."""

    def __init__(self, pipeline: Pipeline, batch_id: str, files: Sequence[LandingFile]) -> None:
        self.pipeline = pipeline
        self.batch_id = batch_id
        self.files = files
        self._written: dict[str, tuple[DatasetSpec, list[NewFile]]] = {}

    def commit(self) -> None:
        """Add the batch to every table that does not have it; nobody sees it before it is in the log."""
        for spec, files in self._written.values():
            self.pipeline.lake.table(spec).append(self.batch_id, files)

    def read_customers(self) -> list[IngestedFile]:
        """Files of `customers/`: changes only."""
        changes: list[EntityChange] = []
        refusals: list[dict[str, object]] = []
        for file in self.files:
            for item in load_changes(
                file.original_name,
                file.path.read_bytes(),
                received_at=file.received_at,
                source=file.source,
                landing_file=file.name,
            ):
                if isinstance(item, FileRefusal):
                    refusals.append(_refusal(file, item.line, item.record, item.reason, item.text))
                else:
                    changes.append(item)
        self._write_changes(changes, refusals)
        return self._log_rows({}, changes, refusals)

    def write_staged(self, session: Session, log: IngestLog) -> list[IngestedFile]:
        """Staged rows as files of raw_events, refusals and entity_changes; the rows of the log."""
        outcomes = {
            (file_no, outcome): count
            for file_no, outcome, count in session.rows(
                "SELECT file_no, outcome, count(*) FROM staged GROUP BY file_no, outcome"
            )
        }
        changes, refusals = self._changes(session)
        refusals += [
            _refusal(self.files[file_no], line, record, reason, text)
            for file_no, line, record, reason, text in session.rows(
                "SELECT file_no, line, record, reason, text FROM staged WHERE outcome = 'refused' ORDER BY ALL"
            )
        ]
        self._write_changes(changes, refusals)
        rows = self._log_rows(outcomes, changes, refusals)
        if not any(outcome == "event" for _, outcome in outcomes):
            return rows
        self._write_events(session)
        days = _touched_days(session, self.pipeline, log)
        return [replace(row, days=tuple(days.get(row.name, ()))) for row in rows]

    def _changes(self, session: Session) -> tuple[list[EntityChange], list[dict[str, object]]]:
        changes: list[EntityChange] = []
        refusals: list[dict[str, object]] = []
        kinds = ", ".join(f"'{kind.value}'" for kind in EntityKind)
        for file_no, line, record, outcome, text in session.rows(
            f"SELECT file_no, line, record, outcome, text FROM staged WHERE outcome IN ({kinds}) ORDER BY ALL"
        ):
            file = self.files[file_no]
            try:
                change = change_of(
                    EntityKind(outcome),
                    json.loads(text, parse_float=str),
                    received_at=file.received_at,
                    source=file.source,
                    file=file.name,
                    line=line,
                    record=record,
                )
            except RecordError as error:
                refusals.append(_refusal(file, line, record, str(error), text))
            else:
                changes.append(change)
        return changes, refusals

    def _write_changes(self, changes: Sequence[EntityChange], refusals: Sequence[dict[str, object]]) -> None:
        self._write_rows(ENTITY_CHANGES, [_change_row(change) for change in changes])
        self._write_rows(REFUSALS, refusals)

    def _write_rows(self, spec: DatasetSpec, rows: Sequence[dict[str, object]]) -> None:
        if rows:
            path = self._new_path(spec)
            write_rows(spec, rows, path)
            self._add(spec, path, len(rows))

    def _write_events(self, session: Session) -> None:
        path = self._new_path(RAW_EVENTS)
        scattered = session.rows(
            """SELECT coalesce(max(days), 0) FROM (
                SELECT count(DISTINCT CAST(occurred_at AT TIME ZONE 'UTC' AS DATE)) AS days
                FROM staged WHERE outcome = 'event' GROUP BY rowid // ?)""",
            [_ROW_GROUP],
        )[0][0]
        count = session.write(raw_events_sql(by_day=scattered > _FEW_DAYS), path, RAW_EVENTS.schema)
        self._add(RAW_EVENTS, path, count)
        session.view("new_rows", RAW_EVENTS.schema, [path])

    def _new_path(self, spec: DatasetSpec) -> Path:
        return self.pipeline.lake.table(spec).new_path(self._partition, prefix=f"{self.batch_id}-")

    def _add(self, spec: DatasetSpec, path: Path, rows: int) -> None:
        new = NewFile(path, self._partition, rows)
        self._written.setdefault(spec.name, (spec, []))[1].append(new)

    @property
    def _partition(self) -> str:
        return self.files[0].received_on.isoformat()

    def _log_rows(
        self,
        outcomes: dict[tuple[int, str], int],
        changes: Sequence[EntityChange],
        refusals: Sequence[dict[str, object]],
    ) -> list[IngestedFile]:
        changed = Counter(change.file for change in changes)
        refused = Counter(row["file"] for row in refusals)
        return [
            IngestedFile(
                source=file.source,
                sha256=file.sha256,
                name=file.name,
                received_at=file.received_at,
                batch_id=self.batch_id,
                raw_events=outcomes.get((number, "event"), 0),
                entity_changes=changed[file.name],
                refusals=refused[file.name],
                empty=outcomes.get((number, "empty"), 0),
            )
            for number, file in enumerate(self.files)
        ]


def _touched_days(session: Session, pipeline: Pipeline, log: IngestLog) -> dict[str, list[TouchedDay]]:
    """By landing file: the days of its events, and the days that hold other copies of their ids (rule 2)."""
    session.view("history", RAW_EVENTS.schema, visible_files(pipeline.lake, RAW_EVENTS, log.batches))
    session.run("""
        CREATE TEMP TABLE everywhere AS
        SELECT DISTINCT identity_hash, occurred_on FROM new_rows
        UNION
        SELECT identity_hash, occurred_on FROM history WHERE identity_hash IN (SELECT identity_hash FROM new_rows)""")
    session.run("""
        CREATE TEMP TABLE copies AS
        SELECT new_rows.file, new_rows.occurred_on, everywhere.occurred_on AS other_day,
            sum(CAST(content_hash AS HUGEINT)) AS hashes
        FROM new_rows JOIN everywhere
            ON new_rows.identity_hash = everywhere.identity_hash AND new_rows.occurred_on <> everywhere.occurred_on
        GROUP BY ALL""")
    elsewhere: dict[tuple[str, date], set[date]] = {}
    days: dict[str, list[TouchedDay]] = {}
    for file, day, other, hashes in session.rows(
        "SELECT file, occurred_on, other_day, CAST(hashes AS VARCHAR) FROM copies ORDER BY ALL"
    ):
        elsewhere.setdefault((file, day), set()).add(other)
        days.setdefault(file, []).append(TouchedDay(other, 0, fingerprint(0, hashes), (day,)))
    for file, day, rows, hashes in session.rows("""
        SELECT file, occurred_on, count(*), CAST(sum(CAST(content_hash AS HUGEINT)) AS VARCHAR)
        FROM new_rows GROUP BY file, occurred_on ORDER BY ALL"""):
        copy_days = tuple(sorted(elsewhere.get((file, day), ())))
        days.setdefault(file, []).append(TouchedDay(day, rows, fingerprint(rows, hashes), copy_days))
    return days


def _refusal(file: LandingFile, line: int, record: int, reason: str, text: str | None) -> dict[str, object]:
    return {
        "source": file.source,
        "file": file.name,
        "line": line,
        "record": record,
        "received_at": file.received_at,
        "reason": reason,
        "text": mask(text or ""),
        "received_on": file.received_on,
    }


def _change_row(change: EntityChange) -> dict[str, object]:
    return {
        "kind": change.kind.value,
        "entity_id": change.entity_id,
        "valid_from": change.valid_from,
        "received_at": change.received_at,
        "source": change.source,
        "file": change.file,
        "line": change.line,
        "record": change.record,
        "fields": canonical_json(change.fields),
        "received_on": change.received_at.date(),
    }
