"""CSV with a header: each row becomes an object of texts; an empty field is absent."""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from monetization_pipeline.ingest import exact_json
from monetization_pipeline.ingest.readers.blocks import MAX_LINE_BYTES, BrokenFileError, read_chunks
from monetization_pipeline.ingest.records import Record, RecordKind, batches, record_hash, refused


def read(file_no: int, path: Path) -> Iterator[pa.RecordBatch]:
    """Rows of a file as batches of RECORD_SCHEMA."""
    return batches(file_no, _records(path))


def _records(path: Path) -> Iterator[Record]:
    csv.field_size_limit(MAX_LINE_BYTES)
    rows = csv.reader(_lines(path), strict=True)
    header: list[str] | None = None
    line = 1
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield refused(line, 1, f"the row is not CSV: {error}", "")
            line = rows.line_num + 1
            continue
        except BrokenFileError as error:
            yield refused(line, 1, str(error), "")
            return
        if header is None:
            header = [name.strip() for name in row]
        else:
            yield _record(line, header, row)
        line = rows.line_num + 1


def _record(line: int, header: list[str], row: list[str]) -> Record:
    text = ",".join(row)
    if not any(row):
        return Record(RecordKind.EMPTY, line, 1, "")
    if any("\udc80" <= character <= "\udcff" for character in text):
        return refused(line, 1, "the row is not UTF-8", text.encode("utf-8", "surrogateescape"))
    if len(row) != len(header):
        return refused(line, 1, f"the row has {len(row)} fields, the header {len(header)}", text)
    fields: dict[str, exact_json.Json] = {name: value for name, value in zip(header, row, strict=True) if value}
    return Record(RecordKind.EVENT, line, 1, exact_json.dump(fields), record_hash(exact_json.canonical(fields)))


def _lines(path: Path) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
    rest = ""
    for chunk in read_chunks(path):
        lines = (rest + decoder.decode(chunk)).split("\n")
        rest = lines.pop()
        for line in lines:
            yield line + "\n"
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest
