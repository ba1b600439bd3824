"""Dagster's face of `rated_lines`."""

from datetime import UTC, datetime

import dagster as dg

from monetization_pipeline.assets.catalog import PRICES
from monetization_pipeline.assets.faces import Metadata, dataset_asset, rows_metadata, table
from monetization_pipeline.assets.pictures import amounts_of_periods
from monetization_pipeline.assets.summaries import ranked
from monetization_pipeline.datasets import RATED_LINES, SUBSCRIPTIONS, USAGE
from monetization_pipeline.partitions import Grids
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps import rated_lines as step
from monetization_pipeline.steps.attribution import Attribution
from monetization_pipeline.steps.catalogs import used_catalog
from monetization_pipeline.steps.pipeline import Pipeline

GROUP = "rating"


def rated_lines_asset(grids: Grids) -> dg.AssetsDefinition:
    """`rated_lines` by billing period."""

    @dataset_asset(
        RATED_LINES,
        GROUP,
        "python",
        partitions_def=grids.billing_periods,
        deps=[USAGE.name, SUBSCRIPTIONS.name, PRICES],
    )
    def rated_lines(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work, month = pipeline.pipeline(), context.partition_key
        # Kept with the lines that it prices, so that they can be explained.
        state = run_step(lambda: step.build(work, Attribution.read(work, used_catalog(work, datetime.now(UTC))), month))
        return dg.MaterializeResult(metadata={**rows_metadata(state.rows), **_report(work, month)})

    return rated_lines


def _report(pipeline: Pipeline, month: str) -> Metadata:
    prices = ranked(pipeline, RATED_LINES, [month], ["plan_id", "price_id", "currency"], "sum(amount)")
    companies = ranked(pipeline, RATED_LINES, [month], ["company_id", "currency"], "sum(amount)")
    return {
        **amounts_of_periods(pipeline, RATED_LINES, month, "exact amount", "sum(amount)"),
        "prices": table(("plan", "price", "currency", "exact amount"), prices.get(month, ())),
        "largest companies": table(("company", "currency", "exact amount"), companies.get(month, ())),
    }
