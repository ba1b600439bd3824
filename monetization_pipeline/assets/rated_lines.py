"""Dagster's face of `rated_lines`."""

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, rows_metadata, rows_of, table
from monetization_pipeline.assets.on_the_road import make_anew, road_asset
from monetization_pipeline.assets.pictures import amounts_of_periods
from monetization_pipeline.assets.summaries import ranked
from monetization_pipeline.clock import Clock
from monetization_pipeline.datasets import RATED_LINES
from monetization_pipeline.partitions import Grids
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps.catalogs import keep_catalog
from monetization_pipeline.steps.pipeline import Pipeline

GROUP = "rating"


def rated_lines_asset(grids: Grids, clock: Clock) -> dg.AssetsDefinition:
    """`rated_lines` by billing period."""

    @road_asset(RATED_LINES, GROUP, "python", grids)
    def rated_lines(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work, month = pipeline.pipeline(), context.partition_key
        # Kept with the lines that it prices, so that they can be explained.
        run_step(lambda: keep_catalog(work, pipeline.known().catalog, clock()))
        make_anew(pipeline, RATED_LINES, month)
        rows = rows_metadata(rows_of(work, RATED_LINES, month))
        return dg.MaterializeResult(metadata={**rows, **_report(work, month)})

    return rated_lines


def _report(pipeline: Pipeline, month: str) -> Metadata:
    prices = ranked(pipeline, RATED_LINES, [month], ["plan_id", "price_id", "currency"], "sum(amount)")
    companies = ranked(pipeline, RATED_LINES, [month], ["company_id", "currency"], "sum(amount)")
    return {
        **amounts_of_periods(pipeline, RATED_LINES, month, "exact amount", "sum(amount)"),
        "prices": table(("plan", "price", "currency", "exact amount"), prices.get(month, ())),
        "largest companies": table(("company", "currency", "exact amount"), companies.get(month, ())),
    }
