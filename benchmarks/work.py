"""One measured piece of work, in a process of its own: `python -m benchmarks.work NAME ARGUMENTS…` prints JSON."""

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from benchmarks.lake_sample import DAYS, FIRST_DAY, MONTH
from benchmarks.reference import ingest_duckdb, metering_duckdb
from monetization_pipeline.datasets import EVENTS, RAW_EVENTS, USAGE
from monetization_pipeline.steps import daily_usage, raw_events, usage
from monetization_pipeline.steps.attribution import Attribution
from monetization_pipeline.steps.catalogs import read_catalog
from monetization_pipeline.steps.pipeline import Home, Pipeline

Totals = dict[str, str]


def ingest_ours(source: str, home: str) -> Totals:
    """Landing files to raw events, refusals set aside, duplicates of other days found, all of it committed."""
    folder = Path(home)
    (folder / "sources").mkdir(parents=True)
    (folder / "sources" / "api.yaml").write_text("format: ndjson\nschema: moesif\n")
    pipeline = Pipeline(Home(folder))
    with Path(source).open("rb") as content:
        pipeline.landing.place("api", "events.ndjson", content, datetime.now(UTC))
    started = time.perf_counter()
    raw_events.ingest(pipeline)
    seconds = time.perf_counter() - started
    return _measured(seconds, _event_totals([str(path) for path in pipeline.lake.table(RAW_EVENTS).files()]))


def ingest_reference(source: str, target: str) -> Totals:
    """Bare DuckDB's COPY of the same columns."""
    started = time.perf_counter()
    ingest_duckdb.main(source, target)
    seconds = time.perf_counter() - started
    return _measured(seconds, _event_totals([target]))


def meter_ours(home: str) -> Totals:
    """events → daily_usage → usage of a month."""
    pipeline = Pipeline(Home(Path(home)))
    known = Attribution.read(pipeline, read_catalog(pipeline))
    started = time.perf_counter()
    daily_usage.build(pipeline, known, [FIRST_DAY + timedelta(days=index) for index in range(DAYS)])
    usage.build(pipeline, known, MONTH)
    seconds = time.perf_counter() - started
    files = [str(path) for path in pipeline.lake.table(USAGE).files([MONTH])]
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT meter_id, CAST(sum(quantity) AS VARCHAR) FROM read_parquet(?) GROUP BY meter_id", [files]
        ).fetchall()
    return _measured(seconds, {meter: _plain(total) for meter, total in rows})


def meter_reference(home: str, companies: str) -> Totals:
    """The same quantities in one query of bare DuckDB."""
    files = Pipeline(Home(Path(home))).lake.table(EVENTS).files()
    started = time.perf_counter()
    totals = metering_duckdb.totals(files, int(companies))
    seconds = time.perf_counter() - started
    return _measured(seconds, {name: _plain(str(total)) for name, total in totals.items()})


def _event_totals(files: list[str]) -> Totals:
    with duckdb.connect() as connection:
        row = connection.execute(
            """SELECT count(*), count(DISTINCT event_id), sum(status), sum(duration_ms), sum(length(metadata)),
                sum(length(uri)), CAST(max(occurred_at) AS VARCHAR) FROM read_parquet(?)""",
            [files],
        ).fetchone()
    assert row is not None
    return {str(position): str(value) for position, value in enumerate(row)}


def _plain(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _measured(seconds: float, totals: Totals) -> Totals:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"seconds": str(seconds), "peak_mb": str(peak), **totals}


WORK: dict[str, Callable[..., Totals]] = {
    "ingest_ours": ingest_ours,
    "ingest_reference": ingest_reference,
    "meter_ours": meter_ours,
    "meter_reference": meter_reference,
}

if __name__ == "__main__":
    print(json.dumps(WORK[sys.argv[1]](*sys.argv[2:])))
