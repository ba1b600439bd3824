"""The composition root: settings → resources → Definitions. Dagster loads `defs`; the command line calls the functions.

Nothing of the working folder is read here but its settings: a catalog that is broken shows when it is materialized.
"""

import os
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from monetization_pipeline.assets import all_assets
from monetization_pipeline.automation.in_process import opened_instance
from monetization_pipeline.automation.jobs import all_jobs
from monetization_pipeline.automation.maintenance import maintenance_job, maintenance_schedule
from monetization_pipeline.automation.publishing import publish_recorded
from monetization_pipeline.automation.running import PeriodRun, ingest_received_days, run_period
from monetization_pipeline.checks import all_checks
from monetization_pipeline.partitions import grids_from
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.resources.stripe import Secret, StripeResource
from monetization_pipeline.settings import Settings, load_settings
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.raw_events import IngestReport

if TYPE_CHECKING:
    from monetization_pipeline.steps.publish import PublishedPeriod

# Partitioned checks and backfill policies are used on purpose; every process would warn of them.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


def build_definitions(settings: Settings) -> dg.Definitions:
    """Everything Dagster is to know of one working folder."""
    grids = grids_from(settings.first_month)
    maintenance = maintenance_job(lambda: datetime.now(UTC))
    return dg.Definitions(
        assets=all_assets(grids),
        asset_checks=all_checks(grids),
        jobs=[*all_jobs(), maintenance],
        schedules=[maintenance_schedule(maintenance)],
        resources={
            "pipeline": PipelineResource(
                home=str(settings.home),
                first_month=settings.first_month,
                grace_days=settings.grace.days,
                memory_limit=settings.memory_limit,
                landing_days=settings.keep_landing.days,
                replaced_days=settings.keep_replaced.days,
                issue_zero=settings.stripe_issue_zero,
            ),
            "stripe": _stripe(settings),
        },
        # Every step of a run shares one process: to import Dagster anew for each costs more than most steps take.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads: the working folder that the environment names, or the current one."""
    return build_definitions(load_settings(os.environ, Path.cwd()))


def ingest_days(
    settings: Settings, pipeline: Pipeline, days: Sequence[date], report: Callable[[str], None]
) -> IngestReport:
    """See `ingest_received_days`; the runs are recorded in the working folder's instance."""
    with opened_instance(pipeline.home.dagster) as instance:
        return ingest_received_days(build_definitions(settings), instance, pipeline, days, report)


def materialize_period(
    settings: Settings, pipeline: Pipeline, month: str, now: datetime, report: Callable[[str], None]
) -> PeriodRun:
    """See `run_period`; the runs are recorded in the working folder's instance."""
    with opened_instance(pipeline.home.dagster) as instance:
        return run_period(build_definitions(settings), instance, pipeline, month, now=now, report=report)


def publish_invoices(settings: Settings, pipeline: Pipeline, month: str, now: datetime) -> "PublishedPeriod":
    """See `publish_recorded`; the materialization is recorded in the working folder's instance."""
    with opened_instance(pipeline.home.dagster) as instance:
        return publish_recorded(instance, pipeline, _stripe(settings), month, now)


def _stripe(settings: Settings) -> StripeResource:
    return StripeResource(
        mode=settings.stripe_mode, api_base=settings.stripe_api_base, api_key=Secret(settings.stripe_api_key)
    )
