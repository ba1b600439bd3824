"""Dagster's face of `invoices`."""

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, rows_metadata, rows_of, table
from monetization_pipeline.assets.on_the_road import make_anew, road_asset
from monetization_pipeline.assets.pictures import amounts_of_periods
from monetization_pipeline.assets.summaries import ranked, totals
from monetization_pipeline.datasets import INVOICES
from monetization_pipeline.partitions import Grids
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps.pipeline import Pipeline

GROUP = "invoicing"


def invoices_asset(grids: Grids) -> dg.AssetsDefinition:
    """`invoices` by billing period; invoice_lines are committed with them. Booking and issuing is another job."""

    @road_asset(INVOICES, GROUP, "python", grids)
    def invoices(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work, month = pipeline.pipeline(), context.partition_key
        make_anew(pipeline, INVOICES, month)
        rows = rows_metadata(rows_of(work, INVOICES, month))
        return dg.MaterializeResult(metadata={**rows, **_report(work, month)})

    return invoices


def _report(pipeline: Pipeline, month: str) -> Metadata:
    companies = ranked(pipeline, INVOICES, [month], ["company_id", "currency"], "sum(total)")
    zero = totals(pipeline, INVOICES, month, "count(*) FILTER (total = 0)")
    return {
        **amounts_of_periods(pipeline, INVOICES, month, "amount", "sum(total)"),
        "invoices of nothing": int(sum(zero.values())),
        "largest companies": table(("company", "currency", "total"), companies.get(month, ())),
    }
