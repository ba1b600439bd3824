"""Dagster's face of `usage`."""

import dagster as dg

from monetization_pipeline.assets.catalog import METERS
from monetization_pipeline.assets.faces import Metadata, dataset_asset, rows_metadata, table
from monetization_pipeline.assets.pictures import plots, usage_per_day
from monetization_pipeline.assets.summaries import ranked
from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import DAILY_USAGE, SUBSCRIPTIONS, USAGE
from monetization_pipeline.partitions import Grids, days_of_period
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps import usage as step
from monetization_pipeline.steps.attribution import Attribution
from monetization_pipeline.steps.catalogs import read_catalog
from monetization_pipeline.steps.counts import count_period
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.usage_days import quantities, usage_by_day

GROUP = "metering"


def usage_asset(grids: Grids) -> dg.AssetsDefinition:
    """`usage` by billing period."""

    @dataset_asset(
        USAGE,
        GROUP,
        "duckdb",
        partitions_def=grids.billing_periods,
        deps=[dg.AssetDep(DAILY_USAGE.name, partition_mapping=days_of_period()), SUBSCRIPTIONS.name, METERS],
    )
    def usage(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work, month = pipeline.pipeline(), context.partition_key
        catalog = run_step(lambda: read_catalog(work))
        state = run_step(lambda: step.build(work, Attribution.read(work, catalog), month))
        return dg.MaterializeResult(metadata={**rows_metadata(state.rows), **_report(work, catalog, month)})

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
