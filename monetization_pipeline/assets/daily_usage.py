"""Dagster's face of `daily_usage`."""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg

from monetization_pipeline.assets.catalog import METERS
from monetization_pipeline.assets.faces import Metadata, dataset_asset, rows_metadata, table
from monetization_pipeline.assets.pictures import days_before, plots
from monetization_pipeline.assets.summaries import Ranking, ranked, sums
from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import (
    COMPANIES,
    DAILY_USAGE,
    EVENTS,
    METER_REFUSALS,
    SUBSCRIPTIONS,
    UNBILLED,
    USERS,
)
from monetization_pipeline.lake.ingest_log import read_log
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.metering.charged import BUCKETS, METERED
from monetization_pipeline.partitions import Grids, event_day, event_key
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps import daily_usage as step
from monetization_pipeline.steps.attribution import Attribution
from monetization_pipeline.steps.catalogs import read_catalog
from monetization_pipeline.steps.pipeline import Pipeline

GROUP = "metering"


def daily_usage_asset(grids: Grids) -> dg.AssetsDefinition:
    """`daily_usage` by event day; meter_refusals and unbilled are committed with it.

    A day that is up to date is not made again, but reported as it is.
    """

    @dataset_asset(
        DAILY_USAGE,
        GROUP,
        "duckdb",
        beside=(METER_REFUSALS, UNBILLED),
        partitions_def=grids.event_days,
        backfill_policy=dg.BackfillPolicy.multi_run(31),
        deps=[EVENTS.name, COMPANIES.name, USERS.name, SUBSCRIPTIONS.name, METERS],
    )
    def daily_usage(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work = pipeline.pipeline()
        days = [event_day(key) for key in context.partition_keys]
        catalog = run_step(lambda: read_catalog(work))
        built = run_step(lambda: _build(work, catalog, days))
        keys = [event_key(day) for day in built]
        meters = [meter.meter_id for meter in catalog.meters]
        metered = sums(work, DAILY_USAGE, [event_key(day) for day in days], ["meter_id"], "CAST(sum(events) AS BIGINT)")
        largest = ranked(work, DAILY_USAGE, keys, ["company_id", "meter_id"], "CAST(sum(events) AS BIGINT)")
        refused = ranked(work, METER_REFUSALS, keys, ["meter_id", "reason"], "count(*)")
        states = work.lake.table(DAILY_USAGE).states()
        for day in days:
            key = event_key(day)
            metadata = _metadata(day, states, day in built, largest, refused)
            metadata |= plots("events of", meters, dict(metered.get(key, ())))
            context.add_asset_metadata(metadata, partition_key=key)
        return dg.MaterializeResult()

    return daily_usage


def _build(pipeline: Pipeline, catalog: Catalog, days: Sequence[date]) -> Mapping[date, PartitionState]:
    known = Attribution.read(pipeline, catalog)
    log = read_log(pipeline.lake)
    expected = step.expected_states(pipeline, known, days)
    stale = [day for day in days if not step.is_current(pipeline, log, day, expected[day])]
    return step.build(pipeline, known, stale) if stale else {}


def _metadata(
    day: date, states: Mapping[str, PartitionState], built: bool, largest: Ranking, refused: Ranking
) -> Metadata:
    key = event_key(day)
    state = states.get(key)
    if state is None:
        return {
            **rows_metadata(0),
            "made": "no: there are no events on this day",
            **dict.fromkeys(("events", *BUCKETS), 0),
        }
    metadata = {
        **rows_metadata(state.rows),
        "made": "now" if built else "before: it was up to date",
        **days_before(states, day, METERED),
        **state.counts,
    }
    metadata |= {name: str(note) for name, note in state.notes.items()}
    if built:
        metadata["largest companies"] = table(("company", "meter", "events"), largest.get(key, ()))
        metadata["refusals by reason"] = table(("meter", "reason", "values"), refused.get(key, ()))
    return metadata
