"""All that is out of date, over all of history, as units of work: what schedules and sensors launch, and people see.

A unit's fingerprint changes with what the partition would be made from and with each commit of it, so that whoever
launches it once for each fingerprint neither repeats nor forgets anything.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from monetization_pipeline.datasets import RAW_EVENTS, USAGE, WHOLE
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.landing import customer_files
from monetization_pipeline.landing.receiving import inbox_files
from monetization_pipeline.standing.interest import months_of_interest
from monetization_pipeline.standing.out_of_date import (
    Judged,
    Reason,
    changed_files,
    event_days,
    out_of_date,
    reasons_on,
    received_days,
)
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.road import Grid, rows_on

DAYS_FIRST = "its event days are made first"


@dataclass(frozen=True, slots=True)
class Work:
    """One partition that is out of date (`partition` as people see it), and why."""

    partition: str
    reasons: tuple[Reason, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """Everything that is out of date. `held_up` are billing periods whose days have to be made first."""

    received: tuple[Work, ...]
    merges: tuple[Reason, ...]
    days: tuple[Work, ...]
    months: tuple[Work, ...]
    held_up: tuple[Reason, ...]


def look(pipeline: Pipeline, known: Known, now: datetime) -> Outlook:
    """Everything that is out of date now, from inboxes to invoices."""
    months = months_of_interest(pipeline, known, now)
    days = stale_days(pipeline, known)
    unsettled = {work.partition for work in days}
    settled = [month for month in months if unsettled.isdisjoint(event_days(known, month))]
    return Outlook(
        tuple(received_work(pipeline, known, now)),
        tuple(merges(pipeline, known)),
        tuple(days),
        tuple(_works(pipeline, Grid.BILLING_PERIODS, out_of_date(pipeline, known, Grid.BILLING_PERIODS, settled))),
        tuple(Reason(USAGE.name, month, DAYS_FIRST) for month in months if month not in settled),
    )


def received_work(pipeline: Pipeline, known: Known, now: datetime) -> list[Work]:
    """Received days with files that wait in landing; today with what waits in inboxes and in `customers/` as well."""
    today = now.astimezone(UTC).date().isoformat()
    entering = _entering(pipeline)
    judged = out_of_date(pipeline, known, Grid.RECEIVED_DAYS, received_days(pipeline))
    found: list[Work] = []
    for day in sorted({*judged.stale, today} if entering else judged.stale):
        new = entering if day == today else []
        reasons = [*(reason for reason, _ in new), *judged.stale.get(day, ())]
        files = [dict(state[day].inputs) for state in judged.expected.values() if day in state]
        content = [[str(reason), digest] for reason, digest in new]
        found.append(Work(Grid.RECEIVED_DAYS.shown(day), tuple(reasons), _digest([content, files])))
    return found


def merges(pipeline: Pipeline, known: Known) -> list[Reason]:
    """Which of companies, users and subscriptions have to be merged."""
    return reasons_on(pipeline, known, Grid.WHOLE, [WHOLE])


def merge_fingerprint(pipeline: Pipeline, known: Known) -> str:
    """What companies, users and subscriptions would be merged from now, and how often they were."""
    return _fingerprints(pipeline, Grid.WHOLE, out_of_date(pipeline, known, Grid.WHOLE, [WHOLE]), [WHOLE])[WHOLE]


def stale_days(pipeline: Pipeline, known: Known) -> list[Work]:
    """Event days that are out of date, in order, of all that ever had an event."""
    days = [day.isoformat() for day in sorted(read_log(pipeline.lake).days)]
    return _works(pipeline, Grid.EVENT_DAYS, out_of_date(pipeline, known, Grid.EVENT_DAYS, days))


def _entering(pipeline: Pipeline) -> list[tuple[Reason, str]]:
    """What is on its way into landing, each with what tells its content from another."""
    dropped = inbox_files(pipeline.landing, pipeline.home.sources)
    names = [str(path.relative_to(pipeline.landing.root)) for path in dropped]
    written = changed_files(pipeline)
    return [
        *((Reason(RAW_EVENTS.name, "inbox", f"{name} waits"), name) for name in names),
        *((each, customer_files.written_digest(pipeline.home.customers, each.partition)) for each in written),
    ]


def _works(pipeline: Pipeline, grid: Grid, judged: Judged) -> list[Work]:
    """A unit for each partition: all of its datasets are made in one run, and the first of them says why."""
    fingerprints = _fingerprints(pipeline, grid, judged, judged.partitions)
    return [
        Work(grid.shown(partition), tuple(reasons[:1]), fingerprints[partition])
        for partition, reasons in judged.stale.items()
    ]


def _fingerprints(pipeline: Pipeline, grid: Grid, judged: Judged, partitions: Sequence[str]) -> Mapping[str, str]:
    """Of what partitions would be made from now, and of how often they were made."""
    claims = [pipeline.lake.table(spec).claim(partitions).versions for row in rows_on(grid) for spec in row.stated]
    return {
        partition: _digest(
            [
                [_made_from(states[partition]) for states in judged.expected.values() if partition in states],
                [versions[partition] for versions in claims],
            ]
        )
        for partition in partitions
    }


def _made_from(state: PartitionState) -> list[object]:
    return [dict(state.inputs), dict(state.digests), state.code_version]


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
