"""Dagster's face of `events`."""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, dataset_asset, rows_metadata, table
from monetization_pipeline.assets.pictures import days_before
from monetization_pipeline.assets.summaries import Ranking, ranked
from monetization_pipeline.datasets import EVENTS, RAW_EVENTS
from monetization_pipeline.lake.ingest_log import read_log
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.partitions import ANY_RECEIVED_DAY, Grids, event_day, event_key
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps import events as step
from monetization_pipeline.steps.counts import EVENT_DAY
from monetization_pipeline.steps.pipeline import Pipeline

GROUP = "ingest"


def events_asset(grids: Grids) -> dg.AssetsDefinition:
    """`events` by event day. A day that is up to date is not made again, but reported as it is."""

    @dataset_asset(
        EVENTS,
        GROUP,
        "duckdb",
        partitions_def=grids.event_days,
        backfill_policy=dg.BackfillPolicy.multi_run(31),
        deps=[dg.AssetDep(RAW_EVENTS.name, partition_mapping=ANY_RECEIVED_DAY)],
    )
    def events(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work = pipeline.pipeline()
        days = [event_day(key) for key in context.partition_keys]
        built = run_step(lambda: _build(work, days))
        largest = ranked(work, EVENTS, [event_key(day) for day in built], ["company_id"], "count(*)")
        states = work.lake.table(EVENTS).states()
        for day in days:
            context.add_asset_metadata(_metadata(day, states, day in built, largest), partition_key=event_key(day))
        return dg.MaterializeResult()

    return events


def _build(pipeline: Pipeline, days: Sequence[date]) -> Mapping[date, PartitionState]:
    log = read_log(pipeline.lake)
    stale = [day for day in days if not step.is_current(pipeline, log, day)]
    return step.build(pipeline, stale) if stale else {}


def _metadata(day: date, states: Mapping[str, PartitionState], built: bool, largest: Ranking) -> Metadata:
    state = states.get(event_key(day))
    if state is None:
        counts = dict.fromkeys(EVENT_DAY, 0)
        return {**rows_metadata(0), "made": "no: nothing was received for this day", **counts}
    metadata = {
        **rows_metadata(state.rows),
        "made": "now" if built else "before: it was up to date",
        **days_before(states, day, "events"),
        **state.counts,
    }
    conflicts = state.notes.get("conflicts")
    if isinstance(conflicts, list):
        metadata["conflicts by name"] = table(("conflict",), ([conflict] for conflict in conflicts[:19]))
    if built:
        metadata["largest companies"] = table(("company as sent", "events"), largest.get(event_key(day), ()))
    return metadata
