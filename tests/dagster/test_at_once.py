"""Several processes at once on one partition, and on neighbours: no row is lost or doubled."""

from pathlib import Path

import pytest
from call_files import calls, set_up
from processes import run, start

from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, INVOICE_LINES, INVOICES, RATED_LINES, RAW_EVENTS, USAGE
from monetization_pipeline.invoicing.models import minor_text
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.rows import read_rows
from monetization_pipeline.lake.visible import visible_files
from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.standing.counts import count_period
from monetization_pipeline.steps.invoices import read_invoices

MONTHS = ("2026-01", "2026-02")


def file_of(home: Path, name: str, days: range) -> str:
    path = home / f"{name}.ndjson"
    path.write_bytes(
        calls(*((f"{name}{day}-{month}", f"2026-0{month}-{day:02}T12:00:00Z") for day in days for month in (1, 2)))
    )
    return str(path)


@pytest.mark.slow
def test_runs_and_ingests_at_once_end_in_the_same_figures_as_one_after_the_other(tmp_path: Path) -> None:
    set_up(tmp_path)
    run(tmp_path, "ingest", "--source", "api", file_of(tmp_path, "a", range(1, 11)))
    more = [file_of(tmp_path, name, range(8, 13)) for name in "bc"]
    at_once = [
        start(tmp_path, "run", MONTHS[0]),
        start(tmp_path, "run", MONTHS[0]),
        start(tmp_path, "run", MONTHS[1]),
        *(start(tmp_path, "ingest", "--source", "api", path) for path in more),
    ]
    ended = [process.communicate(timeout=300) for process in at_once]
    for process, (out, problems) in zip(at_once, ended, strict=True):
        # One that found another at the same partition twice says so, and leaves everything as it was.
        assert process.returncode == 0 or "another" in problems, out + problems
    run(tmp_path, "run", "..".join(MONTHS))

    pipeline = pipeline_of(Settings(tmp_path))
    log = read_log(pipeline.lake)
    assert len(log.files) == 4, "three files of calls, one of customers"
    raw = read_rows(visible_files(pipeline.lake, RAW_EVENTS, log.batches))
    assert len({row["event_id"] for row in raw}) == len(raw) == 2 * (10 + 5 + 5)
    for spec in (EVENTS, DAILY_USAGE, USAGE, RATED_LINES, INVOICES, INVOICE_LINES):
        rows = read_rows(pipeline.lake.table(spec).files())
        keys = [tuple(row[name] for name in (*spec.key, spec.partition_column or "")) for row in rows]
        assert rows
        assert len(set(keys)) == len(keys), spec.name
    for month in MONTHS:
        assert count_period(pipeline, month).problems == []
        (invoice,) = read_invoices(pipeline, month)
        assert minor_text(invoice.total, invoice.currency) == "2.00"
