"""One ingest batch in an engine's session: landing files of one source → staged rows, all in SQL but for hard lines."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa

from monetization_pipeline.engines.base import Session
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ingest.mapping import record_sql
from monetization_pipeline.ingest.readers import csv_rows, json_path, lines, parquet, requests
from monetization_pipeline.ingest.records import RECORD_SCHEMA, Record, batches, joined
from monetization_pipeline.ingest.staging import stage_sql
from monetization_pipeline.landing.store import LandingFile
from monetization_pipeline.netting.identities import NUMBER_REPEATS_SQL
from monetization_pipeline.sources.declared import Format, Source

#: Lines that Python reads at a time.
_SLOW_LINES = 20_000

_FILES_SCHEMA = pa.schema(
    [
        ("file_no", pa.int32()),
        ("source", pa.string()),
        ("file", pa.string()),
        ("received_at", pa.timestamp("us", tz="UTC")),
    ]
)


class UnreadableFileError(MonetizeError):
    """A landing file that the disk does not give: it stays where it is, and nothing of it is known."""

    def __init__(self, file: LandingFile, error: OSError) -> None:
        super().__init__(f"{file.path} cannot be read: {error.strerror or error}")
        self.file = file
        self.is_gone = isinstance(error, FileNotFoundError)


def stage(session: Session, source: Source, files: Sequence[LandingFile], first_instant: datetime) -> None:
    """Make the table `staged` (see `ingest.staging`) and the table `files` from the files of one source.

    What a reader cannot take of a file becomes a refusal. Raises UnreadableFileError.
    """
    register_files(session, files)
    sql = stage_sql(record_sql(source), actions_at_receipt=source.is_moesif)
    reading = _Reading(source, files)
    session.register("records", pa.RecordBatchReader.from_batches(RECORD_SCHEMA, reading.records()))
    session.run(f"CREATE TEMP TABLE staged AS {sql}", [first_instant])
    session.forget("records")
    if reading.unreadable is not None:
        raise reading.unreadable
    if source.format is Format.NDJSON:
        _read_slow_lines(session, sql, first_instant)
    session.run(NUMBER_REPEATS_SQL)


def register_files(session: Session, files: Sequence[LandingFile]) -> None:
    """Make the table `files`: (file_no, source, file, received_at); file_no is the position in `files`."""
    columns = [
        range(len(files)),
        [file.source for file in files],
        [file.name for file in files],
        [file.received_at for file in files],
    ]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, _FILES_SCHEMA.types, strict=True)]
    session.register("files", pa.table(arrays, schema=_FILES_SCHEMA))


class _Reading:
    """Records of some files on their way into an engine, which would wrap an error of its stream in one of its own."""

    def __init__(self, source: Source, files: Sequence[LandingFile]) -> None:
        self._source = source
        self._files = files
        self._file = files[0]
        #: Set once the stream has ended, where it ended too early.
        self.unreadable: UnreadableFileError | None = None

    def records(self) -> Iterator[pa.RecordBatch]:
        """Records of all files, up to one that cannot be read."""
        try:
            if self._source.format is Format.NDJSON:
                yield from lines.read(self._numbered())  # many small files in one batch
            else:
                read = (batch for number, path in self._numbered() for batch in _read_file(self._source, number, path))
                yield from joined(read)
        except OSError as error:
            self.unreadable = UnreadableFileError(self._file, error)

    def _numbered(self) -> Iterator[tuple[int, Path]]:
        for number, file in enumerate(self._files):
            self._file = file
            yield number, file.path


def _read_file(source: Source, number: int, path: Path) -> Iterator[pa.RecordBatch]:
    match source.format:
        case Format.JSON:
            return json_path.read(number, path, source.records)
        case Format.CSV:
            return csv_rows.read(number, path)
        case Format.PARQUET:
            return parquet.read(number, path)
        case Format.REQUESTS:
            return requests.read(number, path)
        case Format.NDJSON:
            return lines.read([(number, path)])


def _read_slow_lines(session: Session, sql: str, first_instant: datetime) -> None:
    last = -1
    while True:
        rows = session.rows(
            "SELECT rowid, file_no, line, text FROM staged WHERE outcome = 'slow' AND rowid > ? ORDER BY rowid LIMIT ?",
            [last, _SLOW_LINES],
        )
        if not rows:
            break
        last = rows[-1][0]
        made = [batch for file_no, group in groupby(rows, itemgetter(1)) for batch in batches(file_no, _slow(group))]
        session.register("records", pa.Table.from_batches(made, RECORD_SCHEMA))
        session.run(f"INSERT INTO staged {sql}", [first_instant])
        session.forget("records")
    if last >= 0:
        session.run("DELETE FROM staged WHERE outcome = 'slow'")


def _slow(rows: Iterable[tuple[Any, ...]]) -> Iterator[Record]:
    for _, _, line, text in rows:
        yield from lines.read_line(line, text)
