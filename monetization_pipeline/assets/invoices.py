"""Dagster's face of `invoices`."""

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, dataset_asset, rows_metadata, table
from monetization_pipeline.assets.pictures import amounts_of_periods
from monetization_pipeline.assets.summaries import ranked, totals
from monetization_pipeline.datasets import INVOICE_LINES, INVOICES, RATED_LINES
from monetization_pipeline.partitions import Grids
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps import invoices as step
from monetization_pipeline.steps.pipeline import Pipeline

GROUP = "invoicing"


def invoices_asset(grids: Grids) -> dg.AssetsDefinition:
    """`invoices` by billing period; invoice_lines are committed with them. Booking and issuing is another job."""

    @dataset_asset(
        INVOICES, GROUP, "python", (INVOICE_LINES,), partitions_def=grids.billing_periods, deps=[RATED_LINES.name]
    )
    def invoices(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work, month = pipeline.pipeline(), context.partition_key
        state = run_step(lambda: step.build(work, month))
        return dg.MaterializeResult(metadata={**rows_metadata(state.rows), **_report(work, month)})

    return invoices


def _report(pipeline: Pipeline, month: str) -> Metadata:
    companies = ranked(pipeline, INVOICES, [month], ["company_id", "currency"], "sum(total)")
    zero = totals(pipeline, INVOICES, month, "count(*) FILTER (total = 0)")
    return {
        **amounts_of_periods(pipeline, INVOICES, month, "amount", "sum(total)"),
        "invoices of nothing": int(sum(zero.values())),
        "largest companies": table(("company", "currency", "total"), companies.get(month, ())),
    }
