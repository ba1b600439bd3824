"""From units of work to requests for runs: each once for each state of its inputs, tried again a few times, never twice
at once.

A run carries its unit's fingerprint as a tag. How often it was tried is read from the runs themselves, so that a
restart forgets nothing; what ended five times and is still out of date waits, until its inputs change.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus

from monetization_pipeline.partitions import DAYS_AT_ONCE, range_tags
from monetization_pipeline.standing.outlook import Work

WORK_TAG = "monetize/work"
REASON_TAG = "monetize/reason"

#: A unit of work that ended so often without being up to date waits for somebody to look at it.
TRIES = 5

_AT_WORK = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
#: Dagster has no public name for it.
_REQUESTED = BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED])
_REASON_LENGTH = 200
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Launch:
    """What to launch now, and what waits because it was tried often enough."""

    requests: tuple[dg.RunRequest, ...]
    waiting: tuple[Work, ...]


def at_work(instance: dg.DagsterInstance, jobs: Collection[str], assets: Collection[str]) -> str | None:
    """What is queued or running that makes any of the assets, in words; None where nothing is."""
    wanted = {dg.AssetKey(name) for name in assets}
    for run in running(instance):
        if run.job_name in jobs or not wanted.isdisjoint(run.asset_selection or ()):
            return f"run {run.run_id} of {run.job_name} is {run.status.value.lower()}"
    for backfill in instance.get_backfills(filters=_REQUESTED):
        if not wanted.isdisjoint(backfill.asset_selection or ()):
            return f"backfill {backfill.backfill_id} is being run"
    return None


def running(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    """Runs that are queued or running."""
    return instance.get_runs(dg.RunsFilter(statuses=list(_AT_WORK)))


def last_try(instance: dg.DagsterInstance, fingerprint: str) -> dg.DagsterRun | None:
    """The newest run of a unit of work that ended, if there is one."""
    ended = dg.RunsFilter(tags={WORK_TAG: fingerprint}, statuses=list(_ENDED))
    return next(iter(instance.get_runs(ended, limit=1)), None)


def tries(instance: dg.DagsterInstance, fingerprint: str) -> int:
    """How many runs of a unit of work have ended."""
    return instance.get_runs_count(dg.RunsFilter(tags={WORK_TAG: fingerprint}, statuses=list(_ENDED)))


def launch_days(instance: dg.DagsterInstance, work: Sequence[Work], assets: Sequence[str]) -> Launch:
    """Runs of consecutive event days, or received days.

    Where a run of several ended in vain, each of its days has one of its own: a day that cannot be made does not hold
    up the others.
    """
    by_day = {date.fromisoformat(unit.partition.removeprefix("r")): unit for unit in work}
    requests: list[dg.RunRequest] = []
    waiting: list[Work] = []
    for days in consecutive(by_day):
        group = [by_day[day] for day in days]
        fingerprint = joined([unit.fingerprint for unit in group])
        if len(group) > 1 and not tries(instance, fingerprint):
            why = [reason.why for unit in group for reason in unit.reasons]
            requests.append(request([unit.partition for unit in group], fingerprint, 0, why, assets))
            continue
        single = launch_each(instance, group, assets)
        requests += single.requests
        waiting += single.waiting
    return Launch(tuple(requests), tuple(waiting))


def launch_each(instance: dg.DagsterInstance, work: Sequence[Work], assets: Sequence[str]) -> Launch:
    """One run for each unit of work."""
    tried = [(unit, tries(instance, unit.fingerprint)) for unit in work]
    return Launch(
        tuple(
            request([unit.partition], unit.fingerprint, count, [reason.why for reason in unit.reasons], assets)
            for unit, count in tried
            if count < TRIES
        ),
        tuple(unit for unit, count in tried if count >= TRIES),
    )


def request(
    keys: Sequence[str], fingerprint: str, tried: int, why: Sequence[str], assets: Sequence[str]
) -> dg.RunRequest:
    """One run for consecutive partition keys, or for what has none.

    The run's key is new for each try, as Dagster remembers keys for ever.
    """
    return dg.RunRequest(
        run_key=" ".join([*keys[:1], *keys[1:][-1:], fingerprint, str(tried)]),
        partition_key=keys[0] if len(keys) == 1 else None,
        tags={WORK_TAG: fingerprint, REASON_TAG: "; ".join(dict.fromkeys(why))[:_REASON_LENGTH], **range_tags(keys)},
        asset_selection=[dg.AssetKey(name) for name in assets],
    )


def joined(fingerprints: Sequence[str]) -> str:
    """The fingerprint of several units that are made in one run."""
    if len(fingerprints) == 1:
        return fingerprints[0]
    return hashlib.sha256(" ".join(fingerprints).encode()).hexdigest()[:32]


def consecutive(days: Iterable[date]) -> Iterator[list[date]]:
    """Days in groups of consecutive ones, at most DAYS_AT_ONCE each."""
    yield from _grouped(days, lambda group, day: day - group[-1] == _ONE_DAY and len(group) < DAYS_AT_ONCE)


def near(days: Iterable[date]) -> Iterator[list[date]]:
    """Days in groups that span at most DAYS_AT_ONCE, with days between them that are not in it."""
    yield from _grouped(days, lambda group, day: (day - group[0]).days < DAYS_AT_ONCE)


def _grouped(days: Iterable[date], joins: Callable[[list[date], date], bool]) -> Iterator[list[date]]:
    group: list[date] = []
    for day in sorted(days):
        if group and not joins(group, day):
            yield group
            group = []
        group.append(day)
    if group:
        yield group
