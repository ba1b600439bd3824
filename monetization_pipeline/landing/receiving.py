"""Files on their way into landing: given by hand, or dropped into a source's inbox."""

import glob
import os
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.landing.store import Landing, LandingFile
from monetization_pipeline.sources.declared import CORRECTIONS, declared_names, load_source

#: A file that was changed so few seconds ago may still be being written.
_SETTLED_AFTER = 1.0
#: How programs name a file before it is whole.
_UNFINISHED = (".tmp", ".part")


class ReceiveError(MonetizeError):
    """A path that cannot be taken in."""


def receive(
    landing: Landing, declarations: Path, source: str, paths: Iterable[Path], received_at: datetime
) -> list[LandingFile]:
    """Copy files into landing as received at one instant; `declarations` is the folder of declared sources.

    A folder stands for all files in and below it, a path that is not there but has `*`, `?` or `[` for what it matches;
    both in order of name, without what `is_passed_over`. Raises SourceError where the source is not declared,
    ReceiveError for a path that stands for no file; then nothing was copied.
    """
    load_source(declarations, source)
    files = dict.fromkeys(file for path in paths for file in _files(path))
    return landing.copy_in(source, files, received_at)


def take_inboxes(landing: Landing, declarations: Path, now: datetime) -> list[LandingFile]:
    """Move what was dropped into the inboxes of declared sources into landing, as received `now`.

    A file that may still be being written is left for the next time; one with bytes that are known is removed.
    """
    taken: list[LandingFile] = []
    for source in sorted(_with_inbox(declarations)):
        inbox = landing.inbox(source)
        inbox.mkdir(parents=True, exist_ok=True, mode=0o700)
        if files := list(_settled(inbox)):
            taken += landing.move_in(source, files, now)
    return taken


def inbox_files(landing: Landing, declarations: Path) -> list[Path]:
    """Files in inboxes of declared sources that nobody seems to write to, by source and name; no file is opened."""
    return [path for source in _with_inbox(declarations) for path in sorted(_settled(landing.inbox(source)))]


def undeclared_inboxes(landing: Landing, declarations: Path) -> list[Path]:
    """Inboxes with files in them that nobody takes in, since their source is not declared."""
    declared = _with_inbox(declarations)
    inboxes = landing.root.glob("*/inbox")
    return sorted(inbox for inbox in inboxes if inbox.parent.name not in declared and any(files_below(inbox)))


def files_below(folder: Path) -> Iterator[Path]:
    """Files in a folder and the folders in it, in order of name, without hidden ones and those not whole by their name.

    Links to folders are not followed; a folder that vanishes holds nothing.
    """
    try:
        with os.scandir(folder) as found:
            entries = sorted((entry for entry in found if not is_passed_over(entry.name)), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(folder / entry.name)
        elif entry.is_file():
            yield folder / entry.name


def is_passed_over(name: str) -> bool:
    """Whether a file or folder is hidden, or by its name not whole yet."""
    return name.startswith(".") or name.endswith(_UNFINISHED)


def _with_inbox(declarations: Path) -> set[str]:
    return {*declared_names(declarations), CORRECTIONS}


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        found = list(files_below(path))
    elif glob.has_magic(str(path)):
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - pathlib's looks into hidden folders
        found = [file for match in map(Path, matches) if not is_passed_over(match.name) for file in _files_in(match)]
    else:
        raise ReceiveError(f"{path} is neither a file nor a folder")
    if not found:
        raise ReceiveError(
            f"{path}: there is no such file; hidden files and those that end in {' or '.join(_UNFINISHED)} do not count"
        )
    return found


def _files_in(path: Path) -> list[Path]:
    return list(files_below(path)) if path.is_dir() else [path]


def _settled(inbox: Path) -> Iterator[Path]:
    now = time.time()  # noqa: TID251 - held against what the file system stamps
    for path in files_below(inbox):
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        # A time that lies ahead was set by whoever made the file; it says nothing about now.
        if os.access(path, os.R_OK) and abs(now - found.st_mtime) >= _SETTLED_AFTER and not path.is_symlink():
            yield path
