"""The steps from raw events to draft invoices, timed one by one, without Dagster."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import duckdb

from benchmarks.lake_sample import MONTH
from benchmarks.measuring import Totals, Watch
from monetization_pipeline.datasets import INVOICES, USAGE, DatasetSpec
from monetization_pipeline.steps import daily_usage, events, invoices, rated_lines, raw_events, usage
from monetization_pipeline.steps.attribution import Attribution
from monetization_pipeline.steps.catalogs import read_catalog
from monetization_pipeline.steps.pipeline import Pipeline


def make_days(watch: Watch, pipeline: Pipeline, days: Sequence[date]) -> None:
    """`events` and `daily_usage` of some days."""
    with watch.part("events"):
        events.build(pipeline, days)
    with watch.part("daily_usage"):
        daily_usage.build(pipeline, Attribution.read(pipeline, read_catalog(pipeline)), days)


def make_period(watch: Watch, pipeline: Pipeline, month: str = MONTH) -> None:
    """`usage`, `rated_lines` and `invoices` of a billing period."""
    with watch.part("usage"):
        known = Attribution.read(pipeline, read_catalog(pipeline))
        usage.build(pipeline, known, month)
    with watch.part("rated_lines"):
        rated_lines.build(pipeline, known, month)
    with watch.part("invoices"):
        invoices.build(pipeline, month)


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
    files = [str(path) for path in pipeline.lake.table(spec).files([MONTH])]
    with duckdb.connect() as connection:
        return in_full(dict(connection.execute(sql, [files]).fetchall()))
