"""Some landing files of one source on their way: what a batch writes for each dataset, and its rows of the log."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from monetization_pipeline.customers.changes import change_of
from monetization_pipeline.customers.loading import load_changes
from monetization_pipeline.customers.models import EntityChange, EntityKind
from monetization_pipeline.customers.records import CustomersFileError, FileRefusal
from monetization_pipeline.customers.values import RecordError, canonical_json
from monetization_pipeline.datasets import CORRECTIONS, ENTITY_CHANGES, RAW_EVENTS, REFUSALS, DatasetSpec
from monetization_pipeline.engines.address import Address
from monetization_pipeline.engines.base import Session
from monetization_pipeline.ingest.secrets import mask
from monetization_pipeline.ingest.staged import UnreadableFileError
from monetization_pipeline.ingest.staging import corrections_sql, raw_events_sql
from monetization_pipeline.lake.ingest_log import IngestedFile
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.rows import write_rows
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.landing.store import LandingFile

#: A batch is sorted by day, so that one day can be read without the others, unless its rows lie like that already:
#: so many days, or fewer, in each run of as many rows as a Parquet row group has.
_FEW_DAYS = 4
_ROW_GROUP = 122_880


class Batch:
    """Files of one batch on their way: what was written for each table and is not committed yet."""

    def __init__(self, lake: Lake, batch_id: str, files: Sequence[LandingFile]) -> None:
        self.lake = lake
        self.batch_id = batch_id
        self.files = files
        self._written: dict[str, tuple[DatasetSpec, list[NewFile]]] = {}

    def commit(self) -> None:
        """Add the batch to every table that does not have it; nobody sees it before it is in the log."""
        for spec, files in self._written.values():
            self.lake.table(spec).append(self.batch_id, files)

    def read_customers(self) -> list[IngestedFile]:
        """Read files of `customers/` as changes and refusals, and write those; the files' rows of the log.

        Raises UnreadableFileError.
        """
        changes: list[EntityChange] = []
        refusals: list[dict[str, object]] = []
        for file in self.files:
            for item in _customers_of(file):
                if isinstance(item, FileRefusal):
                    refusals.append(_refusal(file, item.line, item.record, item.reason, item.text))
                else:
                    changes.append(item)
        self._write_changes(changes, refusals)
        return self._log_rows({}, changes, refusals)

    def written(self, spec: DatasetSpec) -> list[Address]:
        """Files that were written for a dataset and are not committed yet."""
        return [file.address for file in self._written.get(spec.name, (spec, []))[1]]

    def write_staged(self, session: Session) -> list[IngestedFile]:
        """Write staged rows as files of each dataset; the rows of the log, without the days that are touched."""
        outcomes = {
            (file_no, outcome): count
            for file_no, outcome, count in session.rows(
                "SELECT file_no, outcome, count(*) FROM staged GROUP BY file_no, outcome"
            )
        }
        unreadable: dict[int, int] = dict(
            session.rows(
                """SELECT file_no, count(*) FROM staged
                WHERE outcome IN ('event', 'replacement') AND unreadable <> '{}' GROUP BY file_no"""
            )
        )
        changes, refusals = self._changes(session)
        refused: list[tuple[int, int, int, str, str | None]] = session.rows(
            "SELECT file_no, line, record, reason, text FROM staged WHERE outcome = 'refused' ORDER BY ALL"
        )
        refusals += [
            _refusal(self.files[file_no], line, record, reason, text) for file_no, line, record, reason, text in refused
        ]
        self._write_changes(changes, refusals)
        found = {outcome for _, outcome in outcomes}
        if "event" in found:
            self._write_sql(session, RAW_EVENTS, raw_events_sql(by_day=_scattered(session)))
        if found & {"void", "replacement"}:
            self._write_sql(session, CORRECTIONS, corrections_sql())
        return self._log_rows(outcomes, changes, refusals, unreadable)

    def _changes(self, session: Session) -> tuple[list[EntityChange], list[dict[str, object]]]:
        changes: list[EntityChange] = []
        refusals: list[dict[str, object]] = []
        kinds = ", ".join(f"'{kind.value}'" for kind in EntityKind)
        staged: list[tuple[int, int, int, str, str]] = session.rows(
            f"SELECT file_no, line, record, outcome, text FROM staged WHERE outcome IN ({kinds}) ORDER BY ALL"
        )
        for file_no, line, record, outcome, text in staged:
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
            address = self._new_address(spec)
            write_rows(spec, rows, address)
            self._add(spec, address, len(rows))

    def _write_sql(self, session: Session, spec: DatasetSpec, sql: str) -> None:
        address = self._new_address(spec)
        self._add(spec, address, session.write(sql, address, spec.schema))

    def _new_address(self, spec: DatasetSpec) -> Address:
        return self.lake.table(spec).new_path(self._partition, prefix=f"{self.batch_id}-")

    def _add(self, spec: DatasetSpec, address: Address, rows: int) -> None:
        new = NewFile(address, self._partition, rows)
        self._written.setdefault(spec.name, (spec, []))[1].append(new)

    @property
    def _partition(self) -> str:
        return self.files[0].received_on.isoformat()

    def _log_rows(
        self,
        outcomes: dict[tuple[int, str], int],
        changes: Sequence[EntityChange],
        refusals: Sequence[dict[str, object]],
        unreadable: Mapping[int, int] = MappingProxyType({}),
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
                corrections=outcomes.get((number, "void"), 0) + outcomes.get((number, "replacement"), 0),
                refusals=refused[file.name],
                empty=outcomes.get((number, "empty"), 0),
                unreadable=unreadable.get(number, 0),
            )
            for number, file in enumerate(self.files)
        ]


def _customers_of(file: LandingFile) -> Iterator[EntityChange | FileRefusal]:
    """What a file of `customers/` says; one that cannot be read as a whole is refused, and holds up no other."""
    try:
        content = file.path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(file, error) from None
    try:
        yield from load_changes(
            file.original_name,
            content,
            received_at=file.received_at,
            source=file.source,
            landing_file=file.name,
            landed=file.landed,
        )
    except CustomersFileError as error:
        yield FileRefusal(error.place.line or 1, 1, f"the file cannot be read: {error.reason}", "")


def _scattered(session: Session) -> bool:
    days = session.rows(
        """SELECT coalesce(max(days), 0) FROM (
            SELECT count(DISTINCT CAST(occurred_at AT TIME ZONE 'UTC' AS DATE)) AS days
            FROM staged WHERE outcome = 'event' GROUP BY rowid // ?)""",
        [_ROW_GROUP],
    )[0][0]
    return days > _FEW_DAYS


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
