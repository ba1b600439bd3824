"""CSV with a header: each row becomes an object of texts; an empty field is absent."""

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from monetization_pipeline.ingest import exact_json
from monetization_pipeline.ingest.readers.blocks import MAX_LINE_BYTES
from monetization_pipeline.ingest.readers.compression import BrokenFileError, read_chunks
from monetization_pipeline.ingest.records import Record, RecordKind, batches, record_hash, refused


def read(file_no: int, path: Path) -> Iterator[pa.RecordBatch]:
    """Rows of a file as batches of RECORD_SCHEMA."""
    return batches(file_no, _records(path))


def _records(path: Path) -> Iterator[Record]:
    csv.field_size_limit(MAX_LINE_BYTES)
    lines = _Lines(path)
    rows = csv.reader(lines, strict=True)
    header: _Header | None = None
    line = 1
    while True:
        lines.taken.clear()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            # A quote that is never closed takes every row after it along: they are read again without its line.
            yield refused(line, 1, f"the row is not CSV: {error}", lines.again())
            header = header or _Header((), f"the header is not CSV (line {line})")
            rows = csv.reader(lines, strict=True)
            line += 1
            continue
        except BrokenFileError as error:
            yield refused(line, 1, str(error), "".join(lines.taken) + lines.rest)
            return
        if header is not None:
            yield _record(line, header, row)
        elif any(row):
            header = _Header.of(line, row)
        else:
            yield Record(RecordKind.EMPTY, line, 1, "")
        line += len(lines.taken)


@dataclass(frozen=True, slots=True)
class _Header:
    """Names of the columns; `problem`: why no row can be read by them."""

    names: tuple[str, ...]
    problem: str | None = None

    @classmethod
    def of(cls, line: int, row: list[str]) -> "_Header":
        names = tuple(name.strip() for name in row)
        broken = next((at for at, name in enumerate(names, 1) if not _is_unicode(name)), None)
        if broken is not None:
            return cls(names, f"the header is not UTF-8 (line {line}, column {broken})")
        if len(set(names)) < len(names):
            return cls(names, f"the header gives two columns the same name (line {line})")
        return cls(names)


def _record(line: int, header: _Header, row: list[str]) -> Record:
    text = ",".join(row)
    if not any(row):
        return Record(RecordKind.EMPTY, line, 1, "")
    if header.problem is not None:
        return refused(line, 1, header.problem, text)
    if not _is_unicode(text):
        return refused(line, 1, "the row is not UTF-8", text)
    if len(row) != len(header.names):
        return refused(line, 1, f"the row has {len(row)} fields, the header {len(header.names)}", text)
    fields: dict[str, exact_json.Json] = {name: value for name, value in zip(header.names, row, strict=True) if value}
    return Record(RecordKind.EVENT, line, 1, exact_json.dump(fields), record_hash(exact_json.canonical(fields)))


def _is_unicode(text: str) -> bool:
    """Whether no byte in it was left undecoded."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


class _Lines:
    """Lines of a file, each with its end. `taken`: those given since it was cleared; `rest`: a line that breaks off."""

    def __init__(self, path: Path) -> None:
        self.taken: list[str] = []
        self.rest = ""
        self._ahead: deque[str] = deque()
        self._lines = self._read(path)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._lines)
        self.taken.append(line)
        return line

    def again(self) -> str:
        """Put back all lines taken but the first, and return that one."""
        first, *others = self.taken
        self._ahead.extendleft(reversed(others))
        return first

    def _read(self, path: Path) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        for chunk in read_chunks(path):
            lines = (self.rest + decoder.decode(chunk)).split("\n")
            self.rest = lines.pop()
            for line in lines:
                yield line + "\n"
        self.rest += decoder.decode(b"", final=True)
        if self.rest:
            yield self.rest
