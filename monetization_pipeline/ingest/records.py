"""What every reader yields: records with their place, as Arrow batches."""

import base64
import csv
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa

# The stubs of `pyarrow` itself lack it.
from pyarrow.lib import concat_batches

from monetization_pipeline.ingest.secrets import mask

#: What a reader may raise where a file has something that it cannot take. All else is a fault of the program, or of the
#: disk.
CONTENT_ERRORS = (
    ValueError, ArithmeticError, LookupError, RecursionError, csv.Error, zlib.error, pa.ArrowNotImplementedError,
    pa.ArrowTypeError,
)  # fmt: skip

#: Halves of surrogate pairs that no undecodable byte stands for.
_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")

#: Rows of one Arrow batch that readers in Python make.
BATCH_ROWS = 20_000
#: Of batches with fewer rows, several are joined, up to as many rows as one has or so many bytes.
_FEW_ROWS = 2_000
_JOINED_BYTES = 16 << 20


class RecordKind(StrEnum):
    """What a record is, as far as its reader can tell."""

    EVENT = "event"
    COMPANY = "company"
    USER = "user"
    SUBSCRIPTION = "subscription"
    EMPTY = "empty"
    REFUSED = "refused"
    #: A line of text nobody has looked into.
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: JSON text and its place. `record_hash` is the hash of the canonical record within `scope`.

    `scope` tells apart the requests (or files) in which equal records count as several events (rule 2).
    """

    kind: RecordKind
    line: int
    record: int
    text: str
    record_hash: str | None = None
    scope: int = 0
    reason: str | None = None


RECORD_SCHEMA = pa.schema(
    [
        ("file_no", pa.int32()),
        ("kind", pa.string()),
        ("line", pa.int64()),
        ("record", pa.int64()),
        ("text", pa.string()),
        ("record_hash", pa.string()),
        ("scope", pa.int64()),
        ("reason", pa.string()),
        # Of kind `line`: whether a number in it may need the exact reader; a regex decides.
        ("risky", pa.bool_()),
    ]
)


def record_hash(canonical: str) -> str:
    """Hash of a canonical record: the identity of an event that brings none."""
    return hashlib.md5(canonical.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def refused(line: int, record: int, reason: str, text: str | bytes) -> Record:
    """A record set aside. What is not UTF-8 (text: decoded with surrogateescape) is kept as base64, secrets masked."""
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogateescape" if not _HALVES.search(text) else "backslashreplace")
    try:
        kept = text.decode()
    except UnicodeDecodeError:
        kept = base64.b64encode(mask(text.decode("latin-1")).encode("latin-1")).decode()
    return Record(RecordKind.REFUSED, line, record, kept, reason=reason)


def said(error: BaseException) -> str:
    """An error in a few words that any output can encode."""
    words = next(iter(str(error).splitlines()), "")[:200] or type(error).__name__
    return words.encode(errors="backslashreplace").decode()


def batches(file_no: int, records: Iterable[Record]) -> Iterator[pa.RecordBatch]:
    """Records of one file as Arrow batches of RECORD_SCHEMA; up to what their reader cannot take, which is refused."""
    pending: list[Record] = []
    for record in _sound(records):
        pending.append(record)
        if len(pending) == BATCH_ROWS:
            yield _batch(file_no, pending)
            pending = []
    if pending:
        yield _batch(file_no, pending)


def _sound(records: Iterable[Record]) -> Iterator[Record]:
    line, ordinal = 1, 0
    try:
        for record in records:
            line, ordinal = record.line, record.record
            yield record
    except CONTENT_ERRORS as error:
        yield refused(line, ordinal + 1, f"the file cannot be read from here on: {said(error)}", "")


def whole_batch(
    kind: RecordKind,
    file_nos: np.ndarray,
    lines: np.ndarray,
    texts: pa.StringArray,
    *,
    risky: np.ndarray | None = None,
    hashes: list[str] | None = None,
) -> pa.RecordBatch:
    """One batch of records of a kind, each alone in its place. Identities are of their texts where `hashes` lacks."""
    count = len(texts)
    columns = [
        pa.array(file_nos, pa.int32()),
        pa.repeat(pa.scalar(kind.value), count),
        pa.array(lines, pa.int64()),
        pa.array(np.ones(count, np.int64)),
        texts,
        pa.nulls(count, pa.string()) if hashes is None else pa.array(hashes, pa.string()),
        pa.array(np.zeros(count, np.int64)),
        pa.nulls(count, pa.string()),
        pa.array(np.ones(count, bool) if risky is None else risky),
    ]
    return pa.record_batch(columns, schema=RECORD_SCHEMA)


def joined(parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches joined until none is small, rows in their order: to the engine, a few rows cost as much as thousands."""
    pending: list[pa.RecordBatch] = []
    rows = size = 0
    for part in parts:
        if part.num_rows >= _FEW_ROWS and not pending:
            yield part
            continue
        pending.append(part)
        rows += part.num_rows
        size += part.nbytes
        if rows >= BATCH_ROWS or size >= _JOINED_BYTES:
            yield concat_batches(pending)
            pending, rows, size = [], 0, 0
    if pending:
        yield concat_batches(pending)


def _batch(file_no: int, records: list[Record]) -> pa.RecordBatch:
    columns = [
        [file_no] * len(records),
        [record.kind.value for record in records],
        [record.line for record in records],
        [record.record for record in records],
        [record.text for record in records],
        [record.record_hash for record in records],
        [record.scope for record in records],
        [record.reason for record in records],
        [True] * len(records),
    ]
    return pa.record_batch(
        [pa.array(values, kind) for values, kind in zip(columns, RECORD_SCHEMA.types, strict=True)],
        schema=RECORD_SCHEMA,
    )
