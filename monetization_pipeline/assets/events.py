"""Dagster's face of `events`."""

from collections.abc import Mapping

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, rows_metadata, table
from monetization_pipeline.assets.on_the_road import make_stale, road_asset
from monetization_pipeline.assets.pictures import days_before
from monetization_pipeline.assets.summaries import Ranking, ranked
from monetization_pipeline.datasets import EVENTS
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.netting.copies import NAMED_CONFLICTS
from monetization_pipeline.partitions import Grids, event_day
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.standing.counts import EVENT_DAY

GROUP = "ingest"


def events_asset(grids: Grids) -> dg.AssetsDefinition:
    """`events` by event day. A day that is up to date is not made again, but reported as it is."""

    @road_asset(EVENTS, GROUP, "duckdb", grids)
    def events(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work, keys = pipeline.pipeline(), context.partition_keys
        built = make_stale(pipeline, EVENTS, keys)
        largest = ranked(work, EVENTS, built, ["company_id"], "count(*)")
        states = work.lake.table(EVENTS).states()
        for key in keys:
            context.add_asset_metadata(_metadata(key, states, key in built, largest), partition_key=key)
        return dg.MaterializeResult()

    return events


def _metadata(key: str, states: Mapping[str, PartitionState], built: bool, largest: Ranking) -> Metadata:
    state = states.get(key)
    if state is None:
        counts = dict.fromkeys(EVENT_DAY, 0)
        return {**rows_metadata(0), "made": "no: nothing was received for this day", **counts}
    metadata = {
        **rows_metadata(state.rows),
        "made": "now" if built else "before: it was up to date",
        **days_before(states, event_day(key), "events"),
        **state.counts,
    }
    conflicts = state.notes.get("conflicts")
    if isinstance(conflicts, list):
        metadata["conflicts by name"] = table(
            (f"conflict (the first {NAMED_CONFLICTS} of the day are named)",), ([conflict] for conflict in conflicts)
        )
    if built:
        metadata["largest companies"] = table(("company as sent", "events"), largest.get(key, ()))
    return metadata
