"""What was ingested: which files, which batches are visible, and what each event day is made from.

The log is kept as columns and parsed once: a `Lake` remembers it, and reads only the files that were added since.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from monetization_pipeline.datasets import LANDING_FILES, WHOLE, DatasetSpec
from monetization_pipeline.lake.day_inputs import DayInput, day_inputs
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
    ingested_at: datetime | None = field(default=None, compare=False)

    @property
    def records(self) -> int:
        """All records of the file."""
        return self.raw_events + self.entity_changes + self.corrections + self.refusals + self.empty

    @property
    def received_on(self) -> date:
        """UTC day of receipt."""
        return self.received_at.date()


@dataclass(frozen=True, eq=False)
class IngestLog:
    """`landing_files`, all of it or some of its rows; `paths` are the files that it was parsed from."""

    rows: pa.Table
    claim: Claim
    paths: Sequence[Path] = ()

    def __len__(self) -> int:
        return self.rows.num_rows

    @cached_property
    def files(self) -> tuple[IngestedFile, ...]:
        """Every ingested file as an object, in order of receipt: for a few of them, not for a log of a million."""
        order = [("received_at", "ascending"), ("source", "ascending"), ("sha256", "ascending")]
        return tuple(_file(row) for row in self.rows.sort_by(order).to_pylist())

    @cached_property
    def days(self) -> Mapping[date, DayInput]:
        """By event day: what it is made from."""
        return day_inputs(self.rows)

    @cached_property
    def identities(self) -> frozenset[tuple[str, str]]:
        """(source, sha256) of every ingested file."""
        return frozenset(self._identities())

    @cached_property
    def batches(self) -> frozenset[str]:
        """Batches whose rows may be read."""
        return frozenset(self.rows["batch_id"].unique().to_pylist())

    @cached_property
    def correction_batches(self) -> frozenset[str]:
        """Those of them that brought corrections."""
        return self.bringing("corrections").batches

    @cached_property
    def sources(self) -> frozenset[str]:
        """Sources of the ingested files."""
        return frozenset(self.rows["source"].unique().to_pylist())

    @cached_property
    def receipts(self) -> tuple[datetime, datetime] | None:
        """When the first and the last of the files were received; None where there are none."""
        if not len(self):
            return None
        instants = self.rows["received_at"]
        micros = instants.cast(pa.int64()).to_numpy()
        return instants[int(micros.argmin())].as_py(), instants[int(micros.argmax())].as_py()

    def knows(self, source: str, sha256: str) -> bool:
        """Whether these bytes were ingested for this source."""
        return (source, sha256) in self.identities

    def received_on(self, days: Collection[date]) -> "IngestLog":
        """The files that were received on these days."""
        return self._where(pc.field("received_on").isin(sorted(days)))

    def bringing(self, column: str) -> "IngestLog":
        """The files that brought some of what a column counts, such as refusals."""
        return self._where(pc.field(column) > 0)

    def beyond(self, known: Collection[tuple[str, str]]) -> "IngestLog":
        """The files whose identity is not a known one."""
        return self._where(pa.array([identity not in known for identity in self._identities()], pa.bool_()))

    def until(self, instant: datetime) -> "IngestLog":
        """The files that were received until an instant."""
        return IngestLog(self._where(pc.field("received_at") <= instant).rows, self.claim, self.paths)

    def ingested_after(self, instant: datetime) -> "IngestLog":
        """The files that were ingested later than an instant."""
        return self._where(pc.field("ingested_at") > instant)

    def total(self, column: str) -> int:
        """The sum of what a column counts."""
        return int(self.rows[column].to_numpy().sum())

    def _where(self, mask: pa.Array | pc.Expression) -> "IngestLog":
        return IngestLog(self.rows.filter(mask), self.claim)

    def _identities(self) -> Iterable[tuple[str, str]]:
        return zip(self.rows["source"].to_pylist(), self.rows["sha256"].to_pylist(), strict=True)

    def extended(self, added: pa.Table, claim: Claim, paths: Sequence[Path]) -> "IngestLog":
        """This log and some rows more; what was made of the old ones is not made again."""
        if not added.num_rows:
            same = IngestLog(self.rows, claim, paths)
            same.__dict__.update({name: made for name, made in self.__dict__.items() if name not in same.__dict__})
            return same
        rows = pa.concat_tables([self.rows, added])
        longer = IngestLog(rows.combine_chunks() if rows["source"].num_chunks > _MANY_FILES else rows, claim, paths)
        if "identities" in self.__dict__:
            longer.__dict__["identities"] = self.identities.union(IngestLog(added, claim).identities)
        return longer


def read_log(lake: Lake) -> IngestLog:
    """The log as it is now; in a look back, what of it was received until then."""
    known = lake.remembered_log
    if lake.received is not None and lake.as_of is not None:
        whole = read_log(lake.received)
        if known is None or known.claim != whole.claim or known.paths != whole.paths:
            known = lake.remembered_log = whole.until(lake.as_of)
        return known
    table = lake.landing_files
    claim = table.claim()
    paths = table.files()
    if known is not None and known.claim == claim and known.paths == paths:
        return known
    if known is not None and set(known.paths) <= set(paths):
        log = known.extended(_parse(set(paths) - set(known.paths)), claim, paths)
    else:
        log = IngestLog(_parse(paths), claim, paths)
    lake.remembered_log = log
    return log


def add_to_log(lake: Lake, log: IngestLog, files: Iterable[IngestedFile]) -> None:
    """List files as ingested: from here on their batch is visible.

    Raises ConcurrentCommitError where somebody else listed files since `log` was read.
    """
    table = lake.landing_files
    # Stamped here, as the commit itself is: when this became visible, and to no run before.
    stamped = [_row(replace(file, ingested_at=datetime.now(UTC))) for file in files]
    added = pa.Table.from_pylist(stamped, LANDING_FILES.schema)
    compact = len(log.paths) >= _MANY_FILES
    content = pa.concat_tables([log.rows, added]) if compact else added
    path = table.new_path()
    pq.write_table(content, path, compression="zstd")
    new = [NewFile(path, WHOLE, content.num_rows)]
    state = PartitionState(fingerprint="", rows=len(log) + added.num_rows)
    if compact:
        table.replace(log.claim, new, {WHOLE: state})
    else:
        table.extend(log.claim, new, state)
    lake.remembered_log = log.extended(added, log.claim, [path] if compact else sorted([*log.paths, path]))


def visible_files(lake: Lake, spec: DatasetSpec, batches: Collection[str]) -> list[Path]:
    """Committed files of a dataset by batches that hold rows of any of `batches`.

    A file that was made of several may hold rows of other batches of that received day too, all of them listed.
    """
    wanted = {*batches, *(f"{COMPACTED}{batch[:DAY_DIGITS]}" for batch in batches)}
    return [path for path in lake.table(spec).files() if path.name.partition("-")[0] in wanted]


def _parse(paths: Iterable[Path]) -> pa.Table:
    tables = [pq.ParquetFile(path).read().cast(LANDING_FILES.schema) for path in sorted(paths)]
    return pa.concat_tables([LANDING_FILES.schema.empty_table(), *tables])


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
