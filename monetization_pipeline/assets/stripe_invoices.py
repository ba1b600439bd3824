"""Dagster's face of publishing to Stripe: its own group, job and pool, never started by anything but a person."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, dataset_asset, rows_metadata, table
from monetization_pipeline.assets.pictures import amounts_of_periods
from monetization_pipeline.assets.summaries import LIMIT, ranked
from monetization_pipeline.datasets import COMPANIES, INVOICES, STRIPE_INVOICES
from monetization_pipeline.partitions import Grids
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.resources.stripe import StripeResource
from monetization_pipeline.steps.pipeline import Pipeline

if TYPE_CHECKING:
    from monetization_pipeline.steps.publish import PublishedPeriod

GROUP = "publishing"
POOL = "stripe"


def stripe_invoices_asset(grids: Grids) -> dg.AssetsDefinition:
    """`stripe_invoices` by billing period: books the final invoices and issues them, each once."""

    @dataset_asset(
        STRIPE_INVOICES,
        GROUP,
        "stripe",
        partitions_def=grids.billing_periods,
        deps=[INVOICES.name, COMPANIES.name],
        pool=POOL,
    )
    def stripe_invoices(
        context: dg.AssetExecutionContext, pipeline: PipelineResource, stripe: StripeResource
    ) -> dg.MaterializeResult:
        work, month = pipeline.pipeline(), context.partition_key
        by = f"Dagster run {context.run.run_id}"
        published = run_step(lambda: publish(work, stripe, month, datetime.now(UTC), by))
        metadata = published_metadata(work, published, month)
        if not published.complete:
            raise dg.Failure(_incomplete(published), metadata=metadata, allow_retries=False)
        return dg.MaterializeResult(metadata=metadata)

    return stripe_invoices


def publish(pipeline: Pipeline, stripe: StripeResource, month: str, now: datetime, by: str) -> "PublishedPeriod":
    """Book and issue a billing period's final invoices. Raises MonetizeError where nothing may be published."""
    # The ledger and Stripe's client take long to import, and nothing else needs them.
    from monetization_pipeline.steps.publish import opened_ledger, publish_period, stripe_provider

    with (
        opened_ledger(pipeline) as ledger,
        stripe_provider(pipeline, stripe.mode, stripe.api_key.value, stripe.api_base) as provider,
    ):
        return publish_period(pipeline, ledger, provider, month, now=now, by=by)


def published_metadata(pipeline: Pipeline, published: "PublishedPeriod", month: str) -> Metadata:
    """What a materialization of `stripe_invoices` shows."""
    state = pipeline.lake.table(STRIPE_INVOICES).state(month)
    companies = ranked(pipeline, STRIPE_INVOICES, [month], ["company_id", "currency", "state"], "sum(total)")
    report = published.report
    return {
        **rows_metadata(0 if state is None else state.rows),
        **amounts_of_periods(pipeline, STRIPE_INVOICES, month, "amount", "sum(total)"),
        "mode": published.mode,
        "account": published.account,
        "booked now": len(published.booked),
        "issued now": len(report.issued),
        "issued before": len(report.already_issued),
        "invoices of nothing": len(report.zero),
        "not final": len(published.not_final),
        "differing": len(published.differing),
        "failed": len(report.failed) + len(report.not_tried),
        "largest companies": table(("company", "currency", "state", "total"), companies.get(month, ())),
    }


def _incomplete(published: "PublishedPeriod") -> str:
    report = published.report
    lines = [f"invoice {failure.invoice_id} was not issued: {failure.error}" for failure in report.failed]
    lines += [f"invoice {invoice_id} was not tried: the provider kept failing" for invoice_id in report.not_tried]
    lines += [
        f"invoice {state.invoice.invoice_id} is {state.status}: it was left alone" for state in published.differing
    ]
    more = [f"… and {len(lines) - LIMIT} more"] if len(lines) > LIMIT else []
    return "\n".join([*lines[:LIMIT], *more])
