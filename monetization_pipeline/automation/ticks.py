"""What a tick of the schedule and of each sensor finds, and launches or leaves. The clock comes in as an argument."""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg

from monetization_pipeline.automation.in_process import end_orphans
from monetization_pipeline.automation.jobs import (
    BILLED,
    BILLING_PERIODS,
    CUSTOMERS,
    CUSTOMERS_AND_CATALOG,
    EVENT_DAYS,
    METERED,
    RECEIVED_DAYS,
)
from monetization_pipeline.automation.launching import (
    TRIES,
    Launch,
    at_work,
    joined,
    launch_days,
    launch_each,
    request,
    tries,
)
from monetization_pipeline.automation.shown_catalog import changed_catalog
from monetization_pipeline.catalog.validation import CatalogError
from monetization_pipeline.datasets import RAW_EVENTS
from monetization_pipeline.partitions import Grids
from monetization_pipeline.standing.outlook import Outlook, merge_fingerprint, merges, received_work, stale_days
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

Found = list[dg.RunRequest] | dg.SkipReason

UP_TO_DATE = dg.SkipReason("everything is up to date")


def ingest_tick(instance: dg.DagsterInstance, pipeline: Pipeline, grids: Grids, now: datetime) -> Found:
    """Runs for what waits to be taken in, merged, or shown."""
    end_orphans(instance)
    if busy := at_work(instance, [RECEIVED_DAYS, CUSTOMERS_AND_CATALOG], [RAW_EVENTS.name, *CUSTOMERS]):
        return dg.SkipReason(busy)
    known = Known.now(pipeline)
    days = [
        work for work in received_work(pipeline, known, now) if grids.received_days.has_partition_key(work.partition)
    ]
    launch = launch_days(instance, days, [RAW_EVENTS.name, *CUSTOMERS])
    requests = list(launch.requests)
    # What is in the lake already is merged also where a file that cannot be ingested keeps failing.
    unmerged = [reason.dataset for reason in merges(pipeline, known)]
    if not requests and (unmerged := [*unmerged, *_changed_catalog(instance, known)]):
        fingerprint = joined([merge_fingerprint(pipeline, known), *unmerged])
        tried = tries(instance, fingerprint)
        if tried < TRIES:
            requests.append(request([], fingerprint, tried, ["changes of customers or catalog wait"], unmerged))
    if requests:
        return requests
    return _launched(launch)


def _changed_catalog(instance: dg.DagsterInstance, known: Known) -> Sequence[str]:
    try:
        return changed_catalog(instance, known.catalog)
    except CatalogError:
        return []


def event_days_tick(instance: dg.DagsterInstance, pipeline: Pipeline, grids: Grids) -> Found:
    """Runs for the event days that are out of date, once nothing is being ingested or metered."""
    end_orphans(instance)
    if busy := at_work(
        instance, [RECEIVED_DAYS, CUSTOMERS_AND_CATALOG, EVENT_DAYS], [RAW_EVENTS.name, *CUSTOMERS, *METERED]
    ):
        return dg.SkipReason(busy)
    known = Known.now(pipeline)
    if stale := merges(pipeline, known):
        return dg.SkipReason(f"changes of {', '.join(reason.dataset for reason in stale)} are merged first")
    days = [work for work in stale_days(pipeline, known) if grids.event_days.has_partition_key(work.partition)]
    return _launched(launch_days(instance, days, METERED))


def billing_periods_tick(instance: dg.DagsterInstance, outlook: Outlook, grids: Grids) -> Found:
    """Runs for the billing periods that are out of date and whose days are settled."""
    if busy := at_work(instance, [EVENT_DAYS, BILLING_PERIODS], [*METERED, *BILLED]):
        return dg.SkipReason(busy)
    if outlook.merges:
        return dg.SkipReason("changes of customers are merged first")
    months = [work for work in outlook.months if grids.billing_periods.has_partition_key(work.partition)]
    return _launched(launch_each(instance, months, BILLED))


def _launched(launch: Launch) -> Found:
    if launch.requests:
        return list(launch.requests)
    return _waits([str(reason) for work in launch.waiting for reason in work.reasons]) if launch.waiting else UP_TO_DATE


def _waits(reasons: Sequence[str]) -> dg.SkipReason:
    shown = "; ".join(reasons[:5]) + ("; …" if len(reasons) > 5 else "")
    return dg.SkipReason(f"tried {TRIES} times, and waits until it changes (see `monetize status`): {shown}")
