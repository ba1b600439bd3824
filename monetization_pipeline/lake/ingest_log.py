"""What was ingested: which files, which batches are visible, and what each event day is made from.

The log is kept as columns and parsed once: a `Lake` remembers it, and reads only the files that were added since.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from monetization_pipeline.datasets.arrow import listed
from monetization_pipeline.engines.address import Address
from monetization_pipeline.lake.columns import in_order
from monetization_pipeline.lake.day_inputs import DayInput, day_inputs
from monetization_pipeline.lake.table import Claim

#: With more files than this, the log is written anew as one.
MANY_FILES = 64


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
    """A landing file that was ingested, one row of `landing_files`: what its records became, which days it touched."""

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
    #: Of the events, and of the corrections that bring one: those of which something cannot be read.
    unreadable: int = 0

    @property
    def records(self) -> int:
        """How many records the file has, lines that carry none included."""
        return self.raw_events + self.entity_changes + self.corrections + self.refusals + self.empty

    @property
    def received_on(self) -> date:
        """UTC day of receipt."""
        return self.received_at.date()


@dataclass(frozen=True, eq=False)
class IngestLog:
    """`landing_files`, all of it or some of its rows; `addresses` are those of the files that it was parsed from."""

    rows: pa.Table
    claim: Claim
    addresses: Sequence[Address] = ()

    def __len__(self) -> int:
        return self.rows.num_rows

    @cached_property
    def files(self) -> tuple[IngestedFile, ...]:
        """Every ingested file as an object, in order of receipt: for a few of them, not for a log of a million."""
        return tuple(_file(row) for row in in_order(self.rows, ("received_at", "source", "sha256")).to_pylist())

    @cached_property
    def days(self) -> Mapping[date, DayInput]:
        """What each event day is made from, by day."""
        return day_inputs(self.rows)

    @cached_property
    def identities(self) -> frozenset[tuple[str, str]]:
        """(source, sha256) of every ingested file."""
        return frozenset(self._identities())

    @cached_property
    def batches(self) -> frozenset[str]:
        """Ids of the batches whose rows may be read."""
        return frozenset(listed(self.rows["batch_id"].unique()))

    @cached_property
    def correction_batches(self) -> frozenset[str]:
        """Ids of the batches that brought corrections."""
        return self.bringing("corrections").batches

    @cached_property
    def sources(self) -> frozenset[str]:
        """Sources of the ingested files."""
        return frozenset(listed(self.rows["source"].unique()))

    @cached_property
    def received_days(self) -> frozenset[date]:
        """UTC days on which any of the files was received."""
        return frozenset(listed(self.rows["received_on"].unique()))

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
        """The log of those files alone that were received on some days (UTC)."""
        return self._where(pc.field("received_on").isin(sorted(days)))  # pyright: ignore[reportUnknownMemberType]

    def bringing(self, column: str) -> "IngestLog":
        """The log of those files alone that brought some of what a column counts, such as `refusals`."""
        return self._where(pc.field(column) > 0)

    def of_source(self, source: str) -> "IngestLog":
        """The log of the files of one source alone."""
        return self._where(pc.field("source") == source)

    def beyond(self, known: Collection[tuple[str, str]]) -> "IngestLog":
        """The log of those files alone whose (source, sha256) is not a known one."""
        return self._where(pa.array([identity not in known for identity in self._identities()], pa.bool_()))

    def until(self, instant: datetime) -> "IngestLog":
        """The log of those files alone that were received until an instant."""
        return IngestLog(self._where(pc.field("received_at") <= instant).rows, self.claim, self.addresses)

    def ingested_after(self, instant: datetime) -> "IngestLog":
        """The log of those files alone that were ingested later than an instant."""
        return self._where(pc.field("ingested_at") > instant)

    def total(self, column: str) -> int:
        """What a column counts, such as `records` or `refusals`, added up over all files."""
        return int(self.rows[column].to_numpy().sum())

    def _where(self, mask: pa.BooleanArray | pc.Expression) -> "IngestLog":
        return IngestLog(self.rows.filter(mask), self.claim)

    def _identities(self) -> Iterable[tuple[str, str]]:
        return zip(listed(self.rows["source"]), listed(self.rows["sha256"]), strict=True)

    def extended(self, added: pa.Table, claim: Claim, addresses: Sequence[Address]) -> "IngestLog":
        """A log with `added` rows behind those of this one, of files `addresses`; known identities are kept as made."""
        if not added.num_rows:
            same = IngestLog(self.rows, claim, addresses)
            same.__dict__.update({name: made for name, made in self.__dict__.items() if name not in same.__dict__})
            return same
        rows = pa.concat_tables([self.rows, added])
        longer = IngestLog(rows.combine_chunks() if rows["source"].num_chunks > MANY_FILES else rows, claim, addresses)
        if "identities" in self.__dict__:
            longer.__dict__["identities"] = self.identities.union(IngestLog(added, claim).identities)
        return longer


def _file(row: Mapping[str, Any]) -> IngestedFile:
    days = tuple(
        TouchedDay(day["occurred_on"], day["rows"], day["fingerprint"], tuple(day["copy_days"] or ()))
        for day in row["days"] or ()
    )
    names = IngestedFile.__slots__
    fields = {name: row[name] for name in names if name not in ("days", "unreadable")}
    return IngestedFile(**fields, days=days, unreadable=row["unreadable"] or 0)
