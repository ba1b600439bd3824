"""One JSON document with an array of records somewhere in it (`Records`), read as a stream."""

import codecs
import json
import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pyarrow as pa

from monetization_pipeline.ingest import exact_json
from monetization_pipeline.ingest.exact_json import Json, NotJsonError
from monetization_pipeline.ingest.readers.blocks import MAX_LINE_BYTES
from monetization_pipeline.ingest.readers.compression import BrokenFileError, read_chunks
from monetization_pipeline.ingest.records import Record, RecordKind, batches, record_hash, refused

_SPACE = re.compile(r"[ \t\r\n]*")


def read(file_no: int, path: Path, records: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """Elements of the array under the keys `records` (no keys: of the document) as batches of RECORD_SCHEMA."""
    return batches(file_no, _records(path, records))


def _records(path: Path, keys: tuple[str, ...]) -> Iterator[Record]:
    document = _Document(read_chunks(path))
    ordinal = 0
    try:
        for line, value in _documents(document, keys):
            ordinal += 1
            yield _record(line, ordinal, value, keys)
    except NotJsonError as error:
        yield refused(document.line, ordinal + 1, f"the document is not JSON from here on: {error}", document.rest())
    except BrokenFileError as error:
        yield refused(document.line, ordinal + 1, str(error), document.rest())


def _record(line: int, ordinal: int, value: "Json | _Absent", keys: tuple[str, ...]) -> Record:
    if isinstance(value, _Absent):
        return refused(line, ordinal, f"the document has no {'.'.join(keys)}", "")
    if not isinstance(value, dict):
        return refused(line, ordinal, "the record is not a JSON object", exact_json.escaped(value))
    try:
        text, canonical = exact_json.dump(value), exact_json.canonical(value)
    except NotJsonError as error:
        return refused(line, ordinal, f"the record is not JSON in UTF-8: {error}", exact_json.escaped(value))
    return Record(RecordKind.EVENT, line, ordinal, text, record_hash(canonical))


class _Absent:
    """Stands for the records of a document that has none under the given keys."""


def _documents(document: "_Document", keys: tuple[str, ...]) -> Iterator[tuple[int, "Json | _Absent"]]:
    """Records of all documents of a file: some writers put one after the other."""
    while document.peek() != "":
        line = document.line
        if not (yield from _elements(document, keys)):
            yield line, _Absent()


def _elements(document: "_Document", keys: tuple[str, ...]) -> Generator[tuple[int, Json], None, bool]:
    """Yields what lies under the keys; returns whether they are there."""
    if not keys:
        if document.peek() == "[":
            yield from document.array()
        else:
            yield document.line, document.value()
        return True
    found = False
    for key in document.members():
        if key == keys[0]:
            found = (yield from _elements(document, keys[1:])) or found
        else:
            document.value()
    return found


class _Document:
    """A cursor over JSON text that arrives in chunks; what was read is let go."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._text = ""
        self._at = 0
        self._ended = False
        self.line = 1

    def rest(self) -> str:
        """Some of what was not read."""
        return self._text[self._at : self._at + 1000]

    def peek(self) -> str:
        """The next character that is not white space; '' at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            assert space is not None
            self._advance(space.end())
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def value(self) -> Json:
        """Read one value."""
        if self.peek() == "":
            exact_json.fail("it ends too early")
        while True:
            try:
                value, end = exact_json.scan(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended:
                    exact_json.fail(f"{error.msg}")
                if len(self._text) - self._at > MAX_LINE_BYTES:
                    exact_json.fail(f"{error.msg}, or a record is longer than {MAX_LINE_BYTES >> 20} MB")
            except RecursionError:
                exact_json.fail("nested too deeply")
            else:
                # A number at the very end of the text may go on in the next chunk.
                if end < len(self._text) or self._ended:
                    self._advance(end)
                    return value
            self._more()

    def members(self) -> Iterator[str]:
        """Keys of the object that begins here; the caller reads each key's value before the next."""
        self._expect("{")
        if self._skip("}"):
            return
        while True:
            key = self.value()
            self._expect(":")
            yield str(key)
            if not self._skip(","):
                break
        self._expect("}")

    def array(self) -> Iterator[tuple[int, Json]]:
        """(line, value) of each element of the array that begins here."""
        self._expect("[")
        if self._skip("]"):
            return
        while True:
            self.peek()
            line = self.line
            yield line, self.value()
            if not self._skip(","):
                break
        self._expect("]")

    def _expect(self, character: str) -> None:
        if not self._skip(character):
            exact_json.fail(f"{character!r} is expected")

    def _skip(self, character: str) -> bool:
        found = self.peek() == character
        if found:
            self._advance(self._at + 1)
        return found

    def _advance(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _more(self) -> None:
        # At least as much again: a long element is scanned a logarithmic number of times.
        parts = [self._text[self._at :]]
        wanted = max(len(parts[0]), 1)
        self._at = 0
        while wanted > 0 and not self._ended:
            chunk = next(self._chunks, None)
            self._ended = chunk is None
            parts.append(self._decoder.decode(chunk or b"", final=chunk is None))
            wanted -= len(parts[-1])
        self._text = "".join(parts)
