"""Newline-delimited JSON: lines go to the engine as they are; only what it cannot read exactly is read here."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from monetization_pipeline.ingest import exact_json
from monetization_pipeline.ingest.exact_json import NotJsonError
from monetization_pipeline.ingest.readers.blocks import CutLine, line_blocks
from monetization_pipeline.ingest.records import RECORD_SCHEMA, Record, RecordKind, batches, record_hash, refused

_LINE_FEED = 10


def read(file_no: int, path: Path) -> Iterator[pa.RecordBatch]:
    """Lines of a file as batches of RECORD_SCHEMA with kind `line`; what is not UTF-8 is refused."""
    line = 1
    for block in line_blocks(path):
        if isinstance(block, CutLine):
            yield from batches(file_no, [refused(line, 1, block.reason, block.start)])
            line += 1
            continue
        texts = _texts(block.data)
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid:
            yield from batches(file_no, _decoded(block.data, line))
        else:
            yield _batch(file_no, line, texts)
        line += len(texts)


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


def _texts(data: bytes) -> pa.StringArray:
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _LINE_FEED) + 1
    if not len(ends) or ends[-1] != len(data):
        ends = np.append(ends, len(data))
    offsets = np.concatenate((np.zeros(1, np.int32), ends.astype(np.int32)))
    array = pa.Array.from_buffers(pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    assert isinstance(array, pa.StringArray)
    return array


def _batch(file_no: int, first_line: int, texts: pa.StringArray) -> pa.RecordBatch:
    count = len(texts)
    zeros = pa.array(np.zeros(count, np.int64))
    columns = [
        pa.array(np.full(count, file_no, np.int32)),
        pa.repeat(pa.scalar(RecordKind.LINE.value), count),
        pa.array(np.arange(first_line, first_line + count, dtype=np.int64)),
        pa.array(np.ones(count, np.int64)),
        texts,
        pa.nulls(count, pa.string()),
        zeros,
        pa.nulls(count, pa.string()),
    ]
    return pa.record_batch(columns, schema=RECORD_SCHEMA)


def _decoded(data: bytes, first_line: int) -> Iterator[Record]:
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for line, content in enumerate(lines, first_line):
        try:
            yield Record(RecordKind.LINE, line, 1, content.decode())
        except UnicodeDecodeError as error:
            yield refused(line, 1, f"the line is not UTF-8 (byte {error.start + 1})", content)
