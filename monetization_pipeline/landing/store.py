"""Landing: raw files exactly as they arrived, `landing/<source>/<received_on>/<received_at>-<sha256>-<name>`.

A file is its bytes: the same bytes twice in one source are one file. It enters by write, fsync, rename, so that a
file that is there is whole. Files dropped into `landing/<source>/inbox/` are moved in, not copied.

Before a file's own name stand the batch that it entered with and its place in it, `2.3@`: they order files of one
instant (rule 20), of which the batches are counted. A batch whose entry was cut short and is repeated is the same one.
Files that landed before batches were noted have none.
"""

import errno
import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

from monetization_pipeline.errors import MonetizeError

_CHUNK = 1 << 20
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_DAY_LENGTH = len("20261122")
_NAME = re.compile(
    r"(?P<stamp>\d{8}T\d{6}\.\d{6}Z)-(?P<sha256>[0-9a-f]{64})-((?P<batch>\d+)\.(?P<place>\d+)@)?(?P<name>.+)", re.DOTALL
)
#: A file's fsync is mostly waiting, and the disk joins those that wait together.
_WORKERS = 8
_AT_A_TIME = 512
_LEFT_AFTER = 2 * 86_400
_DAYS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_Prepared = TypeVar("_Prepared")


@dataclass(frozen=True, slots=True, order=True)
class LandingFile:
    """One file in landing. Sorted by the instant it was received, then by its name."""

    received_at: datetime
    name: str
    source: str
    sha256: str
    path: Path

    @property
    def original_name(self) -> str:
        """The name that the file had before it entered (odd characters replaced)."""
        return own_name(self.name)

    @property
    def landed(self) -> tuple[int, int] | None:
        """The batch that the file entered with and its place in it, both from 1; None of an earlier program's."""
        return landed_at(self.name)

    @property
    def received_on(self) -> date:
        """UTC day of receipt: the partition its rows lie in."""
        return self.received_at.date()


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Bytes that are safe on the disk at `path`, on their way in. `origin`: the file to remove once they are there."""

    path: Path
    name: str
    sha256: str
    origin: Path | None = None
    content: tuple[int, int] | None = None


@dataclass
class _Places:
    """The places of files that enter together, as received at `stamp`; `taken` are those of that instant."""

    stamp: datetime
    taken: set[tuple[int, int]]
    batch: int = 0

    def know(self, file: LandingFile) -> None:
        """Be told of a file of these that is in landing: where it was received then too, this is its batch again."""
        if not self.batch and file.received_at == self.stamp and file.landed:
            self.batch = file.landed[0]

    def take(self, place: int) -> tuple[int, int]:
        """The batch and place of a new file, the `place`-th of these."""
        if not self.batch or (self.batch, place) in self.taken:
            self.batch = 1 + max((batch for batch, _ in self.taken), default=0)
        self.taken.add((self.batch, place))
        return self.batch, place


class LandingError(MonetizeError):
    """A folder of landing that cannot be read."""


class Landing:
    """The landing folder of one working folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, dict[str, LandingFile]] = {}
        self._prepared: set[str] = set()

    def inbox(self, source: str) -> Path:
        """Where files for a source may be dropped; it need not exist."""
        return self.root / source / "inbox"

    def place(
        self, source: str, name: str, content: BinaryIO, received_at: datetime, identity: bytes = b""
    ) -> LandingFile:
        """Copy `content` into landing; a file with the same bytes that is there already is returned instead.

        `identity` is hashed before the bytes: files that differ in it are never the same one.
        """
        arrival = _copied(self._staging(source), name, content, identity)
        return next(self._enter(source, [arrival], received_at))

    def copy_in(self, source: str, paths: Iterable[Path], received_at: datetime) -> list[LandingFile]:
        """Copy files into landing, in the order of `paths`.

        Of one whose bytes are there already, the file that is there is returned instead.
        """
        copied = _side_by_side(partial(_copied_file, self._staging(source)), paths)
        return list(self._enter(source, copied, received_at))

    def move_in(self, source: str, paths: Iterable[Path], received_at: datetime) -> list[LandingFile]:
        """Move files into landing: at every moment each lies where it was, or in landing, or in both.

        One that changes meanwhile, goes away or cannot be read stays where it is and is not returned.
        """
        staging = self._staging(source)
        arrivals = _side_by_side(partial(_to_be_moved, staging, staging.stat().st_dev), paths)
        return list(self._enter(source, (arrival for arrival in arrivals if arrival), received_at))

    def find(self, source: str, sha256: str) -> LandingFile | None:
        """The file of `source` with these bytes, if it lies in landing."""
        if source not in self._known:
            self._known[source] = {file.sha256: file for file in self.of_source(source)}
        known = self._known[source].get(sha256)
        return known if known is not None and known.path.exists() else None

    def moved_to(self, file: LandingFile, received_at: datetime) -> LandingFile:
        """A file that lies here, received at another instant. Raises FileNotFoundError where it does not."""
        stamp = received_at.astimezone(UTC)
        folder = self._day_folder(file.source, stamp)
        name = _name(stamp, file.sha256, _Places(stamp, self._taken(stamp)).take(1), file.original_name)
        os.rename(file.path, folder / name)
        _sync_folder(folder)
        self._known.pop(file.source, None)
        return LandingFile(stamp, name, file.source, file.sha256, folder / name)

    def files(self, received_on: date | None = None) -> Iterator[LandingFile]:
        """Files received that day, or all, by source, then in order of receipt."""
        for source in self._sources():
            yield from self.of_source(source, received_on)

    def days(self) -> list[date]:
        """Days on which files that lie here were received, in order."""
        found: dict[str, date] = {}
        for source in self._sources():
            for name, folder in self._entries(source):
                # Of a hundred thousand files of a day, one is looked at.
                if name[:_DAY_LENGTH] not in found and (file := _parse(source, folder, name)) is not None:
                    found[name[:_DAY_LENGTH]] = file.received_on
        return sorted(found.values())

    def _sources(self) -> list[str]:
        if not self.root.is_dir():
            return []
        return sorted(folder.name for folder in self.root.iterdir() if folder.is_dir())

    def of_source(self, source: str, received_on: date | None = None) -> Iterator[LandingFile]:
        """Files of one source, received that day, or all, in order of receipt."""
        of_day = f"{received_on:%Y%m%d}" if received_on else ""
        for name, folder in sorted(self._entries(source, of_day)):
            if (file := _parse(source, folder, name)) is not None:
                yield file

    def _entries(self, source: str, of_day: str = "") -> Iterator[tuple[str, Path]]:
        """Names that begin so, each with its folder; of all day folders, since a name alone says when it was received.

        A file that was moved to another day's folder is not lost.
        """
        for day in _names(self.root / source):
            folder = self.root / source / day
            if _DAYS.fullmatch(day) and folder.is_dir():
                yield from ((name, folder) for name in _names(folder) if name.startswith(of_day))

    def _staging(self, source: str) -> Path:
        staging = self.root / source / ".staging"
        if source not in self._prepared:
            staging.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.chmod(self.root, 0o700)
            _remove_leftovers(staging)
            self._prepared.add(source)
        return staging

    def _enter(self, source: str, arrivals: Iterable[_Arrival], received_at: datetime) -> Iterator[LandingFile]:
        """Give arrivals their names in landing; the folder is synced once, before anything is removed."""
        stamp = received_at.astimezone(UTC)
        folder = self._day_folder(source, stamp)
        entered: list[LandingFile] = []
        removable: list[_Arrival] = []
        places = _Places(stamp, self._taken(stamp))
        try:
            for place, arrival in enumerate(arrivals, 1):
                known = self.find(source, arrival.sha256)
                if known is None:
                    known = self._renamed(source, arrival, stamp, folder, places.take(place))
                elif arrival.path != arrival.origin:
                    arrival.path.unlink()
                if known is not None:
                    places.know(known)
                    entered.append(known)
                    removable.append(arrival)
        finally:
            _sync_folder(folder)
        for arrival in removable:
            _remove_origin(arrival)
        yield from entered

    def _day_folder(self, source: str, stamp: datetime) -> Path:
        folder = self.root / source / stamp.date().isoformat()
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder

    def _taken(self, stamp: datetime) -> set[tuple[int, int]]:
        """Batches and places of the files that were received at an instant, of all sources."""
        found: set[tuple[int, int]] = set()
        for source in self._sources():
            folder, begin = self.root / source / stamp.date().isoformat(), f"{stamp:{_STAMP}}-"
            names = [name for name in _names(folder) if name.startswith(begin)]
            found.update(landed for name in names if (landed := landed_at(name)))
        return found

    def _renamed(
        self, source: str, arrival: _Arrival, stamp: datetime, folder: Path, landed: tuple[int, int]
    ) -> LandingFile | None:
        name = _name(stamp, arrival.sha256, landed, name_in_landing(arrival.name))
        target = folder / name
        try:
            os.rename(arrival.path, target)
        except FileNotFoundError:
            # Somebody else has taken it out of the inbox.
            return None
        if arrival.path == arrival.origin and _content(target) != arrival.content:
            os.rename(target, arrival.path)
            return None
        placed = LandingFile(stamp, name, source, arrival.sha256, target)
        self._known[source][placed.sha256] = placed
        return placed


def name_in_landing(name: str) -> str:
    """The name that a file keeps in landing: odd characters replaced, the beginning of a long name cut off."""
    return re.sub(r"[^A-Za-z0-9._=-]", "_", name)[-100:] or "file"


def own_name(name: str) -> str:
    """The name that a file had before it entered (odd characters replaced), by the one that it has in landing."""
    match = _NAME.fullmatch(name)
    return name if match is None else match["name"]


def landed_at(name: str) -> tuple[int, int] | None:
    """Batch and place of a file by its name in landing; None where they were not noted yet."""
    match = _NAME.fullmatch(name)
    return (int(match["batch"]), int(match["place"])) if match and match["batch"] else None


def _names(folder: Path) -> list[str]:
    """What lies in a folder of landing. Raises LandingError where that cannot be told: it must not count as nothing."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LandingError(f"{folder} cannot be read: {error.strerror or error}; nothing can be told of it") from None


def _name(stamp: datetime, sha256: str, landed: tuple[int, int], own: str) -> str:
    batch, place = landed
    return f"{stamp:{_STAMP}}-{sha256}-{batch}.{place}@{own}"


def _parse(source: str, folder: Path, name: str) -> LandingFile | None:
    match = _NAME.fullmatch(name)
    received_at = match and _instant(match["stamp"])
    return match and received_at and LandingFile(received_at, name, source, match["sha256"], folder / name)


@lru_cache
def _instant(stamp: str) -> datetime | None:
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _side_by_side(prepare: Callable[[Path], _Prepared], paths: Iterable[Path]) -> Iterator[_Prepared]:
    """`prepare` of each path, in their order, some at a time; whoever stops listening waits for a few at most."""
    waiting = iter(paths)
    with ThreadPoolExecutor(_WORKERS) as workers:
        try:
            while some := list(islice(waiting, _AT_A_TIME)):
                yield from workers.map(prepare, some)
        except BaseException:
            workers.shutdown(cancel_futures=True)
            raise


def _remove_leftovers(staging: Path) -> None:
    """What a process that was killed has left behind: nobody takes days for a file."""
    for path in staging.iterdir():
        try:
            age = time.time() - path.stat().st_mtime  # noqa: TID251 - held against what the file system stamps
            if age > _LEFT_AFTER:
                path.unlink()
        except FileNotFoundError:
            continue


def _copied(staging: Path, name: str, content: BinaryIO, identity: bytes = b"", origin: Path | None = None) -> _Arrival:
    temporary = staging / uuid.uuid4().hex
    digest = hashlib.sha256(identity)
    try:
        with temporary.open("wb") as target:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return _Arrival(temporary, name, digest.hexdigest(), origin)


def _copied_file(staging: Path, path: Path) -> _Arrival:
    with path.open("rb") as content:
        return _copied(staging, path.name, content)


def _to_be_moved(staging: Path, device: int, path: Path) -> _Arrival | None:
    """The file itself, or a copy where the inbox lies on another file system than landing."""
    try:
        with path.open("rb") as content:
            before = os.fstat(content.fileno())
            found = before.st_size, before.st_mtime_ns
            if before.st_dev != device:
                copy = _copied(staging, path.name, content, origin=path)
                return _Arrival(copy.path, copy.name, copy.sha256, path, found)
            digest = hashlib.file_digest(content, "sha256")
            os.fsync(content.fileno())
        return _Arrival(path, path.name, digest.hexdigest(), path, found) if _content(path) == found else None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        return None


def _remove_origin(arrival: _Arrival) -> None:
    """Remove what was dropped, unless it has changed since: then its new content is another file, for the next time."""
    if arrival.origin is None:
        return
    try:
        if _content(arrival.origin) == arrival.content:
            arrival.origin.unlink()
    except FileNotFoundError:
        return


def _content(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
