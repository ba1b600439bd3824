"""Landing: raw files exactly as they arrived, `landing/<source>/<received_on>/<received_at>-<sha256>-<name>`.

A file is its bytes: the same bytes twice in one source are one file. It enters by write, fsync, rename, so that a
file that is there is whole.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(r"(?P<stamp>\d{8}T\d{6}\.\d{6}Z)-(?P<sha256>[0-9a-f]{64})-(?P<name>.+)", re.DOTALL)


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
        match = _NAME.fullmatch(self.name)
        return self.name if match is None else match["name"]

    @property
    def received_on(self) -> date:
        """UTC day of receipt: the partition its rows lie in."""
        return self.received_at.date()


class Landing:
    """The landing folder of one working folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, dict[str, LandingFile]] = {}

    def place(
        self, source: str, name: str, content: BinaryIO, received_at: datetime, identity: bytes = b""
    ) -> LandingFile:
        """Copy `content` into landing; a file with the same bytes that is there already is returned instead.

        `identity` is hashed before the bytes: files that differ in it are never the same one.
        """
        folder = self.root / source
        staging = folder / ".staging"
        staging.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(self.root, 0o700)
        temporary = staging / uuid.uuid4().hex
        digest = hashlib.sha256(identity)
        with temporary.open("wb") as target:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        known = self.find(source, digest.hexdigest())
        if known is not None:
            temporary.unlink()
            return known
        stamp = received_at.astimezone(UTC)
        target_path = (
            folder / stamp.date().isoformat() / f"{stamp:{_STAMP}}-{digest.hexdigest()}-{name_in_landing(name)}"
        )
        target_path.parent.mkdir(exist_ok=True, mode=0o700)
        os.rename(temporary, target_path)
        _sync_folder(target_path.parent)
        placed = LandingFile(stamp, target_path.name, source, digest.hexdigest(), target_path)
        self._known[source][placed.sha256] = placed
        return placed

    def find(self, source: str, sha256: str) -> LandingFile | None:
        """The file of `source` with these bytes, if it lies in landing."""
        if source not in self._known:
            self._known[source] = {file.sha256: file for file in self.files() if file.source == source}
        return self._known[source].get(sha256)

    def files(self, received_on: date | None = None) -> Iterator[LandingFile]:
        """Files received that day, or all, by source, then in order of receipt."""
        if not self.root.is_dir():
            return
        for folder in sorted(self.root.iterdir()):
            days = [folder / received_on.isoformat()] if received_on else sorted(folder.glob("????-??-??"))
            for day in days:
                if day.is_dir():
                    found = (_parse(folder.name, path) for path in day.iterdir())
                    yield from sorted(file for file in found if file is not None)


def _parse(source: str, path: Path) -> LandingFile | None:
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    received_at = datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=UTC)
    return LandingFile(received_at, path.name, source, match["sha256"], path)


def name_in_landing(name: str) -> str:
    """The name that a file keeps in landing: odd characters replaced, the beginning of a long name cut off."""
    return re.sub(r"[^A-Za-z0-9._=-]", "_", name)[-100:] or "file"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
