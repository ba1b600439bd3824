"""One dataset as a Delta table: file lists, partition states, and the two kinds of commit.

A *replacing* commit puts whole partitions in place of what they held, or nothing; a *batch* commit adds the files of
one ingest batch. Both carry Delta `Transaction`s, so that of two writers of one partition (or of one batch) the second
gets a conflict instead of doubling rows.
"""

import json
import math
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction, Transaction

from monetization_pipeline.datasets import WHOLE, DatasetSpec
from monetization_pipeline.datasets.arrow import listed
from monetization_pipeline.engines.address import Address
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.lake import disk
from monetization_pipeline.lake.remembered import NOTHING, recall, remember
from monetization_pipeline.lake.state import METADATA_KEY, PartitionState, decode, encode

_CONFIGURATION = {
    # The log carries the partition states: it is never cleaned up.
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
}
#: Commits that are read from the log again, at most, before what they say is kept in a file.
_READ_AGAIN = 50
#: Commits of others, one after another, that may come between.
_TRIES = 100


class ConcurrentCommitError(MonetizeError):
    """Somebody else committed the same partition meanwhile: read again and re-run."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A Parquet file that lies in the table's folder and is not committed yet."""

    address: Address
    partition: str
    rows: int


@dataclass(frozen=True, slots=True)
class CommittedFile:
    """A file of the table, with its size in bytes."""

    address: Address
    partition: str
    size: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Partitions as they were when a step began to read; a commit holds only if they still are."""

    versions: Mapping[str, int]


class Table:
    """The Delta table of one dataset. It is made by the first commit; reading one that is not there finds it empty.

    Files go in and out by their addresses; `root` is the folder on this machine that holds them and the log.
    """

    def __init__(self, root: Path, spec: DatasetSpec) -> None:
        self.spec = spec
        self.root = root / spec.name
        self._opened: DeltaTable | None = None
        self._states: dict[str, PartitionState] = {}
        self._states_version = NOTHING.version
        self._kept_version = NOTHING.version

    def new_folder(self) -> Address:
        """A folder on the table's disk for files on their way."""
        return disk.folder(self.root / "_staging")

    def new_path(self, partition: str = WHOLE, prefix: str = "") -> Address:
        """A fresh place for a file of `partition`."""
        folder = self.root if self.spec.partition_column is None else self.root / _folder(self.spec, partition)
        return disk.place(folder, f"{prefix}{uuid.uuid4().hex}.parquet")

    def take(self, file: Address, partition: str) -> NewFile:
        """A file that was written elsewhere in the table's folder, moved to where files of its partition lie."""
        target = self.new_path(partition)
        disk.move(file, target)
        return NewFile(target, partition, disk.rows_in(target))

    def files(self, partitions: Collection[str] | None = None) -> list[Address]:
        """Committed files, of the given partitions or of all, in a fixed order."""
        return sorted(file.address for file in self.committed(partitions))

    def committed(self, partitions: Collection[str] | None = None) -> list[CommittedFile]:
        """Committed files with partition and size, of the given partitions or of all, in the order of the log."""
        table = self._open()
        return [] if table is None else self._adds(table, partitions)

    def partitions(self) -> list[str]:
        """Partitions that hold files, in order."""
        return sorted({file.partition for file in self.committed()})

    def states(self) -> Mapping[str, PartitionState]:
        """The last committed state of every partition."""
        table = self._open()
        if table is not None and table.version() != self._states_version:
            self._read_states(table)
        return self._states

    def _read_states(self, table: DeltaTable) -> None:
        if self._states_version == NOTHING.version:
            kept = recall(self.root)
            if kept.version <= table.version():
                self._states, self._states_version, self._kept_version = dict(kept.states), kept.version, kept.version
        missing = table.version() - self._states_version
        for entry in reversed(table.history(missing) if missing else []):
            if METADATA_KEY in entry:
                self._states.update(decode(entry[METADATA_KEY]))
        self._states_version = table.version()
        if self._states_version - self._kept_version >= _READ_AGAIN:
            remember(self.root, self._states_version, self._states)
            self._kept_version = self._states_version

    def state(self, partition: str = WHOLE) -> PartitionState | None:
        """The last committed state of one partition, or None where it was never made."""
        return self.states().get(partition)

    def claim(self, partitions: Iterable[str] = (WHOLE,)) -> Claim:
        """Remember the partitions as they are; to be called before their inputs are read."""
        table = self._open()
        return Claim({name: _commits_of(table, f"part:{name}") for name in partitions})

    def replace(self, claim: Claim, files: Sequence[NewFile], states: Mapping[str, PartitionState]) -> None:
        """One commit that makes `files` the whole content of the partitions in `states`.

        Raises ConcurrentCommitError, and changes nothing, where one of them was committed since `claim`.
        """

        def commit(table: DeltaTable) -> None:
            transactions = self._claimed(table, claim, states)
            removed = [self._removed(row) for row in self._adds(table, states.keys())]
            self._commit(table, [*removed, *self._added(files)], transactions, encode(states))

        self._settle(commit)

    def append(self, batch_id: str, files: Sequence[NewFile]) -> None:
        """Add the files of one ingest batch; a batch that is there already is left alone."""

        def commit(table: DeltaTable) -> None:
            if not _commits_of(table, f"batch:{batch_id}"):
                self._commit(table, self._added(files), [Transaction(f"batch:{batch_id}", 1)], None)

        if files:
            self._settle(commit)

    def extend(self, claim: Claim, files: Sequence[NewFile], state: PartitionState) -> None:
        """One commit that adds `files` to a dataset that is one partition, and says its new state.

        Raises ConcurrentCommitError, and changes nothing, where the dataset was committed since `claim`.
        """

        def commit(table: DeltaTable) -> None:
            transactions = self._claimed(table, claim, (WHOLE,))
            self._commit(table, self._added(files), transactions, encode({WHOLE: state}))

        self._settle(commit)

    def rewrite(self, old: Sequence[CommittedFile], new: Sequence[NewFile]) -> None:
        """Put files in place of others that hold the same rows: to its readers the table stays what it was.

        Claims of the partition stay good. Raises ConcurrentCommitError, and changes nothing, where one of the old
        files was replaced meanwhile.
        """

        def commit(table: DeltaTable) -> None:
            if not set(old) <= set(self._adds(table, {file.partition for file in old})):
                raise self._conflict("files were replaced while they were rewritten")
            # Delta takes no removals that change no data for a conflict: the partition's own transaction must tell,
            # under the number that it has.
            names = {f"part:{file.partition}" for file in old}
            transactions = [Transaction(name, max(1, _commits_of(table, name))) for name in sorted(names)]
            removed = [self._removed(file, changes_data=False) for file in old]
            self._commit(table, [*removed, *self._added(new, changes_data=False)], transactions, None)

        self._settle(commit)

    def unused(self, older_than: timedelta) -> list[Address]:
        """Files that the table has not held for so long: replaced ones, and such as were never committed."""
        table = self._open()
        return [] if table is None else self._vacuumed(table, older_than, dry_run=True)

    def remove_unused(self, older_than: timedelta) -> list[Address]:
        """Remove files that the table has not held for so long; who opened it before then must be done with it."""
        table = self._open()
        if table is None or not self._vacuumed(table, older_than, dry_run=True):
            return []
        return self._vacuumed(table, older_than, dry_run=False)

    def _vacuumed(self, table: DeltaTable, older_than: timedelta, *, dry_run: bool) -> list[Address]:
        hours = math.ceil(older_than / timedelta(hours=1))
        names = table.vacuum(hours, dry_run=dry_run, enforce_retention_duration=False, full=True)
        return sorted(disk.within(self.root, name) for name in names)

    def _settle(self, commit: Callable[[DeltaTable], None]) -> None:
        """Commit on the table as it is, and again each time somebody else was faster.

        Delta takes commits of neighbours for conflicts where one of them removes files; those that are ours, `commit`
        finds out from the newer table.
        """
        for _ in range(_TRIES):
            table = self._ensure()
            version = table.version()
            try:
                return commit(table)
            except CommitFailedError as error:
                if self._ensure().version() == version:
                    raise self._conflict(error) from error
        raise self._conflict("others keep committing")

    def _claimed(self, table: DeltaTable, claim: Claim, partitions: Iterable[str]) -> list[Transaction]:
        """The transactions of a commit on what was claimed.

        Delta compares them with commits made after `table` was opened; those between the claim and that are found here.
        """
        names = sorted(partitions)
        if any(_commits_of(table, f"part:{name}") != claim.versions[name] for name in names):
            raise self._conflict("it was committed after it was read")
        return [Transaction(f"part:{name}", claim.versions[name] + 1) for name in names]

    def _conflict(self, why: object) -> ConcurrentCommitError:
        return ConcurrentCommitError(
            f"{self.spec.name}: another process committed the same partition; run the command again ({why})"
        )

    def _open(self) -> DeltaTable | None:
        """The table as it is now. To open it lists its whole log, so that an open one is kept while nobody commits."""
        if self._opened is not None and disk.is_last_commit(self.root, self._opened.version()):
            return self._opened
        try:
            self._opened = DeltaTable(self.root)
        except TableNotFoundError:
            self._opened = None
        return self._opened

    def _ensure(self) -> DeltaTable:
        table = self._open()
        if table is not None:
            return self._with_added(table)
        disk.folder(self.root)
        return DeltaTable.create(
            self.root,
            schema=self.spec.schema,
            mode="ignore",
            partition_by=self._partition_by(),
            configuration=_CONFIGURATION,
        )

    def _with_added(self, table: DeltaTable) -> DeltaTable:
        """The table with the columns that came after it was made: whoever else reads it finds them in its log."""
        if not self.spec.added:
            return table
        known = {field.name for field in table.schema().fields}
        new = [field for field in Schema.from_arrow(self.spec.schema).fields if field.name not in known]
        if new:
            # Where another process adds them too, or commits just now, the next commit tries again.
            with suppress(DeltaError):
                table.alter.add_columns(new)
        return self._open() or table

    def _partition_by(self) -> list[str]:
        return [] if self.spec.partition_column is None else [self.spec.partition_column]

    def _values(self, partition: str) -> dict[str, str | None]:
        return {} if self.spec.partition_column is None else {self.spec.partition_column: partition}

    def _adds(self, table: DeltaTable, partitions: Collection[str] | None) -> list[CommittedFile]:
        """Committed files, of the given partitions or of all."""
        # Not `pa.table`: it imports pandas, which takes longer than all else here.
        rows = pa.RecordBatchReader.from_stream(table.get_add_actions()).read_all()
        column = self.spec.partition_column
        values = [WHOLE] * rows.num_rows
        if column is not None:
            values = [str(row[column]) for row in listed(rows["partition"])]
        found = zip(listed(rows["path"]), values, listed(rows["size_bytes"]), strict=True)
        return [
            CommittedFile(disk.within(self.root, path), partition, size)
            for path, partition, size in found
            if partitions is None or partition in partitions
        ]

    def _added(self, files: Sequence[NewFile], *, changes_data: bool = True) -> list[AddAction]:
        for file in files:
            disk.sync(file.address)
        return [
            AddAction(
                disk.below(file.address, self.root),
                disk.size_of(file.address),
                self._values(file.partition),
                _milliseconds_now(),
                changes_data,
                json.dumps({"numRecords": file.rows}),
            )
            for file in files
        ]

    def _removed(self, file: CommittedFile, *, changes_data: bool = True) -> RemoveAction:
        return RemoveAction(
            path=disk.below(file.address, self.root),
            data_change=changes_data,
            deletion_timestamp=_milliseconds_now(),
            size=file.size,
            partition_values=self._values(file.partition),
        )

    def _commit(
        self,
        table: DeltaTable,
        actions: Sequence[AddAction | RemoveAction],
        transactions: list[Transaction],
        metadata: str | None,
    ) -> None:
        properties = CommitProperties(
            custom_metadata={} if metadata is None else {METADATA_KEY: metadata}, app_transactions=transactions
        )
        table.create_write_transaction(
            list(actions), "append", self.spec.schema, self._partition_by(), commit_properties=properties
        )


def _folder(spec: DatasetSpec, partition: str) -> str:
    return f"{spec.partition_column}={partition}"


def _commits_of(table: DeltaTable | None, name: str) -> int:
    return 0 if table is None else table.transaction_version(name) or 0


def _milliseconds_now() -> int:
    """What Delta stamps its actions with: always the machine's clock, as readers count from it what may be removed."""
    return int(time.time() * 1000)  # noqa: TID251 - a stamp, no figure
