"""The composition root: settings → resources → Definitions. Dagster loads `defs`; the command line calls the functions.

Nothing of the working folder is read here but its settings: a catalog that is broken shows when it is materialized.
"""

import os
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from monetization_pipeline.assets import all_assets
from monetization_pipeline.automation.in_process import opened_instance
from monetization_pipeline.automation.jobs import all_jobs
from monetization_pipeline.automation.maintenance import maintenance_job, maintenance_schedule
from monetization_pipeline.automation.notices import notice_sensors
from monetization_pipeline.automation.publishing import publish_recorded
from monetization_pipeline.automation.running import PeriodsRun, ingest_received_days, run_periods
from monetization_pipeline.automation.sensors import all_sensors, ingest_schedule
from monetization_pipeline.automation.standing import Standing, standing
from monetization_pipeline.checks import all_checks
from monetization_pipeline.datasets import RAW_EVENTS
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


def utc_now() -> datetime:
    """The clock at the edge."""
    return datetime.now(UTC)


def build_definitions(settings: Settings, clock: Callable[[], datetime] = utc_now) -> dg.Definitions:
    """Everything Dagster is to know of one working folder."""
    grids = grids_from(settings.first_month)
    maintenance = maintenance_job(clock)
    return dg.Definitions(
        assets=_fresh(all_assets(grids, clock), settings.fresh_hours),
        asset_checks=all_checks(grids, clock),
        jobs=[*all_jobs(), maintenance],
        schedules=[ingest_schedule(grids, settings.ingest_cron, clock), maintenance_schedule(maintenance)],
        sensors=[
            *all_sensors(grids, clock),
            *notice_sensors(settings.webhook_url, settings.fresh_hours, grids, clock),
        ],
        resources={
            "pipeline": PipelineResource(
                home=str(settings.home),
                first_month=settings.first_month,
                grace_days=settings.grace.days,
                time_zone=settings.time_zone,
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


def _fresh(assets: Sequence[dg.AssetsDefinition], hours: int) -> Sequence[dg.AssetsDefinition]:
    """Dagster shows where nothing came in for so many hours; 0 turns that off."""
    if not hours:
        return assets
    policy = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=hours))
    key = dg.AssetKey(RAW_EVENTS.name)
    return dg.map_asset_specs(
        lambda spec: spec.replace_attributes(freshness_policy=policy) if spec.key == key else spec, assets
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


def materialize_periods(
    settings: Settings, pipeline: Pipeline, months: Sequence[str], now: datetime, report: Callable[[str], None]
) -> PeriodsRun:
    """See `run_periods`; the runs are recorded in the working folder's instance."""
    with opened_instance(pipeline.home.dagster) as instance:
        return run_periods(build_definitions(settings), instance, pipeline, months, now=now, report=report)


def standing_of(pipeline: Pipeline, now: datetime) -> Standing:
    """See `automation.standing`."""
    with opened_instance(pipeline.home.dagster) as instance:
        return standing(instance, pipeline, grids_from(pipeline.seller.first_month), now)


def publish_invoices(settings: Settings, pipeline: Pipeline, month: str, now: datetime) -> "PublishedPeriod":
    """See `publish_recorded`; the materialization is recorded in the working folder's instance."""
    with opened_instance(pipeline.home.dagster) as instance:
        return publish_recorded(instance, pipeline, _stripe(settings), month, now)


def _stripe(settings: Settings) -> StripeResource:
    return StripeResource(
        mode=settings.stripe_mode, api_base=settings.stripe_api_base, api_key=Secret(settings.stripe_api_key)
    )
