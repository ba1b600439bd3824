"""Bytes of a file, decompressed by what the content says, whatever the file's name: gzip, zstd, or as they are."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31
_ZSTD = b"\x28\xb5\x2f\xfd"
#: A frame of zstd that holds something else (the first byte's last four bits are free); writers may begin with one.
_ZSTD_SKIPPED = b"\x2a\x4d\x18"
_READ_BYTES = 1 << 20
_PLAIN_BYTES = 4 << 20
#: At most so many bytes are handed on at a time.
CHUNK_BYTES = 8 << 20
#: Bytes of a damaged file's good part that are handed on at a time.
_GOOD_BYTES = 64 << 10


class BrokenFileError(ValueError):
    """The file breaks off within its compression; what came before is good."""


def raise_the_disks(error: Exception) -> None:
    """Raise an error again where the disk is to blame: Arrow has the same class, without a number, for broken files."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def read_chunks(path: Path) -> Iterator[bytes]:
    """Content in chunks of at most CHUNK_BYTES. Raises BrokenFileError after the last good one of a broken file."""
    with path.open("rb") as content:
        first = content.read(_READ_BYTES)
        if first[:2] == _GZIP:
            yield from _gunzip(first, iter(lambda: content.read(_READ_BYTES), b""))
        elif first[:4] == _ZSTD or (first[1:4] == _ZSTD_SKIPPED and first[0] >> 4 == 5):
            yield from _unzstd(content)
        elif first:
            yield first
            yield from iter(lambda: content.read(_PLAIN_BYTES), b"")


def _gunzip(data: bytes, reads: Iterator[bytes]) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP_WINDOW)
    while True:
        before = member.copy()
        try:
            chunk = member.decompress(data, CHUNK_BYTES)
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


# Of what zlib hands out it names the type in private only.
def _good_part(member: "zlib._Decompress", data: bytes) -> Iterator[bytes]:  # pyright: ignore[reportPrivateUsage]
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


def _unzstd(content: BinaryIO) -> Iterator[bytes]:
    reads = _Reads(content)
    given = 0
    with _zstd_stream(reads) as stream:
        while True:
            try:
                chunk = stream.read(_READ_BYTES)
            except OSError as error:
                raise_the_disks(error)
                broken = str(error)
                break
            if not chunk:
                return
            given += len(chunk)
            yield chunk
    yield from _rest_of_zstd(_Reads(content, single_from=reads.last), given)
    if "Truncated" in broken:
        raise BrokenFileError("the zstd file ends too early")
    raise BrokenFileError(f"the zstd data is damaged here ({broken})")


def _rest_of_zstd(reads: "_Reads", given: int) -> Iterator[bytes]:
    """What comes out before the damage beyond the bytes that were given: a read that meets it gives nothing."""
    good = bytearray()
    with _zstd_stream(reads) as stream:
        while given > 0:
            given -= len(stream.read(min(given, _READ_BYTES)))
        while True:
            try:
                byte = stream.read(1)
            except OSError as error:
                raise_the_disks(error)
                break
            if not byte:
                break
            good += byte
            if len(good) >= _GOOD_BYTES:
                yield bytes(good)
                good.clear()
    if good:
        yield bytes(good)


def _zstd_stream(reads: "_Reads") -> pa.CompressedInputStream:
    # Arrow reads what can be read; its stubs want a whole IOBase.
    return pa.CompressedInputStream(pa.PythonFile(reads, mode="r"), "zstd")  # pyright: ignore[reportArgumentType]


class _Reads:
    """A file from its start, read as it is asked for, but byte by byte from a place on. `last`: where it was read."""

    closed = False

    def __init__(self, content: BinaryIO, single_from: int | None = None) -> None:
        content.seek(0)
        self._content = content
        self._single_from = single_from
        self.last = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes."""
        self.last = self._content.tell()
        single = self._single_from is not None and self.last >= self._single_from
        return self._content.read(1 if single else size)

    def close(self) -> None:
        """Leave the file open: whoever opened it closes it."""
