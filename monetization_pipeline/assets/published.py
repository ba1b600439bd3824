"""Dagster's face of publishing to a provider: its own group, job and pool; and what `monetize publish` does.

Nothing but a person ever starts either."""

from typing import TYPE_CHECKING

import dagster as dg

from monetization_pipeline.assets.faces import LIMIT, Metadata, dataset_asset, rows_metadata, rows_of, table
from monetization_pipeline.assets.pictures import amounts_of_periods
from monetization_pipeline.assets.summaries import ranked
from monetization_pipeline.clock import Clock
from monetization_pipeline.datasets import COMPANIES, INVOICES, DatasetSpec
from monetization_pipeline.lake.state import code_version
from monetization_pipeline.partitions import Grids
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.registry import Registered, registered
from monetization_pipeline.resources.account import AccountResource
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.publications import PUBLISHED

if TYPE_CHECKING:
    from monetization_pipeline.closing.publish import PublishedPeriod

GROUP = "publishing"


def published_asset(provider: Registered, grids: Grids, clock: Clock) -> dg.AssetsDefinition:
    """A provider's invoices by billing period: books the final ones and issues them, each once."""
    spec = provider.invoices

    @dataset_asset(
        spec,
        GROUP,
        provider.name,
        code_version(spec.name, PUBLISHED),
        partitions_def=grids.billing_periods,
        deps=[INVOICES.name, COMPANIES.name],
        pool=provider.name,
    )
    def published(
        context: dg.AssetExecutionContext, pipeline: PipelineResource, account: AccountResource
    ) -> dg.MaterializeResult:
        # The ledger takes long to import, and nothing else needs it.
        from monetization_pipeline.closing.publish import publish_to

        work, month = pipeline.pipeline(), context.partition_key
        by = f"Dagster run {context.run.run_id}"
        done = run_step(lambda: publish_to(work, account.account, month, clock=clock, by=by))
        metadata = published_metadata(work, spec, done, month)
        if not done.complete:
            raise dg.Failure(_incomplete(done), metadata=metadata, allow_retries=False)
        return dg.MaterializeResult(metadata=metadata)

    return published


def publish_recorded(
    instance: dg.DagsterInstance, pipeline: Pipeline, account: Account, month: str, clock: Clock
) -> "PublishedPeriod":
    """Book and issue a billing period's final invoices; Dagster is told of it as a materialization without a run.

    Not a run: the command line has to say of each invoice what became of it, and a failed run could not.
    Raises MonetizeError where nothing may be published.
    """
    from monetization_pipeline.closing.publish import publish_to

    done = publish_to(pipeline, account, month, clock=clock, by="monetize publish")
    spec = registered(account.provider).invoices
    metadata = published_metadata(pipeline, spec, done, month)
    instance.report_runless_asset_event(dg.AssetMaterialization(spec.name, partition=month, metadata=metadata))
    return done


def published_metadata(pipeline: Pipeline, spec: DatasetSpec, published: "PublishedPeriod", month: str) -> Metadata:
    """What a materialization of a provider's invoices shows."""
    companies = ranked(pipeline, spec, [month], ["company_id", "currency", "state"], "sum(total)")
    report = published.report
    return {
        **rows_metadata(rows_of(pipeline, spec, month)),
        **amounts_of_periods(pipeline, spec, month, "amount", "sum(total)"),
        "mode": published.mode,
        "account": published.account,
        "booked now": len(published.booked),
        "issued now": len(report.issued),
        "issued before": len(report.already_issued),
        "invoices of nothing": len(report.zero),
        "not final": len(published.not_final),
        "differing": len(published.differing),
        "not taken": len(published.not_taken),
        "failed": len(report.failed) + len(report.not_tried),
        "largest companies": table(("company", "currency", "state", "total"), companies.get(month, ())),
    }


def _incomplete(published: "PublishedPeriod") -> str:
    report = published.report
    lines = [f"invoice {failure.invoice_id} was not issued: {failure.error}" for failure in report.failed]
    lines += [f"invoice {invoice_id} was not tried: the provider kept failing" for invoice_id in report.not_tried]
    lines += [
        f"invoice {state.invoice.invoice_id} is {state.status}: it was left alone"
        for state in (*published.differing, *published.not_taken)
    ]
    more = [f"… and {len(lines) - LIMIT} more"] if len(lines) > LIMIT else []
    return "\n".join([*lines[:LIMIT], *more])
