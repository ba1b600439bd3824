"""Dagster's face of `daily_usage`."""

from collections.abc import Mapping

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, rows_metadata, table
from monetization_pipeline.assets.on_the_road import make_stale, road_asset
from monetization_pipeline.assets.pictures import days_before, plots
from monetization_pipeline.assets.summaries import Ranking, ranked, sums
from monetization_pipeline.datasets import (
    DAILY_USAGE,
    METER_REFUSALS,
)
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.metering.charged import BUCKETS, METERED
from monetization_pipeline.partitions import Grids, event_day
from monetization_pipeline.resources.pipeline import PipelineResource

GROUP = "metering"


def daily_usage_asset(grids: Grids) -> dg.AssetsDefinition:
    """`daily_usage` by event day; meter_refusals and unbilled are committed with it.

    A day that is up to date is not made again, but reported as it is.
    """

    @road_asset(DAILY_USAGE, GROUP, "duckdb", grids)
    def daily_usage(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work, keys = pipeline.pipeline(), context.partition_keys
        built = make_stale(pipeline, DAILY_USAGE, keys)
        meters = [meter.meter_id for meter in pipeline.known().catalog.meters]
        metered = sums(work, DAILY_USAGE, keys, ["meter_id"], "CAST(sum(events) AS BIGINT)")
        largest = ranked(work, DAILY_USAGE, built, ["company_id", "meter_id"], "CAST(sum(events) AS BIGINT)")
        refused = ranked(work, METER_REFUSALS, built, ["meter_id", "reason"], "count(*)")
        states = work.lake.table(DAILY_USAGE).states()
        for key in keys:
            metadata = _metadata(key, states, key in built, largest, refused)
            metadata |= plots("events of", meters, dict(metered.get(key, ())))
            context.add_asset_metadata(metadata, partition_key=key)
        return dg.MaterializeResult()

    return daily_usage


def _metadata(
    key: str, states: Mapping[str, PartitionState], built: bool, largest: Ranking, refused: Ranking
) -> Metadata:
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
        **days_before(states, event_day(key), METERED),
        **state.counts,
    }
    metadata |= {name: str(note) for name, note in state.notes.items()}
    if built:
        metadata["largest companies"] = table(("company", "meter", "events"), largest.get(key, ()))
        metadata["refusals by reason"] = table(("meter", "reason", "values"), refused.get(key, ()))
    return metadata
