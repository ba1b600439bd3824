"""Whatever is wrong with one file, the others come in: of its source, and of sources before and after it in order."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS
from monetization_pipeline.ingest import staged
from monetization_pipeline.ingest.records import Record, RecordKind, batches
from monetization_pipeline.landing.store import LandingFile
from monetization_pipeline.sources.declared import CUSTOMERS
from monetization_pipeline.steps.raw_events import IngestError


def three(shop: Workshop) -> LandingFile:
    """Files of a source before, two of one in the middle, and one of a source after; the first of the middle."""
    for source in ("before", "logs", "then"):
        shop.source(source)
        shop.place(source, lines([event(1, id=f"{source} 1")]), name=f"{'first' if source == 'logs' else 'a'}.ndjson")
    shop.place("logs", lines([event(1, id="logs 2")]), name="z.ndjson")
    return next(file for file in shop.pipeline.landing.files() if file.original_name == "first.ndjson")


def ids(shop: Workshop) -> list[str]:
    return sorted(row["event_id"] for row in shop.rows(RAW_EVENTS))


def test_a_file_that_the_disk_does_not_give_stays_and_is_named(shop: Workshop) -> None:
    file = three(shop)
    content = file.path.read_bytes()
    file.path.unlink()
    file.path.symlink_to(file.path)
    with pytest.raises(IngestError, match=rf"{file.name} cannot be read: Too many levels"):
        shop.ingest()
    assert ids(shop) == ["before 1", "logs 2", "then 1"]
    assert shop.rows(REFUSALS) == []
    file.path.unlink()
    file.path.write_bytes(content)
    shop.ingest()
    assert ids(shop) == ["before 1", "logs 1", "logs 2", "then 1"]


@pytest.mark.parametrize("form", ["ndjson", "csv", "json", "requests", "parquet"])
def test_in_every_format(shop: Workshop, form: str) -> None:
    shop.source("odd", format=form, **({"mapping": {}} if form == "requests" else {}))
    file = shop.place("odd", b"x")
    shop.place("logs", lines([event(1)]))
    file.path.unlink()
    file.path.symlink_to(file.path)
    with pytest.raises(IngestError, match="cannot be read"):
        shop.ingest()
    assert (ids(shop), shop.rows(REFUSALS)) == (["e1"], [])


def test_a_file_that_went_away_meanwhile_is_nobodys_fault(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    file = three(shop)
    read_chunks = staged.lines.read

    def gone(numbered: Iterator[tuple[int, Path]]) -> Iterator[pa.RecordBatch]:
        file.path.unlink(missing_ok=True)
        return read_chunks(numbered)

    monkeypatch.setattr(staged.lines, "read", gone)
    shop.ingest()
    assert ids(shop) == ["before 1", "logs 2", "then 1"]


def test_what_a_reader_cannot_take_is_refused_behind_what_was_good(shop: Workshop) -> None:
    def records() -> Iterator[Record]:
        yield Record(RecordKind.EVENT, 7, 2, "{}")
        raise ValueError("year 99999 is out of range")

    (made,) = batches(0, records())
    rows = [(row["kind"], row["line"], row["record"], row["reason"]) for row in made.to_pylist()]
    reason = "the file cannot be read from here on: year 99999 is out of range"
    assert rows == [("event", 7, 2, None), ("refused", 7, 3, reason)]


def test_a_fault_of_the_program_refuses_nothing() -> None:
    def records() -> Iterator[Record]:
        yield Record(RecordKind.EVENT, 1, 1, "{}")
        raise TypeError("unsupported operand")

    with pytest.raises(TypeError):
        list(batches(0, records()))


def test_a_file_of_customers_that_this_version_cannot_read_is_refused(shop: Workshop) -> None:
    shop.place(CUSTOMERS, b"company_id,colour\nacme,red\n", name="companies.csv")
    shop.place(CUSTOMERS, b"company_id\nacme\n", RECEIVED, name="companies2.csv")
    shop.place("logs", lines([event(1)]))
    shop.ingest()
    (refusal,) = shop.rows(REFUSALS)
    assert (refusal["line"], refusal["reason"][:25]) == (1, "the file cannot be read: ")
    assert ids(shop) == ["e1"]
