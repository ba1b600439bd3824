"""Moesif events from landing to raw events, against bare DuckDB and pandas."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.measuring import Measured, Task, Totals, Watch, Work, compare, heading, in_process, peak_of
from benchmarks.moesif_sample import declare_source, write_moesif
from benchmarks.reference import ingest_duckdb, ingest_pandas
from monetization_pipeline.datasets import RAW_EVENTS
from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.steps import raw_events


@dataclass(frozen=True, slots=True)
class Sizes:
    """Moesif events → raw_events."""

    events: int = 5_000_000


def run(scratch: Path, rounds: int, sizes: Sizes) -> None:
    """All events, then a fifth to see whether memory is flat, then a tenth against pandas."""
    whole = _against_duckdb(scratch, sizes.events, rounds)
    fifth = _against_duckdb(scratch, sizes.events // 5, rounds)
    heading(f"our memory: {fifth:,} MB at {sizes.events // 5:,} events, {whole:,} MB at {sizes.events:,}")
    source = scratch / "tenth.ndjson"
    write_moesif(source, sizes.events // 10)
    tasks: dict[str, Task] = {
        "pandas": lambda: _reference("pandas", scratch, source),
        "ours": lambda: _ours(scratch, source),
    }
    compare(f"ingest of a tenth, {sizes.events // 10:,} events, because pandas holds all of it", tasks, 1)
    source.unlink()


def _against_duckdb(scratch: Path, events: int, rounds: int) -> int:
    source = scratch / "events.ndjson"
    write_moesif(source, events)
    tasks: dict[str, Task] = {
        "DuckDB COPY": lambda: _reference("duckdb", scratch, source),
        "ours": lambda: _ours(scratch, source),
    }
    title = f"ingest of {events:,} Moesif events ({source.stat().st_size / 1e6:,.0f} MB of NDJSON)"
    done = compare(title, tasks, rounds)
    source.unlink()
    return peak_of(done["ours"])


def _reference(name: str, scratch: Path, source: Path) -> Measured:
    target = scratch / "reference.parquet"
    measured = in_process("ingest", name, source, target)
    target.unlink()
    return measured


def _ours(scratch: Path, source: Path) -> Measured:
    home = scratch / "ingest"
    measured = in_process("ingest", "ours", source, home)
    shutil.rmtree(home)
    return measured


def _work_ours(watch: Watch, source: str, home: str) -> Totals:
    """Landing files to raw events, refusals set aside, duplicates of other days found, all of it committed."""
    pipeline = pipeline_of(Settings(Path(home)))
    declare_source(pipeline)
    with Path(source).open("rb") as content:
        pipeline.landing.place("api", "events.ndjson", content, datetime.now(UTC))
    with watch.part("ingest"):
        raw_events.ingest(pipeline)
    return _totals([file.text for file in pipeline.lake.table(RAW_EVENTS).files()])


def _work_duckdb(watch: Watch, source: str, target: str) -> Totals:
    with watch.part("COPY"):
        ingest_duckdb.main(source, target)
    return _totals([target])


def _work_pandas(watch: Watch, source: str, target: str) -> Totals:
    with watch.part("frame"):
        ingest_pandas.main(source, target)
    return _totals([target])


def _totals(files: list[str]) -> Totals:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'").fetchall()
        relation = connection.execute(
            """SELECT count(*) AS events, count(DISTINCT event_id) AS ids, sum(status) AS statuses,
                sum(duration_ms) AS duration_ms, sum(length(metadata)) AS metadata, sum(length(uri)) AS uris,
                CAST(max(occurred_at) AS VARCHAR) AS latest, count(DISTINCT identity_hash) AS identities
            FROM read_parquet(?)""",
            [files],
        )
        names = [column[0] for column in relation.description or ()]
        row = relation.fetchone()
    assert row is not None
    return {name: str(value) for name, value in zip(names, row, strict=True)}


WORK: dict[str, Work] = {"ours": _work_ours, "duckdb": _work_duckdb, "pandas": _work_pandas}
