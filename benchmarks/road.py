"""The steps from raw events to draft invoices, timed one by one, without Dagster."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import duckdb

from benchmarks.lake_sample import MONTH, keys
from benchmarks.measuring import Totals, Watch
from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, INVOICES, RATED_LINES, USAGE, DatasetSpec
from monetization_pipeline.steps import raw_events
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.road import build


def make_days(watch: Watch, pipeline: Pipeline, days: Sequence[date]) -> None:
    """`events` and `daily_usage` of some days."""
    with watch.part("events"):
        build(pipeline, Known.now(pipeline), EVENTS, keys(days))
    with watch.part("daily_usage"):
        build(pipeline, Known.now(pipeline), DAILY_USAGE, keys(days))


def make_period(watch: Watch, pipeline: Pipeline, month: str = MONTH) -> None:
    """`usage`, `rated_lines` and `invoices` of a billing period."""
    with watch.part("usage"):
        known = Known.now(pipeline)
        build(pipeline, known, USAGE, [month])
    with watch.part("rated_lines"):
        build(pipeline, known, RATED_LINES, [month])
    with watch.part("invoices"):
        build(pipeline, known, INVOICES, [month])


def follow_landing(watch: Watch, pipeline: Pipeline) -> Totals:
    """What waits in landing, up to the draft invoices of the month; what came out."""
    with watch.part("ingest"):
        days = raw_events.ingest(pipeline).days
    make_days(watch, pipeline, sorted(days))
    make_period(watch, pipeline)
    return month_totals(pipeline)


def month_totals(pipeline: Pipeline) -> Totals:
    """Quantities by meter, the number of invoices, and what they come to."""
    return {**usage_totals(pipeline), **_invoice_totals(pipeline)}


def usage_totals(pipeline: Pipeline) -> Totals:
    """By meter: all quantities of the month together."""
    return _sums(pipeline, USAGE, "SELECT meter_id, sum(quantity) FROM read_parquet(?) GROUP BY meter_id")


def _invoice_totals(pipeline: Pipeline) -> Totals:
    """How many invoices the month has, and by currency what they come to."""
    counted = _sums(pipeline, INVOICES, "SELECT 'invoices', CAST(count(*) AS DECIMAL(9)) FROM read_parquet(?)")
    summed = _sums(pipeline, INVOICES, "SELECT currency, sum(total) FROM read_parquet(?) GROUP BY currency")
    return {**counted, **summed}


def in_full(totals: Mapping[str, Decimal]) -> Totals:
    """Decimals as text that tells equal ones equally."""
    return {name: f"{total.normalize():f}" for name, total in sorted(totals.items())}


def _sums(pipeline: Pipeline, spec: DatasetSpec, sql: str) -> Totals:
    files = [file.text for file in pipeline.lake.table(spec).files([MONTH])]
    with duckdb.connect() as connection:
        return in_full(dict(connection.execute(sql, [files]).fetchall()))
