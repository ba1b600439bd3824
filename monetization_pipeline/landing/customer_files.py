"""What the user writes in `customers/`, on its way into landing."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from monetization_pipeline.customers.loading import SUFFIXES, load_records
from monetization_pipeline.customers.records import CustomersFileError
from monetization_pipeline.errors import Place
from monetization_pipeline.landing.receiving import is_passed_over
from monetization_pipeline.landing.store import Landing, LandingFile, name_in_landing
from monetization_pipeline.sources.declared import CUSTOMERS


def land_files(landing: Landing, folder: Path, now: datetime) -> list[LandingFile]:
    """Files of `folder` (`customers/`) whose newest version has not entered landing yet, entered as received `now`.

    Raises CustomersFileError for a file that cannot be read: nothing of it enters.
    """
    entered: list[LandingFile] = []
    for name, content in _changed(landing, folder):
        load_records(name, content)
        # Writing an earlier content again is a change too: it must not be taken for the file that came then.
        identity = f"{name}\0{now.isoformat()}\0".encode()
        entered.append(landing.place(CUSTOMERS, name, io.BytesIO(content), now, identity))
    return entered


def changed_files(landing: Landing, folder: Path) -> list[str]:
    """Names in landing of the files of `folder` (`customers/`) that changed since their newest version entered."""
    return [name for name, _ in _changed(landing, folder)]


def written_digest(folder: Path, name: str) -> str:
    """SHA-256 in hex of what a file of `folder` (`customers/`) holds, by its name in landing; empty if it is gone."""
    path = _written(folder).get(name)
    return hashlib.sha256(_bytes(path)).hexdigest() if path is not None and path.exists() else ""


def newest_versions(landing: Landing, folder: Path) -> list[LandingFile]:
    """The newest version in landing of each file that is in `folder` (`customers/`), by name."""
    written, newest = _written(folder), _newest(landing)
    return [newest[name] for name in sorted(written) if name in newest]


def unread(folder: Path) -> Mapping[str, str]:
    """What lies in `folder` (`customers/`) and is not read, by name, and why not. Hidden entries do not count."""
    if not folder.is_dir():
        return {}
    read = set(_written(folder).values())
    return {
        path.name: _IS_A_FOLDER if path.is_dir() else _OF_NO_KNOWN_KIND
        for path in sorted(folder.iterdir())
        if path not in read and not is_passed_over(path.name)
    }


_IS_A_FOLDER = "is not read, as it is a folder; put what is in it beside it"
_OF_NO_KNOWN_KIND = f"is not read, as its name ends in none of {', '.join(SUFFIXES)}"


def _changed(landing: Landing, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Files whose newest version is not in landing, under the names that they have there."""
    landed = _newest(landing)
    for name, path in _written(folder).items():
        content = _bytes(path)
        before = landed.get(name)
        if before is None or before.path.read_bytes() != content:
            yield name, content


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CustomersFileError(Place(str(path)), f"cannot be read: {error.strerror or error}") from None


def _written(folder: Path) -> Mapping[str, Path]:
    """What the user wrote, by the names that the files have in landing."""
    written: dict[str, Path] = {}
    if folder.is_dir():
        for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()):
            other = written.setdefault(name_in_landing(path.name), path)
            if other is not path:
                raise CustomersFileError(
                    Place(str(path)), f"cannot be told apart from {other.name}; rename one of them"
                )
    return written


def _newest(landing: Landing) -> Mapping[str, LandingFile]:
    files = sorted(landing.of_source(CUSTOMERS), key=lambda file: (file.received_at, file.landed or (0, 0), file.name))
    return {file.original_name: file for file in files}
