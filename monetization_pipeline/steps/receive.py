"""Files given by hand, on their way into landing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ingest.sources import load_source
from monetization_pipeline.lake.landing import LandingFile
from monetization_pipeline.steps.pipeline import Pipeline


class ReceiveError(MonetizeError):
    """A path that cannot be taken in."""


def receive(pipeline: Pipeline, source: str, paths: Iterable[Path], received_at: datetime) -> list[LandingFile]:
    """Copy files into landing as received at one instant; a folder stands for the files in it, in order of name.

    Raises SourceError where the source is not declared, ReceiveError for what is no file; then nothing was copied.
    """
    load_source(pipeline.home.sources, source)
    files = [file for path in paths for file in _files(path)]
    received: list[LandingFile] = []
    for path in files:
        with path.open("rb") as content:
            received.append(pipeline.landing.place(source, path.name, content, received_at))
    return received


def _files(path: Path) -> Sequence[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        return sorted(entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith("."))
    raise ReceiveError(f"{path} is neither a file nor a folder")
