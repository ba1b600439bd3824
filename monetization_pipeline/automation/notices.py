"""Notices to a webhook: a run failed, something waits for somebody, nothing has been received for too long.

Off unless an address is set. The address may hold a token: it appears in no error and no log.
"""

import json
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.error import URLError

import dagster as dg

from monetization_pipeline.automation.standing import partition_of, standing
from monetization_pipeline.clock import Clock
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.partitions import Grids
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps.pipeline import Pipeline

_TIMEOUT_SECONDS = 10
_EVERY_SECONDS = 120
_SHOWN = 500
_REMEMBERED = 200


class NoticeError(MonetizeError):
    """A notice that did not get through; it is tried again."""


def notice_sensors(address: str, fresh_hours: int, grids: Grids, clock: Clock) -> Sequence[dg.SensorDefinition]:
    """The sensors that post to `address`; none where it is empty. 0 `fresh_hours`: nobody is told of silence."""
    if not address:
        return []

    @dg.run_failure_sensor(
        name="failure_notices",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Posts each failed run to the webhook.",
    )
    def failure_notices(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        said = f"{run.job_name} {partition_of(run)} failed (run {run.run_id}): {context.failure_event.message or ''}"
        post(address, "run_failed", said[:_SHOWN])

    @dg.sensor(
        name="standing_notices",
        minimum_interval_seconds=_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Posts what waits for somebody, and that nothing was received for too long; each once.",
    )
    def standing_notices(context: dg.SensorEvaluationContext, pipeline: PipelineResource) -> dg.SensorResult:
        before: list[str] = json.loads(context.cursor or "[]")
        now = _notices(context.instance, pipeline.pipeline(), grids, fresh_hours, clock())
        for notice in now:
            if notice not in before:
                post(address, "waits", notice)
        for notice in before:
            if notice not in now:
                post(address, "mended", f"no longer so: {notice}")
        return dg.SensorResult(skip_reason=f"{len(now)} notices", cursor=json.dumps(now[:_REMEMBERED]))

    return [failure_notices, standing_notices]


def post(address: str, kind: str, text: str) -> None:
    """One notice as JSON, `{"kind": …, "text": …}`. Raises NoticeError where it was not accepted."""
    body = json.dumps({"kind": kind, "text": f"monetize: {text}"}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method="POST")  # noqa: S310 - settings take http and https alone
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310 - the same
            return
    except (URLError, OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else type(error).__name__
        raise NoticeError(f"the webhook (MONETIZATION_WEBHOOK_URL) did not take a notice: {reason}") from None


def _notices(
    instance: dg.DagsterInstance, pipeline: Pipeline, grids: Grids, fresh_hours: int, now: datetime
) -> list[str]:
    found: list[str] = []
    try:
        rows = standing(instance, pipeline, grids, now).out_of_date
    except MonetizeError as error:
        return [f"nothing can be judged: {str(error)[:_SHOWN]}"]
    found += [f"{row.dataset} {row.partition}: {row.why}; {row.waits}" for row in rows if row.needs_somebody]
    receipts = read_log(pipeline.lake).receipts
    if fresh_hours and receipts is not None and now.astimezone(UTC) - receipts[1] > timedelta(hours=fresh_hours):
        found.append(f"nothing was received since {receipts[1]:%Y-%m-%d %H:%M} UTC, for more than {fresh_hours} hours")
    return sorted(found)
