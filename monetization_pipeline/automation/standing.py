"""Where everything stands: what is out of date and why, what is at work, and what waits for somebody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from monetization_pipeline.automation.held import held_warnings
from monetization_pipeline.automation.in_process import end_orphans
from monetization_pipeline.automation.launching import TRIES, last_try, running, tries
from monetization_pipeline.landing.receiving import undeclared_inboxes
from monetization_pipeline.partitions import RANGE_END_TAG, RANGE_START_TAG, Grids
from monetization_pipeline.standing.interest import months_of_interest
from monetization_pipeline.standing.lasting import lasting_warnings
from monetization_pipeline.standing.outlook import Work, look
from monetization_pipeline.standing.verdicts import problems_of_parts
from monetization_pipeline.standing.warned import Warned
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

_PARTITION_TAG = "dagster/partition"
_TO_COME = "its day has not come yet"
_TRIED = f"tried {TRIES} times: look at the last run, mend what it says, and run it"
_NEVER = "received on a day that cannot be ingested: `monetize landing` names the ways out"
_SENSOR_DAEMON, _SCHEDULER_DAEMON = "SENSOR", "SCHEDULER"


@dataclass(frozen=True, slots=True)
class OutOfDate:
    """One partition that is out of date. `tried` counts the runs that ended without mending it; `last_run` is the
    newest of them. `waits` says what it waits for, empty where it is launched by itself."""

    dataset: str
    partition: str
    why: str
    tried: int = 0
    waits: str = ""
    last_run: str | None = None

    @property
    def needs_somebody(self) -> bool:
        """Whether it stays out of date until somebody does something."""
        return self.waits not in ("", _TO_COME)


@dataclass(frozen=True, slots=True)
class Standing:
    """`automation` says in words whether anything is launched by itself; `at_work` names queued and running runs.

    `warnings` is what is amiss and lasts until somebody mends it: with customers, with billing periods that are held,
    with invoices that are set aside, and with values that meters cannot use.
    """

    automation: str
    at_work: tuple[str, ...]
    out_of_date: tuple[OutOfDate, ...]
    warnings: tuple[Warned, ...] = ()


def standing(instance: dg.DagsterInstance, pipeline: Pipeline, grids: Grids, now: datetime) -> Standing:
    """Where everything stands now. Raises CatalogError where the catalog is broken: then nothing can be judged."""
    end_orphans(instance)
    known = Known.now(pipeline)
    outlook = look(pipeline, known, now)
    rows = [
        *(row for work in outlook.received for row in _rows(instance, work, _never(grids, work))),
        *(OutOfDate(reason.dataset, reason.partition, reason.why) for reason in outlook.merges),
        *(row for work in outlook.days for row in _rows(instance, work, _to_come(grids, work))),
        *(row for work in outlook.months for row in _rows(instance, work)),
        *(OutOfDate(reason.dataset, reason.partition, reason.why) for reason in outlook.held_up),
        *(
            OutOfDate(
                "raw_events", "inbox", f"{path}: the source is not declared", waits=f"write sources/{source}.yaml"
            )
            for path in undeclared_inboxes(pipeline.landing, pipeline.home.sources)
            for source in [path.parent.name]
        ),
    ]
    warnings = (
        *lasting_warnings(pipeline, known),
        *held_warnings(pipeline, known),
        *_warnings_of_parts(pipeline, known, months_of_interest(pipeline, known, now)),
    )
    return Standing(_automation(instance, now), tuple(map(_described, running(instance))), tuple(rows), warnings)


def _warnings_of_parts(pipeline: Pipeline, known: Known, months: Sequence[str]) -> Iterator[Warned]:
    for problem in problems_of_parts(pipeline, known, months):
        month, _, why = problem.partition(": ")
        yield Warned(month, why)


def _rows(instance: dg.DagsterInstance, work: Work, held_by: str = "") -> Iterator[OutOfDate]:
    tried, last = tries(instance, work.fingerprint), last_try(instance, work.fingerprint)
    waits = held_by or (_TRIED if tried >= TRIES else "")
    for reason in work.reasons:
        yield OutOfDate(reason.dataset, reason.partition, reason.why, tried, waits, last.run_id if last else None)


def _never(grids: Grids, work: Work) -> str:
    return "" if grids.received_days.has_partition_key(work.partition) else _NEVER


def _to_come(grids: Grids, work: Work) -> str:
    return "" if grids.event_days.has_partition_key(work.partition) else _TO_COME


def partition_of(run: dg.DagsterRun) -> str:
    """The partition that a run makes, or the first and the last; empty where it has none."""
    span = [run.tags[tag] for tag in (RANGE_START_TAG, RANGE_END_TAG) if tag in run.tags]
    return "..".join(span) or run.tags.get(_PARTITION_TAG, "")


def _described(run: dg.DagsterRun) -> str:
    return f"{run.job_name} {partition_of(run)}: {run.status.value.lower()} (run {run.run_id})"


def _automation(instance: dg.DagsterInstance, now: datetime) -> str:
    statuses = instance.get_daemon_statuses([_SCHEDULER_DAEMON, _SENSOR_DAEMON])
    beats = [status.last_heartbeat for status in statuses.values() if status.last_heartbeat is not None]
    if len(beats) < len(statuses):
        return "no daemon was ever seen: nothing is launched by itself (`monetize dev` starts one)"
    seen = min(datetime.fromtimestamp(beat.timestamp, UTC) for beat in beats)
    if not all(status.healthy for status in statuses.values()):
        return f"the daemon was last seen at {seen:%Y-%m-%d %H:%M:%S} UTC: nothing is launched by itself"
    return f"the daemon is at work, last seen {max(0, round((now - seen).total_seconds()))} s ago"
