"""Keeping a working folder tidy: no figure changes by it, and whatever it removes nobody needs any more.

It may run beside everything else. What is removed has been of no use for so long that no process can still be at it:
replaced files as long as `Retention.files` says, what a killed process left half done for a day.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from pathlib import Path

from monetization_pipeline.datasets import LANDING_FILES, DatasetSpec
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.lake import disk
from monetization_pipeline.lake.ingest_log import IngestLog
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.rows import fingerprint_of
from monetization_pipeline.lake.table import CommittedFile, ConcurrentCommitError, NewFile, Table
from monetization_pipeline.lake.visible import COMPACTED, DAY_DIGITS
from monetization_pipeline.landing.decisions import discarded_files
from monetization_pipeline.publishing.registry import every_dataset
from monetization_pipeline.sources.declared import CUSTOMERS
from monetization_pipeline.steps.pipeline import Pipeline

#: Files that are smaller are rewritten, as soon as a partition has so many of them, as files of about this size.
_SMALL, _MANY, _LARGE = 64 << 20, 8, 256 << 20
#: A batch is listed within moments of its commits; a reader looks up files within moments of reading that list.
_SETTLED = timedelta(hours=1)
#: No process works that long on one file of its own without writing to it.
_ABANDONED = timedelta(days=1)
#: A day's events are to be found without reading the others.
_DAY = "occurred_on"


class MaintenanceError(MonetizeError):
    """A rewritten file that does not hold the rows of those it was to replace; they were left as they were."""


class Chore(StrEnum):
    """What was done with files."""

    COMPACTED = "compacted"
    REPLACED = "replaced long ago or never committed"
    ABANDONED = "left by a process that was killed"
    INGESTED = "ingested long ago"
    DISCARDED = "discarded long ago"


@dataclass(frozen=True, slots=True)
class Tidied:
    """Files of one place that were rewritten as fewer (`made` of them) or removed."""

    chore: Chore
    place: str
    files: int
    size: int
    made: int = 0


def maintain(pipeline: Pipeline, now: datetime, *, dry_run: bool = False) -> list[Tidied]:
    """Compact small files, remove what is of no use any more; with `dry_run` say only what would be done.

    Raises MaintenanceError.
    """
    log = read_log(pipeline.lake)
    done = [
        tidied
        for spec in every_dataset()
        if spec is not LANDING_FILES
        for tidied in _compact(pipeline, log, spec, now, dry_run)
    ]
    for spec in every_dataset():
        table = pipeline.lake.table(spec)
        keep = pipeline.retention.files
        unused = [(file.local, _size(file.local)) for file in table.unused(keep)]
        done += _tidied(Chore.REPLACED, spec.name, unused)
        if unused and not dry_run:
            table.remove_unused(keep)
    done += _remove(Chore.ABANDONED, pipeline.home.kept, _abandoned(pipeline, now - _ABANDONED), dry_run)
    done += _remove(Chore.INGESTED, pipeline.home.kept, _ingested(pipeline, log, now), dry_run)
    done += _remove(Chore.DISCARDED, pipeline.home.kept, _discarded(pipeline, now), dry_run)
    return done


def _compact(pipeline: Pipeline, log: IngestLog, spec: DatasetSpec, now: datetime, dry_run: bool) -> Iterator[Tidied]:
    table = pipeline.lake.table(spec)
    files = sorted(_rewritable(table, log, now), key=lambda file: (file.partition, file.address))
    for partition, group in groupby(files, key=lambda file: file.partition):
        small = list(group)
        if len(small) < _MANY:
            continue
        parts = list(_parts(small))
        try:
            for part in parts if not dry_run else ():
                _rewrite(pipeline, spec, part)
        except ConcurrentCommitError:
            # Made anew meanwhile: there is nothing left to compact.
            continue
        yield Tidied(
            Chore.COMPACTED, f"{spec.name} {partition}", len(small), sum(file.size for file in small), len(parts)
        )


def _rewritable(table: Table, log: IngestLog, now: datetime) -> Iterator[CommittedFile]:
    """Small files; of what comes in batches only those whose rows everybody sees."""
    for file in table.committed():
        if file.size < _SMALL and (not table.spec.by_batch or _is_settled(file, log, now)):
            yield file


def _is_settled(file: CommittedFile, log: IngestLog, now: datetime) -> bool:
    batch = file.address.name.partition("-")[0]
    listed = batch in log.batches and _day_of(batch) == file.partition
    return (listed or batch.startswith(COMPACTED)) and _written_at(file.address.local) < now - _SETTLED


def _day_of(batch: str) -> str:
    """The received day with which a batch's id begins, as its partition writes it."""
    digits = batch[:DAY_DIGITS]
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"


def _parts(files: Sequence[CommittedFile]) -> Iterator[Sequence[CommittedFile]]:
    part: list[CommittedFile] = []
    for file in files:
        if part and sum(each.size for each in part) + file.size > _LARGE:
            yield part
            part = []
        part.append(file)
    yield part


def _rewrite(pipeline: Pipeline, spec: DatasetSpec, old: Sequence[CommittedFile]) -> None:
    table, partition = pipeline.lake.table(spec), old[0].partition
    path = table.new_path(partition, prefix=f"{COMPACTED}{partition.replace('-', '')}-" if spec.by_batch else "")
    order = _DAY if spec.by_batch and _DAY in spec.schema.names else ", ".join(f'"{name}"' for name in spec.key)
    sources = [file.address for file in old]
    with pipeline.engine.session() as session:
        before = fingerprint_of(session, spec, sources)
        session.view("small_files", spec.schema, sources)
        rows = session.write(f"SELECT * FROM small_files ORDER BY {order}", path, spec.schema)
        after = fingerprint_of(session, spec, [path])
    if before != after:
        disk.remove(path)
        raise MaintenanceError(
            f"{spec.name} {partition}: {len(old)} files could not be rewritten as one, which has other rows "
            f"({after}) than they ({before}); nothing was changed"
        )
    table.rewrite(old, [NewFile(path, partition, rows)])


def _abandoned(pipeline: Pipeline, before: datetime) -> Iterator[Path]:
    """Files and folders in which somebody was at work until then."""
    folders = [
        *pipeline.landing.root.glob("*/.staging"),
        *(pipeline.lake.table(spec).root / "_staging" for spec in every_dataset()),
        pipeline.home.kept / "spill",
    ]
    found = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    found += [path for spec in every_dataset() for path in pipeline.lake.table(spec).root.glob("_states-*.tmp")]
    for path in sorted(found):
        inside = [path, *path.rglob("*")] if path.is_dir() else [path]
        if max(map(_written_at, inside)) < before:
            yield path


def _ingested(pipeline: Pipeline, log: IngestLog, now: datetime) -> Iterator[Path]:
    """Landing files that were read long ago. Those of customers stay: changes are found by comparing with them."""
    before = now - pipeline.retention.landing
    known = log.identities
    for file in pipeline.landing.files():
        ingested = file.source != CUSTOMERS and (file.source, file.sha256) in known
        # A file of history was received long ago by its name alone.
        if ingested and max(file.received_at, _written_at(file.path)) < before:
            yield file.path


def _discarded(pipeline: Pipeline, now: datetime) -> Iterator[Path]:
    """Files that somebody took out of landing long ago."""
    before = now - pipeline.retention.landing
    return (path for path in discarded_files(pipeline.landing) if _written_at(path) < before)


def _remove(chore: Chore, root: Path, paths: Iterable[Path], dry_run: bool) -> list[Tidied]:
    done: list[Tidied] = []
    for folder, group in groupby(paths, key=lambda path: path.parent):
        sizes = [(path, _size(path)) for path in group]
        if not dry_run:
            for path, _ in sizes:
                _remove_one(path)
        done += _tidied(chore, str(folder.relative_to(root)), sizes)
    return done


def _remove_one(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _tidied(chore: Chore, place: str, sizes: Sequence[tuple[Path, int]]) -> list[Tidied]:
    return [Tidied(chore, place, len(sizes), sum(size for _, size in sizes))] if sizes else []


def _size(path: Path) -> int:
    files = (inside for inside in path.rglob("*") if inside.is_file()) if path.is_dir() else (path,)
    return sum(_stat(file)[1] for file in files)


def _written_at(path: Path) -> datetime:
    """When a file or folder was last written; one that is gone was just now."""
    return datetime.fromtimestamp(_stat(path)[0], UTC)


def _stat(path: Path) -> tuple[float, int]:
    """(time of the last change, bytes)."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return datetime.now(UTC).timestamp(), 0  # noqa: TID251 - as the file system would stamp it
    return found.st_mtime, found.st_size
