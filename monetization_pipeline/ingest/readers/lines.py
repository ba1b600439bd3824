"""Newline-delimited JSON: lines go to the engine as they are; only what it cannot read exactly is read here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from monetization_pipeline.ingest import exact_json
from monetization_pipeline.ingest.exact_json import NotJsonError
from monetization_pipeline.ingest.readers.blocks import BLOCK_BYTES, CutLine, line_blocks
from monetization_pipeline.ingest.records import Record, RecordKind, batches, record_hash, refused, whole_batch

_LINE_FEED = 10


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole lines of one file."""

    file_no: int
    first_line: int
    data: bytes


def read(files: Iterable[tuple[int, Path]]) -> Iterator[pa.RecordBatch]:
    """Lines of files as batches of RECORD_SCHEMA with kind `line`; what is not UTF-8 is refused.

    Small files share a batch: to the engine, one of a few rows costs as much as one of thousands.
    """
    pieces: list[_Piece] = []
    size = 0
    for file_no, path in files:
        line = 1
        for block in line_blocks(path):
            if isinstance(block, CutLine):
                yield from batches(file_no, [refused(line, 1, block.reason, block.start)])
                line += 1
                continue
            pieces.append(_Piece(file_no, line, block.data))
            size += len(block.data)
            if size >= BLOCK_BYTES:
                yield from _lines_of(pieces)
                pieces, size = [], 0
            line += block.data.count(b"\n")
    yield from _lines_of(pieces)


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


def _lines_of(pieces: list[_Piece]) -> Iterator[pa.RecordBatch]:
    if not pieces:
        return
    texts, counts = _texts([piece.data for piece in pieces])
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        for piece in pieces:
            yield from batches(piece.file_no, _decoded(piece.data, piece.first_line))
        return
    firsts = np.array([piece.first_line for piece in pieces]) - np.cumsum(counts) + counts
    file_nos = np.array([piece.file_no for piece in pieces], np.int32)
    numbers = np.arange(len(texts)) + np.repeat(firsts, counts)
    yield whole_batch(RecordKind.LINE, np.repeat(file_nos, counts), numbers, texts)


def _texts(parts: list[bytes]) -> tuple[pa.StringArray, np.ndarray]:
    """All lines of the parts, and how many each part has; the last line of a part may lack its line feed."""
    data = b"".join(part if part.endswith(b"\n") else part + b"\n" for part in parts)
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _LINE_FEED) + 1
    lengths = np.array([len(part) + (not part.endswith(b"\n")) for part in parts])
    until = np.searchsorted(ends, np.cumsum(lengths), side="right")
    offsets = np.concatenate((np.zeros(1, np.int32), ends.astype(np.int32)))
    array = pa.Array.from_buffers(pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    assert isinstance(array, pa.StringArray)
    return array, np.diff(until, prepend=0)


def _decoded(data: bytes, first_line: int) -> Iterator[Record]:
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for line, content in enumerate(lines, first_line):
        try:
            yield Record(RecordKind.LINE, line, 1, content.decode())
        except UnicodeDecodeError as error:
            yield refused(line, 1, f"the line is not UTF-8 (byte {error.start + 1})", content)
