"""What `monetize publish` does: publish in this process, and record what was published where the UI shows it."""

from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from monetization_pipeline.assets.stripe_invoices import publish, published_metadata
from monetization_pipeline.datasets import STRIPE_INVOICES
from monetization_pipeline.resources.stripe import StripeResource
from monetization_pipeline.steps.pipeline import Pipeline

if TYPE_CHECKING:
    from monetization_pipeline.steps.publish import PublishedPeriod


def publish_recorded(
    instance: dg.DagsterInstance, pipeline: Pipeline, stripe: StripeResource, month: str, now: datetime
) -> "PublishedPeriod":
    """Book and issue a billing period's final invoices; Dagster is told of it as a materialization without a run.

    Not a run: the command line has to say of each invoice what became of it, and a failed run could not.
    Raises MonetizeError where nothing may be published.
    """
    published = publish(pipeline, stripe, month, now, "monetize publish")
    instance.report_runless_asset_event(
        dg.AssetMaterialization(
            STRIPE_INVOICES.name, partition=month, metadata=published_metadata(pipeline, published, month)
        )
    )
    return published
