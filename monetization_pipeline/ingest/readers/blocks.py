"""Bytes of a file in blocks of whole lines."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from monetization_pipeline.ingest.readers.compression import BrokenFileError, read_chunks

#: A longer line is refused: no event is this large, and one line must not fill the memory.
MAX_LINE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each with its line feed (the last of the file perhaps without)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CutLine:
    """A line that is set aside: it is too long, or the file breaks off within it."""

    start: bytes
    reason: str


def _without_mark(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Chunks without the byte order mark that some writers begin with."""
    for first in chunks:
        yield first.removeprefix(codecs.BOM_UTF8)
        break
    yield from chunks


def line_blocks(path: Path) -> Iterator[Block | CutLine]:
    """All lines of a file, in order, in blocks as large as the chunks that they come in."""
    begun: list[bytes] = []
    skipping = False
    broken: str | None = None
    chunks = _without_mark(read_chunks(path))
    while True:
        try:
            chunk = next(chunks)
        except StopIteration:
            break
        except BrokenFileError as error:
            broken = str(error)
            break
        if skipping:
            end = chunk.find(b"\n") + 1
            if not end:
                continue
            skipping, chunk = False, chunk[end:]
        if end := chunk.rfind(b"\n") + 1:
            yield Block(b"".join((*begun, memoryview(chunk)[:end])))
            begun = [chunk[end:]]
        else:
            begun.append(chunk)
        if sum(map(len, begun)) > MAX_LINE_BYTES:
            yield CutLine(b"".join(begun)[:1000], f"the line is longer than {MAX_LINE_BYTES >> 20} MB")
            skipping, begun = True, []
    rest = b"".join(begun)
    if broken is not None:
        yield CutLine(rest, broken)
    elif rest:
        yield Block(rest)
