"""JSON documents with an array of records somewhere in them (`Records`), or records themselves, read as a stream.

Where one breaks, it is refused, and the next that begins at the top is read: what a caller wrote into one record of a
gateway's log takes nothing of the others along.
"""

import codecs
import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from monetization_pipeline.ingest import exact_json
from monetization_pipeline.ingest.exact_json import Json, NotJsonError
from monetization_pipeline.ingest.readers.blocks import MAX_LINE_BYTES
from monetization_pipeline.ingest.readers.compression import BrokenFileError, read_chunks
from monetization_pipeline.ingest.records import Record, RecordKind, batches, record_hash, refused

_SPACE = re.compile(r"[ \t\r\n]*")
#: Where a document may begin after one that broke. What lies within another follows on `[`, `,` or `:`.
_OBJECT = r"[^\s\[,:]\s*(?=\{)"
_ANY = r"[}\]]\s*(?=[{\[])|[^\s\[,:]\s*\n(?=[{\[])"
_NEXT, _NEXT_WHOLE = re.compile(_ANY), re.compile(f"{_OBJECT}|{_ANY}")
#: Signs of what was passed over that are kept.
_KEPT = 64 << 10
#: An error so many signs before the end of what was read has nothing to do with that end.
_NEAR = 16
_UNTERMINATED = "Unterminated"


def read(file_no: int, path: Path, records: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """Elements of the array under the keys `records` (no keys: of the document) as batches of RECORD_SCHEMA."""
    return batches(file_no, _records(path, records))


def _records(path: Path, keys: tuple[str, ...]) -> Iterator[Record]:
    document = _Document(read_chunks(path))
    ordinal = 0
    while True:
        try:
            for line, value in _documents(document, keys):
                ordinal += 1
                yield _record(line, ordinal, value, keys)
            break
        except NotJsonError as error:
            line, ordinal = document.line, ordinal + 1
            passed = document.pass_over(whole=not keys)
            if passed.found is None and document.peek() == "":
                reason = document.broken or f"the document is not JSON from here on: {error}"
                yield refused(line, ordinal, reason, passed.text)
                return
            yield refused(line, ordinal, f"the document is not JSON: {error}", passed.text)
            if passed.found is not None:
                ordinal += 1
                yield _record(passed.found[0], ordinal, passed.found[1], keys)
    if document.broken is not None:
        yield refused(document.line, ordinal + 1, document.broken, "")


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


@dataclass(frozen=True, slots=True)
class _Passed:
    """What was passed over, its beginning at least; (line, value) of what was read behind it to know that it ends."""

    text: str
    found: tuple[int, Json] | None = None


class _Document:
    """A cursor over JSON text that arrives in chunks; what was read is let go.

    `broken`: why the file ends before its end, if it does.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._text = ""
        self._at = 0
        self._ended = False
        self.line = 1
        self.broken: str | None = None
        self._at_next = False

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
        value, end = self._scanned()
        self._advance(end)
        return value

    def pass_over(self, *, whole: bool) -> _Passed:
        """Leave what is no JSON behind: go on to where the next document begins, or to the end.

        `whole`: documents are records. Then an object is the next one only if all of it can be read and another
        document follows, or nothing: a caller's text may look like the beginning of one.
        """
        text = ""
        may_be_next, self._at_next = self._at_next, False
        if may_be_next and not whole and self.peek() in ("{", "["):
            return _Passed(text)
        while True:
            found = (_NEXT_WHOLE if whole else _NEXT).search(self._text, self._at)
            if found is None:
                # What the next document follows on may be the last that was read.
                rest = len(self._text) if self._ended else max(self._at, len(self._text.rstrip()) - 1)
                text += self._taken(rest, _KEPT - len(text))
                if self._ended:
                    return _Passed(text)
                self._more()
                continue
            text += self._taken(found.end(), _KEPT - len(text))
            if not whole or self.peek() == "[":
                return _Passed(text)
            line = self.line
            try:
                value, end = self._scanned()
            except NotJsonError:
                continue
            own = self._taken(end, _KEPT - len(text))
            if self.peek() in ("", "{", "["):
                return _Passed(text, (line, value))
            text += own

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
        self._close("}")

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
        self._close("]")

    def _scanned(self) -> tuple[Json, int]:
        """The value that begins here, and where it ends."""
        while True:
            try:
                value, end = exact_json.scan(self._text, self._at)
            except json.JSONDecodeError as error:
                near = error.msg.startswith(_UNTERMINATED) or error.pos + _NEAR > len(self._text)
                if self._ended or not near:
                    exact_json.fail(f"{error.msg}")
                if len(self._text) - self._at > MAX_LINE_BYTES:
                    exact_json.fail(f"{error.msg}, or a record is longer than {MAX_LINE_BYTES >> 20} MB")
            except RecursionError:
                exact_json.fail("nested too deeply")
            else:
                # A number at the very end of the text may go on in the next chunk.
                if end < len(self._text) or self._ended:
                    return value, end
            self._more()

    def _taken(self, end: int, most: int) -> str:
        """Go on to a place; the text up to it, or its beginning."""
        taken = self._text[self._at : min(end, self._at + most)]
        self._advance(end)
        return taken

    def _close(self, character: str) -> None:
        # What stands there instead may be the next document.
        self._at_next = True
        self._expect(character)
        self._at_next = False

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
            try:
                chunk = next(self._chunks, None)
            except BrokenFileError as error:
                self.broken, chunk = str(error), None
            self._ended = chunk is None
            parts.append(self._decoder.decode(chunk or b"", final=chunk is None))
            wanted -= len(parts[-1])
        self._text = "".join(parts)
