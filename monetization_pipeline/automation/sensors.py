"""The schedule and the sensors that make it all run by itself; what they find is decided in `ticks`."""

import hashlib
from collections.abc import Callable, Sequence

import dagster as dg

from monetization_pipeline.automation.in_process import end_orphans
from monetization_pipeline.automation.jobs import BILLING_PERIODS, EVENT_DAYS, RECEIVED_DAYS
from monetization_pipeline.automation.ticks import Found, billing_periods_tick, event_days_tick, ingest_tick
from monetization_pipeline.checks.up_to_date import NAME as UP_TO_DATE
from monetization_pipeline.checks.up_to_date import reasons_by_asset, up_to_date_result
from monetization_pipeline.clock import Clock
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.partitions import ZONE, Grids
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.standing.outlook import Outlook, look
from monetization_pipeline.steps.known import Known

_EVERY_SECONDS = 30


def ingest_schedule(grids: Grids, cron: str, clock: Clock) -> dg.ScheduleDefinition:
    """Takes in what has landed."""

    @dg.schedule(
        name="ingest",
        job_name=RECEIVED_DAYS,
        cron_schedule=cron,
        execution_timezone=ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Takes in what was dropped into inboxes or written in `customers/`, and what landed otherwise.",
    )
    def ingest(context: dg.ScheduleEvaluationContext, pipeline: PipelineResource) -> Found:
        return _found(lambda: ingest_tick(context.instance, pipeline.pipeline(), grids, clock()))

    return ingest


def all_sensors(grids: Grids, clock: Clock) -> Sequence[dg.SensorDefinition]:
    """Event days that are out of date, then billing periods whose days are settled."""

    @dg.sensor(
        name="event_days",
        job_name=EVENT_DAYS,
        minimum_interval_seconds=_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Makes the event days that new files, corrections, or changes of customers or meters touched.",
    )
    def event_days(context: dg.SensorEvaluationContext, pipeline: PipelineResource) -> Found:
        return _found(lambda: event_days_tick(context.instance, pipeline.pipeline(), grids))

    @dg.sensor(
        name="billing_periods",
        job_name=BILLING_PERIODS,
        minimum_interval_seconds=_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Makes draft invoices of the billing periods whose days are settled; of the open one, an estimate. "
        "Reports whether all is up to date.",
    )
    def billing_periods(context: dg.SensorEvaluationContext, pipeline: PipelineResource) -> dg.SensorResult:
        work = pipeline.pipeline()
        end_orphans(context.instance)
        try:
            outlook = look(work, Known.now(work), clock())
        except MonetizeError as error:
            return dg.SensorResult(
                skip_reason=dg.SkipReason(f"nothing can be launched: {error}"), cursor=context.cursor
            )
        found = billing_periods_tick(context.instance, outlook, grids)
        verdicts = _verdicts(outlook)
        said = hashlib.sha256(repr(verdicts).encode()).hexdigest()
        return dg.SensorResult(
            run_requests=[] if isinstance(found, dg.SkipReason) else found,
            skip_reason=found if isinstance(found, dg.SkipReason) else None,
            cursor=said,
            asset_events=verdicts if said != context.cursor else [],
        )

    return [event_days, billing_periods]


def _verdicts(outlook: Outlook) -> list[dg.AssetCheckEvaluation]:
    found: list[dg.AssetCheckEvaluation] = []
    for asset, reasons in reasons_by_asset(outlook).items():
        result = up_to_date_result(reasons)
        found.append(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(asset),
                check_name=UP_TO_DATE,
                passed=result.passed,
                metadata=result.metadata,
                severity=result.severity,
                description=result.description,
            )
        )
    return found


def _found(tick: Callable[[], Found]) -> Found:
    """What a tick finds; what the user can mend (a catalog that is broken, say) is why it launches nothing."""
    try:
        return tick()
    except MonetizeError as error:
        return dg.SkipReason(f"nothing can be launched: {error}")
