"""The composition root: settings → resources → Definitions. Dagster loads `defs`; the command line calls the functions.

Nothing of the working folder is read here but its settings: a catalog that is broken shows when it is materialized.
"""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from monetization_pipeline.assets import all_assets
from monetization_pipeline.automation.in_process import InProcess, opened_instance
from monetization_pipeline.automation.jobs import all_jobs
from monetization_pipeline.automation.maintenance import maintenance_job, maintenance_schedule
from monetization_pipeline.automation.notices import notice_sensors
from monetization_pipeline.automation.running import PeriodsRun, ingest_received_days, run_periods, run_publishing
from monetization_pipeline.automation.sensors import all_sensors, ingest_schedule
from monetization_pipeline.automation.standing import Standing, standing
from monetization_pipeline.checks import all_checks
from monetization_pipeline.clock import Clock, utc_now
from monetization_pipeline.datasets import RAW_EVENTS
from monetization_pipeline.partitions import grids_from
from monetization_pipeline.publishing.registry import registered
from monetization_pipeline.resources.account import AccountResource, Told
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.settings import Settings, load_settings, pipeline_of
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.raw_events import IngestReport

if TYPE_CHECKING:
    from monetization_pipeline.closing.publish import PublishedPeriod

# Partitioned checks and backfill policies are used on purpose; every process would warn of them.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


def build_definitions(settings: Settings, clock: Clock = utc_now, told: Told | None = None) -> dg.Definitions:
    """Everything Dagster is to know of one working folder; runs of this process note in `told` what they published."""
    grids, provider = grids_from(settings.first_month), registered(settings.account.provider)
    maintenance = maintenance_job(clock)
    return dg.Definitions(
        assets=_fresh(all_assets(provider, grids, clock), settings.fresh_hours),
        asset_checks=all_checks(provider, grids, clock),
        jobs=[*all_jobs(provider), maintenance],
        schedules=[ingest_schedule(grids, settings.ingest_cron, clock), maintenance_schedule(maintenance)],
        sensors=[
            *all_sensors(grids, clock),
            *notice_sensors(settings.webhook_url, settings.fresh_hours, grids, clock),
        ],
        resources={
            "pipeline": PipelineResource(origin=pipeline_of(settings)),
            "account": AccountResource(account=settings.account, told=told or Told()),
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
    """Ingest what waits in landing of received days, in runs that the working folder's instance records.

    Raises MonetizeError once all that can be ingested is.
    """
    with opened_instance(pipeline.home.dagster) as instance:
        return ingest_received_days(build_definitions(settings), instance, pipeline, days, report)


def materialize_periods(
    settings: Settings, pipeline: Pipeline, months: Sequence[str], now: datetime, report: Callable[[str], None]
) -> PeriodsRun:
    """Make everything of billing periods that is out of date, in runs that the working folder's instance records.

    `report` is told what is being done. Raises MonetizeError; what was made until then stays.
    """
    with opened_instance(pipeline.home.dagster) as instance:
        return run_periods(build_definitions(settings), instance, pipeline, months, now=now, report=report)


def publish_period(
    settings: Settings, pipeline: Pipeline, month: str, config: Mapping[str, object], clock: Clock = utc_now
) -> "PublishedPeriod":
    """Book and issue a billing period's final invoices, in a run that the working folder's instance records.

    `config` is what is said beside `publish: true`. A run that failed by some of the invoices is told of as well; its
    `complete` is false then. Raises MonetizeError where nothing was published.
    """
    told = Told()
    with opened_instance(pipeline.home.dagster) as instance:
        definitions = build_definitions(settings, clock, told)
        asset = registered(settings.account.provider).invoices.name
        return run_publishing(InProcess(definitions, instance), pipeline, asset, month, config=config, told=told)


def standing_of(pipeline: Pipeline, now: datetime) -> Standing:
    """What is out of date, what is at work and what waits for somebody. Raises CatalogError for a broken catalog."""
    with opened_instance(pipeline.home.dagster) as instance:
        return standing(instance, pipeline, grids_from(pipeline.seller.first_month), now)
