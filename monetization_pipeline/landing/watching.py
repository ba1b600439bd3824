"""Folders that are watched: which files in them are whole and new, one look after the other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from monetization_pipeline.landing.receiving import ReceiveError, files_below, receive
from monetization_pipeline.landing.store import Landing, LandingFile
from monetization_pipeline.sources.declared import load_source

#: What tells that a file is the same and was not written to: its inode, size, and times of change.
_Signature = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What a look brought: files that are in landing now, and what is wrong with others."""

    received: Sequence[LandingFile] = ()
    problems: Sequence[str] = ()


@dataclass
class Watched:
    """Folders whose files are taken in for a source: each once for every state in which it was left alone.

    A file is whole when it is as it was at the look before; whoever looks waits a while in between.
    """

    landing: Landing
    declarations: Path
    source: str
    folders: Sequence[Path]
    _seen: dict[Path, _Signature] = field(default_factory=dict[Path, _Signature])
    _done: dict[Path, _Signature] = field(default_factory=dict[Path, _Signature])

    def take(self, now: datetime) -> Arrivals:
        """Copy into landing, as received `now`, what is whole and was not taken before. Raises SourceError."""
        found = dict(_signatures(path for folder in self.folders for path in files_below(folder)))
        whole = [path for path, signature in found.items() if self._seen.get(path) == signature]
        new = [path for path in whole if self._done.get(path) != found[path]]
        self._seen = found
        self._done = {path: signature for path, signature in self._done.items() if path in found}
        received, problems = self._received(sorted(new), now) if new else ((), ())
        self._done |= {path: found[path] for path in new}
        return Arrivals(received, problems)

    def _received(self, paths: Sequence[Path], now: datetime) -> tuple[Sequence[LandingFile], Sequence[str]]:
        try:
            return receive(self.landing, self.declarations, self.source, paths, now), ()
        except OSError as error:
            if len(paths) == 1:
                return (), (f"{paths[0]} cannot be read: {error.strerror or error}",)
        received: list[LandingFile] = []
        problems: list[str] = []
        for path in paths:
            more, wrong = self._received([path], now)
            received += more
            problems += wrong
        return received, problems


def watch(landing: Landing, declarations: Path, source: str, folders: Sequence[Path]) -> Watched:
    """Folders to be watched for a source; nobody has looked at them yet.

    Raises SourceError for a source that is not declared, ReceiveError for what is no folder.
    """
    load_source(declarations, source)
    for folder in folders:
        if not folder.is_dir():
            raise ReceiveError(f"{folder} is not a folder; only folders can be watched")
    return Watched(landing, declarations, source, folders)


def _signatures(paths: Iterable[Path]) -> Iterable[tuple[Path, _Signature]]:
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            continue
        yield path, (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
