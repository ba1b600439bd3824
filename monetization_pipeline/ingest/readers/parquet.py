"""Parquet: rows are records by column name, the number of the row is the line; row groups are streamed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monetization_pipeline.datasets.arrow import listed
from monetization_pipeline.ingest.readers.arrow_json import RowsJson
from monetization_pipeline.ingest.readers.compression import raise_the_disks
from monetization_pipeline.ingest.records import (
    BATCH_ROWS,
    CONTENT_ERRORS,
    Record,
    RecordKind,
    batches,
    record_hash,
    refused,
    said,
    whole_batch,
)

#: Of a row group, so many bytes (before compression) are decoded at a time.
_DECODED_BYTES = 32 << 20
_PAGE_BYTES = 1 << 20


def read(file_no: int, path: Path) -> Iterator[pa.RecordBatch]:
    """Rows of a file as batches of RECORD_SCHEMA.

    A row with text that is not UTF-8 is refused; so is, as one record, a file that is no Parquet or names a column in
    anything but UTF-8, and the rest of a row group that is damaged: the next row group is read again. Raises OSError
    for a file that the disk does not give.
    """
    try:
        file = pq.ParquetFile(
            path,
            buffer_size=_PAGE_BYTES,
            pre_buffer=False,
            coerce_int96_timestamp_unit="us",
            page_checksum_verification=True,
        )
    except UnicodeDecodeError as error:
        # Raised for the names of columns, and of fields in them, alone.
        yield from batches(file_no, [refused(1, 1, f"a column has a name that is not UTF-8: {error.object!r}", "")])
        return
    except (*CONTENT_ERRORS, OSError) as error:
        raise_the_disks(error)
        yield from batches(file_no, [refused(1, 1, f"the file is not Parquet: {said(error)}", _beginning(path))])
        return
    with file:
        line = 1
        for group in range(file.num_row_groups):
            yield from _row_group(file_no, file, group, line)
            line += file.metadata.row_group(group).num_rows


def _row_group(file_no: int, file: pq.ParquetFile, group: int, line: int) -> Iterator[pa.RecordBatch]:
    try:
        made = file.iter_batches(_batch_rows(file, group), row_groups=[group])  # pyright: ignore[reportUnknownMemberType]
        for rows in made:
            yield from _records(file_no, line, rows)
            line += rows.num_rows
    except (*CONTENT_ERRORS, OSError) as error:
        raise_the_disks(error)
        reason = f"row group {group + 1} is damaged from here on: {said(error)}"
        yield from batches(file_no, [refused(line, 1, reason, "")])


def _batch_rows(file: pq.ParquetFile, group: int) -> int:
    described = file.metadata.row_group(group)
    row_bytes = max(1, described.total_byte_size // max(1, described.num_rows))
    return max(1, min(BATCH_ROWS, _DECODED_BYTES // row_bytes))


def _records(file_no: int, line: int, rows: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    json = RowsJson.of(rows)
    if json.broken:
        yield from batches(
            file_no, (_refused(line, row, column, json.texts[row].as_py()) for row, column in json.broken.items())
        )
    whole = np.ones(rows.num_rows, bool)
    whole[list(json.broken)] = False
    places = np.arange(line, line + rows.num_rows, dtype=np.int64)[whole]
    file_nos = np.full(len(places), file_no, np.int32)
    kept = pa.array(whole)
    same = json.identities is json.texts
    hashes = None if same else [record_hash(text) for text in listed(json.identities.filter(kept))]
    yield whole_batch(RecordKind.EVENT, file_nos, places, json.texts.filter(kept), hashes=hashes)


def _refused(line: int, row: int, column: str, text: str) -> Record:
    return refused(line + row, 1, f"the row is not UTF-8 (column {column})", text)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as content:
        return content.read(1000)
