"""What was ingested: which files, which batches are visible, and what each event day is made from."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from monetization_pipeline.datasets import LANDING_FILES, WHOLE, DatasetSpec
from monetization_pipeline.lake.fingerprints import add_fingerprints
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import Claim, NewFile

#: A batch's id begins with its received day, in so many digits; the name of a file made of several with this and it.
DAY_DIGITS = 8
COMPACTED = "all"
#: With more files than this, the log is written anew as one.
_MANY_FILES = 64


@dataclass(frozen=True, slots=True)
class TouchedDay:
    """What a landing file brings to an event day: so many raw events and replacements.

    `rows` is 0 where it only brings copies of that day's ids, or corrections of its events.
    """

    occurred_on: date
    rows: int
    fingerprint: str
    copy_days: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestedFile:
    """One row of `landing_files`."""

    source: str
    sha256: str
    name: str
    received_at: datetime
    batch_id: str
    raw_events: int = 0
    entity_changes: int = 0
    corrections: int = 0
    refusals: int = 0
    empty: int = 0
    days: tuple[TouchedDay, ...] = ()

    @property
    def records(self) -> int:
        """All records of the file."""
        return self.raw_events + self.entity_changes + self.corrections + self.refusals + self.empty

    @property
    def received_on(self) -> date:
        """UTC day of receipt."""
        return self.received_at.date()


@dataclass(frozen=True, slots=True)
class DayInput:
    """What an event day is made from: `batches` hold its rows, `copy_days` may hold copies of its ids."""

    fingerprint: str
    rows: int
    batches: frozenset[str] = frozenset()
    copy_days: frozenset[date] = frozenset()
    received_days: frozenset[date] = frozenset()


NO_INPUT = DayInput("0-0000000000000000", 0)


@dataclass(frozen=True, slots=True)
class IngestLog:
    """All of `landing_files`, read once."""

    files: tuple[IngestedFile, ...]
    claim: Claim
    days: Mapping[date, DayInput] = field(default_factory=dict)

    def knows(self, source: str, sha256: str) -> bool:
        """Whether these bytes were ingested for this source."""
        return any(file.source == source and file.sha256 == sha256 for file in self.files)

    @property
    def identities(self) -> frozenset[tuple[str, str]]:
        """(source, sha256) of every ingested file."""
        return frozenset((file.source, file.sha256) for file in self.files)

    @property
    def sources(self) -> frozenset[str]:
        """Sources of the ingested files."""
        return frozenset(file.source for file in self.files)

    @property
    def batches(self) -> frozenset[str]:
        """Batches whose rows may be read."""
        return frozenset(file.batch_id for file in self.files)

    @property
    def correction_batches(self) -> frozenset[str]:
        """Those of them that brought corrections."""
        return frozenset(file.batch_id for file in self.files if file.corrections)


def read_log(lake: Lake) -> IngestLog:
    """The log as it is now."""
    table = lake.landing_files
    claim = table.claim()
    rows: list[dict[str, Any]] = []
    for path in table.files():
        rows += pq.read_table(path).to_pylist()
    files = tuple(sorted((_file(row) for row in rows), key=lambda file: (file.received_at, file.source, file.sha256)))
    return IngestLog(files, claim, _days(files))


def add_to_log(lake: Lake, log: IngestLog, files: Iterable[IngestedFile]) -> None:
    """List files as ingested: from here on their batch is visible.

    Raises ConcurrentCommitError where somebody else listed files since `log` was read.
    """
    table = lake.landing_files
    added = list(files)
    compact = len(table.files()) >= _MANY_FILES
    content = [*log.files, *added] if compact else added
    path = table.new_path()
    pq.write_table(pa.Table.from_pylist([_row(file) for file in content], LANDING_FILES.schema), path)
    new = [NewFile(path, WHOLE, len(content))]
    state = PartitionState(fingerprint="", rows=len(log.files) + len(added))
    if compact:
        table.replace(log.claim, new, {WHOLE: state})
    else:
        table.extend(log.claim, new, state)


def visible_files(lake: Lake, spec: DatasetSpec, batches: Collection[str]) -> list[Path]:
    """Committed files of a dataset by batches that hold rows of any of `batches`.

    A file that was made of several may hold rows of other batches of that received day too, all of them listed.
    """
    wanted = {*batches, *(f"{COMPACTED}{batch[:DAY_DIGITS]}" for batch in batches)}
    return [path for path in lake.table(spec).files() if path.name.partition("-")[0] in wanted]


def _days(files: Iterable[IngestedFile]) -> dict[date, DayInput]:
    touched: dict[date, list[tuple[IngestedFile, TouchedDay]]] = {}
    for file in files:
        for day in file.days:
            touched.setdefault(day.occurred_on, []).append((file, day))
    return {
        occurred_on: DayInput(
            add_fingerprints(day.fingerprint for _, day in parts),
            sum(day.rows for _, day in parts),
            frozenset(file.batch_id for file, day in parts if day.rows),
            frozenset(copy for _, day in parts for copy in day.copy_days),
            frozenset(file.received_on for file, day in parts if day.rows),
        )
        for occurred_on, parts in touched.items()
    }


def _file(row: Mapping[str, Any]) -> IngestedFile:
    days = tuple(
        TouchedDay(day["occurred_on"], day["rows"], day["fingerprint"], tuple(day["copy_days"] or ()))
        for day in row["days"] or ()
    )
    names = IngestedFile.__slots__
    return IngestedFile(**{name: row[name] for name in names if name != "days"}, days=days)


def _row(file: IngestedFile) -> dict[str, Any]:
    row = {name: getattr(file, name) for name in IngestedFile.__slots__}
    days = [{name: getattr(day, name) for name in TouchedDay.__slots__} for day in file.days]
    return row | {"records": file.records, "received_on": file.received_on, "days": days}
