"""Newline-delimited JSON: lines go to the engine as they are; only what it cannot read exactly is read here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from monetization_pipeline.ingest import exact_json
from monetization_pipeline.ingest.exact_json import NotJsonError
from monetization_pipeline.ingest.readers.blocks import CutLine, line_blocks
from monetization_pipeline.ingest.readers.risky_numbers import risky_lines
from monetization_pipeline.ingest.records import Record, RecordKind, batches, record_hash, refused, whole_batch

_LINE_FEED = 10
_BATCH_BYTES = 4 << 20


def read(files: Iterable[tuple[int, Path]]) -> Iterator[pa.RecordBatch]:
    """Lines of files as batches of RECORD_SCHEMA with kind `line`; what is not UTF-8 is refused.

    Small files share a batch: to the engine, one of a few rows costs as much as one of thousands.
    """
    lines = _Lines()
    for file_no, path in files:
        lines.begin(file_no)
        for block in line_blocks(path):
            if isinstance(block, CutLine):
                yield from lines.made()
                yield from lines.refuse(block)
            elif lines.add(block.data) >= _BATCH_BYTES:
                yield from lines.made()
    yield from lines.made()


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole lines of one file. `first_line`: None where they go on after the piece before."""

    file_no: int
    first_line: int | None
    data: bytes


class _Lines:
    """Pieces of some files on their way into one batch."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []
        self._size = 0
        self._file_no = 0
        self._line: int | None = 1

    def begin(self, file_no: int) -> None:
        """What is added from here on is of this file."""
        self._file_no, self._line = file_no, 1

    def add(self, data: bytes) -> int:
        """Add whole lines; how many bytes there are now."""
        self._pieces.append(_Piece(self._file_no, self._line, data))
        self._line = None
        self._size += len(data)
        return self._size

    def made(self) -> Iterator[pa.RecordBatch]:
        """What was added, as batches; from here on there is nothing."""
        pieces, self._pieces, self._size = self._pieces, [], 0
        if not pieces:
            return
        texts, counts, risky = _texts([piece.data for piece in pieces])
        firsts: list[int] = []
        following = 1
        for piece, count in zip(pieces, counts.tolist(), strict=True):
            firsts.append(following if piece.first_line is None else piece.first_line)
            following = firsts[-1] + count
        if self._line is None:
            self._line = following
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid:
            for piece, first in zip(pieces, firsts, strict=True):
                yield from batches(piece.file_no, _decoded(piece.data, first))
            return
        file_nos = np.array([piece.file_no for piece in pieces], np.int32)
        numbers = np.arange(len(texts)) + np.repeat(np.array(firsts) - np.cumsum(counts) + counts, counts)
        yield whole_batch(RecordKind.LINE, np.repeat(file_nos, counts), numbers, texts, risky=risky)

    def refuse(self, line: CutLine) -> Iterator[pa.RecordBatch]:
        """The next line of the file set aside, once all before it is made."""
        assert self._line is not None
        yield from batches(self._file_no, [refused(self._line, 1, line.reason, line.start)])
        self._line += 1


def read_line(line: int, text: str) -> Iterator[Record]:
    """One line of JSON that the engine cannot read exactly: an event, or an array of them."""
    stripped = text.strip()
    if not stripped:
        yield Record(RecordKind.EMPTY, line, 1, "")
        return
    try:
        value = exact_json.parse(stripped)
        if isinstance(value, dict):
            yield Record(RecordKind.EVENT, line, 1, exact_json.dump(value), record_hash(stripped))
        elif value == []:
            yield Record(RecordKind.EMPTY, line, 1, "")
        elif isinstance(value, list):
            yield from elements(RecordKind.EVENT, line, value)
        else:
            yield refused(line, 1, "the line is JSON but not an object", text)
    except NotJsonError as error:
        yield refused(line, 1, f"the line is not JSON: {error}", text)


def elements(kind: RecordKind, line: int, values: list[exact_json.Json], scope: int = 0) -> Iterator[Record]:
    """Records of an array within one line."""
    for ordinal, value in enumerate(values, 1):
        if not isinstance(value, dict):
            yield refused(line, ordinal, "the record is not a JSON object", exact_json.escaped(value))
            continue
        try:
            text, canonical = exact_json.dump(value), exact_json.canonical(value)
        except NotJsonError as error:
            yield refused(line, ordinal, f"the record is not JSON: {error}", exact_json.escaped(value))
        else:
            yield Record(kind, line, ordinal, text, record_hash(canonical), scope)


def _texts(parts: list[bytes]) -> tuple[pa.StringArray, np.ndarray, np.ndarray]:
    """All lines of the parts, how many each part has, and which are risky. A part may lack its last line feed."""
    whole = [part if part.endswith(b"\n") else part + b"\n" for part in parts]
    data = b"".join(whole) if len(whole) > 1 else whole[0]
    content = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(content == _LINE_FEED) + 1
    until = np.searchsorted(ends, np.cumsum([len(part) for part in whole]), side="right")
    offsets = np.concatenate((np.zeros(1, np.int32), ends.astype(np.int32)))
    # That an array of numpy is a buffer, its types say for Python 3.12 and later only.
    places = pa.py_buffer(offsets)  # pyright: ignore[reportArgumentType]
    array = pa.Array.from_buffers(pa.string(), len(ends), [None, places, pa.py_buffer(data)])
    assert isinstance(array, pa.StringArray)
    return array, np.diff(until, prepend=0), risky_lines(content, ends)


def _decoded(data: bytes, first_line: int) -> Iterator[Record]:
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for line, content in enumerate(lines, first_line):
        try:
            yield Record(RecordKind.LINE, line, 1, content.decode())
        except UnicodeDecodeError as error:
            yield refused(line, 1, f"the line is not UTF-8 (byte {error.start + 1})", content)
