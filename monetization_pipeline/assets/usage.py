"""Dagster's face of `usage`."""

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, rows_metadata, rows_of, table
from monetization_pipeline.assets.on_the_road import make_anew, road_asset
from monetization_pipeline.assets.pictures import plots, usage_per_day
from monetization_pipeline.assets.summaries import ranked
from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import USAGE
from monetization_pipeline.partitions import Grids
from monetization_pipeline.reports.usage_days import quantities, usage_by_day
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.standing.counts import count_period
from monetization_pipeline.steps.pipeline import Pipeline

GROUP = "metering"


def usage_asset(grids: Grids) -> dg.AssetsDefinition:
    """`usage` by billing period."""

    @road_asset(USAGE, GROUP, "duckdb", grids)
    def usage(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work, month = pipeline.pipeline(), context.partition_key
        make_anew(pipeline, USAGE, month)
        report = _report(work, pipeline.known().catalog, month)
        return dg.MaterializeResult(metadata={**rows_metadata(rows_of(work, USAGE, month)), **report})

    return usage


def _report(pipeline: Pipeline, catalog: Catalog, month: str) -> Metadata:
    meters = ranked(pipeline, USAGE, [month], ["meter_id", "grouping"], "sum(quantity)")
    companies = ranked(pipeline, USAGE, [month], ["company_id", "meter_id", "grouping"], "sum(quantity)")
    return {
        **usage_per_day(usage_by_day(pipeline, catalog, month, 0)),
        **plots("quantity of", [meter.meter_id for meter in catalog.meters], quantities(pipeline, month)),
        "meters": table(("meter", "grouped by", "quantity"), meters.get(month, ())),
        "largest companies": table(("company", "meter", "grouped by", "quantity"), companies.get(month, ())),
        **count_period(pipeline, month).by_name(),
    }
