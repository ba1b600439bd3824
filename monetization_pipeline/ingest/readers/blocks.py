"""Bytes of a file in blocks of whole lines, decompressed by what the content says, whatever the file's name."""

import codecs
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31
_READ_BYTES = 1 << 20
BLOCK_BYTES = 8 << 20

#: A longer line is refused: no event is this large, and one line must not fill the memory.
MAX_LINE_BYTES = 64 << 20


#: Bytes of a damaged gzip's good part that are handed on at a time.
_GOOD_BYTES = 64 << 10


class BrokenFileError(ValueError):
    """The file breaks off within its compression; what came before is good."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each with its line feed (the last of the file perhaps without)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CutLine:
    """A line that is set aside: it is too long, or the file breaks off within it."""

    start: bytes
    reason: str


def read_chunks(path: Path) -> Iterator[bytes]:
    """Content in chunks of at most BLOCK_BYTES. Raises BrokenFileError after the last good chunk of a broken gzip."""
    with path.open("rb") as content:
        first = content.read(_READ_BYTES)
        reads = iter(lambda: content.read(_READ_BYTES), b"")
        if first[:2] == _GZIP:
            yield from _gunzip(first, reads)
        elif first:
            yield first
            yield from reads


def _gunzip(data: bytes, reads: Iterator[bytes]) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP_WINDOW)
    while True:
        before = member.copy()
        try:
            chunk = member.decompress(data, BLOCK_BYTES)
        except zlib.error as error:
            yield from _good_part(before, data)
            raise BrokenFileError(f"the gzip data is damaged here ({error})") from None
        if chunk:
            yield chunk
        data = member.unconsumed_tail
        if member.eof:
            data = member.unused_data.lstrip(b"\0") or next(reads, b"").lstrip(b"\0")
            if not data:
                return
            member = zlib.decompressobj(_GZIP_WINDOW)
        elif not data:
            data = next(reads, b"")
            if not data:
                raise BrokenFileError("the gzip file ends too early")


def _good_part(member: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """What comes out before the damage in `data`: zlib gives nothing of a piece that has some."""
    good = bytearray()
    for at in range(len(data)):
        try:
            good += member.decompress(data[at : at + 1])
        except zlib.error:
            break
        if len(good) >= _GOOD_BYTES:
            yield bytes(good)
            good.clear()
    if good:
        yield bytes(good)


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
