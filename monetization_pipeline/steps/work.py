"""All that is out of date, over all of history, as units of work: what schedules and sensors launch, and people see.

A unit's fingerprint changes with what the partition would be made from and with each commit of it, so that whoever
launches it once for each fingerprint neither repeats nor forgets anything.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, INVOICES, RATED_LINES, USAGE, DatasetSpec
from monetization_pipeline.lake.ingest_log import IngestLog, read_log
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.periods import MICROSECOND, billing_month, month_key, months_between
from monetization_pipeline.steps import customers, daily_usage, events, invoices, plan, rated_lines, raw_events, usage
from monetization_pipeline.steps.attribution import Attribution
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.plan import Reason
from monetization_pipeline.steps.receive import inbox_files
from monetization_pipeline.steps.zones import zones_in_use


@dataclass(frozen=True, slots=True)
class Work:
    """One partition that is out of date (`partition` as it is named in its dataset), and why."""

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

    @property
    def is_clear(self) -> bool:
        """Whether all is up to date."""
        return not (self.received or self.merges or self.days or self.months)


def look(pipeline: Pipeline, catalog: Catalog, now: datetime) -> Outlook:
    """Everything that is out of date now, from inboxes to invoices."""
    log, known = read_log(pipeline.lake), Attribution.read(pipeline, catalog)
    months = months_of_interest(pipeline, log, now)
    days = stale_days(pipeline, known, log)
    unsettled = {date.fromisoformat(work.partition) for work in days}
    held_up = [month for month in months if not unsettled.isdisjoint(known.event_days(month))]
    return Outlook(
        tuple(received_work(pipeline, now)),
        tuple(Reason(name, "all", plan.CHANGES_WAIT) for name in plan.stale_customers(pipeline)),
        tuple(days),
        tuple(stale_months(pipeline, known, months, unsettled)),
        tuple(Reason(USAGE.name, month, plan.DAYS_FIRST) for month in held_up),
    )


def received_work(pipeline: Pipeline, now: datetime) -> list[Work]:
    """Received days with files that wait in landing; today with what waits in inboxes and in `customers/` as well."""
    seen: defaultdict[date, list[list[str]]] = defaultdict(list)
    reasons: defaultdict[date, list[Reason]] = defaultdict(list)
    today = now.astimezone(UTC).date()
    for path in inbox_files(pipeline):
        seen[today].append(["inbox", str(path)])
        shown = path.relative_to(pipeline.landing.root)
        reasons[today].append(Reason("raw_events", "inbox", f"{shown} waits"))
    for name in customers.changed_files(pipeline):
        seen[today].append([name, customers.written_digest(pipeline, name)])
        reasons[today].append(Reason("customers/", name, plan.FILE_CHANGED))
    for file in raw_events.waiting(pipeline, read_log(pipeline.lake)):
        seen[file.received_on].append([file.source, file.sha256])
        reason = Reason("raw_events", f"r{file.received_on}", plan.FILES_WAIT)
        if reason not in reasons[file.received_on][-1:]:
            reasons[file.received_on].append(reason)
    return [Work(f"r{day}", tuple(reasons[day]), _digest(seen[day])) for day in sorted(seen)]


def merge_fingerprint(pipeline: Pipeline) -> str:
    """What companies, users and subscriptions would be merged from now, and how often they were."""
    commits = [pipeline.lake.table(spec).claim().versions for spec in customers.SPECS]
    return _digest([_made_from(customers.expected_state(read_log(pipeline.lake))), *map(dict, commits)])


def stale_days(pipeline: Pipeline, known: Attribution, log: IngestLog) -> list[Work]:
    """Event days whose `events` or `daily_usage` are out of date, in order."""
    days = sorted(log.days)
    metered = daily_usage.expected_states(pipeline, known, days)
    found: list[tuple[date, list[Reason]]] = []
    for day in days:
        reasons: list[Reason] = []
        if not events.is_current(pipeline, log, day):
            reasons.append(Reason(EVENTS.name, str(day), plan.EVENTS_CHANGED))
        elif not daily_usage.is_current(pipeline, log, day, metered[day]):
            reasons.append(Reason(DAILY_USAGE.name, str(day), plan.METERING_CHANGED))
        if reasons:
            found.append((day, reasons))
    commits = _commits(pipeline, (EVENTS, DAILY_USAGE), [str(day) for day, _ in found])
    return [
        Work(
            str(day),
            tuple(reasons),
            _digest([*map(_made_from, (events.expected_state(log, day), metered[day])), commits[str(day)]]),
        )
        for day, reasons in found
    ]


def stale_months(
    pipeline: Pipeline, known: Attribution, months: Sequence[str], unsettled: AbstractSet[date]
) -> list[Work]:
    """Billing periods that are out of date and whose event days are all settled, in order."""
    found: list[Work] = []
    for month in months:
        if not unsettled.isdisjoint(known.event_days(month)):
            continue
        stale = plan.stale_datasets(pipeline, known, month)
        if stale:
            why = plan.PERIOD_NEW if pipeline.lake.table(USAGE).state(month) is None else plan.PERIOD_CHANGED
            expected = (
                usage.expected_state(pipeline, known, month),
                rated_lines.expected_state(pipeline, known, month),
                invoices.expected_state(pipeline, month),
            )
            commits = _commits(pipeline, (USAGE, RATED_LINES, INVOICES), [month])
            found.append(
                Work(month, (Reason(stale[0], month, why),), _digest([*map(_made_from, expected), commits[month]]))
            )
    return found


def months_of_interest(pipeline: Pipeline, log: IngestLog, now: datetime) -> list[str]:
    """Billing periods from the first that anything was received for, up to the open one, within the grid."""
    if log.receipts is None:
        return []
    start = datetime.combine(min([*log.days, log.receipts[0].date()]), time.min, UTC)
    months = (billing_month(start + MICROSECOND, zone) for zone in zones_in_use(pipeline))
    first = max(min(months), pipeline.seller.first_month)
    return months_between(first, month_key(now.astimezone(UTC).date()))


def _commits(pipeline: Pipeline, specs: Iterable[DatasetSpec], partitions: Sequence[str]) -> Mapping[str, list[int]]:
    claims = [pipeline.lake.table(spec).claim(partitions).versions for spec in specs]
    return {partition: [versions[partition] for versions in claims] for partition in partitions}


def _made_from(state: PartitionState) -> list[object]:
    return [dict(state.inputs), dict(state.digests), state.code_version]


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
