"""Bytes of a file in blocks of whole lines."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from monetization_pipeline.ingest.readers.compression import BrokenFileError, read_chunks

BLOCK_BYTES = 8 << 20

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
    """All lines of a file, in order, in blocks of about BLOCK_BYTES."""
    pending: list[bytes] = []
    size = 0
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
        pending.append(chunk)
        size += len(chunk)
        if size < BLOCK_BYTES:
            continue
        whole, rest = _at_last_line(b"".join(pending))
        if whole:
            yield Block(whole)
        if len(rest) > MAX_LINE_BYTES:
            yield CutLine(rest[:1000], f"the line is longer than {MAX_LINE_BYTES >> 20} MB")
            skipping, rest = True, b""
        pending, size = ([rest] if rest else []), len(rest)
    whole, rest = _at_last_line(b"".join(pending))
    if broken is None and rest:
        whole, rest = whole + rest, b""
    if whole:
        yield Block(whole)
    if broken is not None:
        yield CutLine(rest, broken)


def _at_last_line(data: bytes) -> tuple[bytes, bytes]:
    end = data.rfind(b"\n") + 1
    return data[:end], data[end:]
