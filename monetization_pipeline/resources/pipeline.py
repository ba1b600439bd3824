"""The working folder as a Dagster resource."""

from datetime import timedelta
from pathlib import Path

import dagster as dg
from pydantic import Field

from monetization_pipeline.resources.process import PROCESS_TAG, this_process
from monetization_pipeline.steps.pipeline import Home, Pipeline, Retention, Seller


class PipelineResource(dg.ConfigurableResource):
    """One working folder and the seller's settings."""

    home: str = Field(description="the working folder")
    first_month: str = Field(default="2020-01", description="first billing period there is, YYYY-MM")
    grace_days: int = Field(default=1, description="days after bill_at during which an invoice stays a draft")
    time_zone: str = Field(default="UTC", description="zone of companies that have none of their own")
    memory_limit: str = Field(default="800MB", description="what the engine may use before it spills to disk")
    landing_days: int = Field(default=30, description="days that landing files are kept once they were ingested")
    replaced_days: int = Field(default=7, description="days that files of the lake are kept once they were replaced")
    issue_zero: bool = Field(default=False, description="whether invoices of nothing are issued")

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Note on a run which process executes it; see `automation.in_process.end_orphans`."""
        if context.run is not None and context.instance is not None:
            context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: this_process()})

    def pipeline(self) -> Pipeline:
        """What every step works with."""
        seller = Seller(
            first_month=self.first_month,
            grace=timedelta(days=self.grace_days),
            zone=self.time_zone,
            issue_zero=self.issue_zero,
        )
        retention = Retention(timedelta(days=self.landing_days), timedelta(days=self.replaced_days))
        return Pipeline(Home(Path(self.home)), seller, self.memory_limit, retention)
