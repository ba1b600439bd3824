"""Dagster's face of ingest: landing files of a received day."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, rows_metadata, table
from monetization_pipeline.assets.on_the_road import road_asset
from monetization_pipeline.assets.summaries import ranking
from monetization_pipeline.clock import Clock
from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.table import ConcurrentCommitError
from monetization_pipeline.lake.visible import visible_files
from monetization_pipeline.landing.customer_files import land_files
from monetization_pipeline.landing.receiving import take_inboxes
from monetization_pipeline.partitions import Grids, received_day
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.standing.counts import count_received
from monetization_pipeline.steps import raw_events as step
from monetization_pipeline.steps.pipeline import Pipeline

GROUP = "ingest"


class IngestError(MonetizeError):
    """Files that could not be taken in; all others were."""


def raw_events_asset(grids: Grids, clock: Clock) -> dg.AssetsDefinition:
    """`raw_events` by received day; refusals, corrections and entity changes are committed with it.

    Today's takes in what was dropped into inboxes, and what changed in `customers/`.
    """

    @road_asset(RAW_EVENTS, GROUP, "duckdb", grids)
    def raw_events(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work = pipeline.pipeline()
        days = {key: received_day(key) for key in context.partition_keys}
        known = read_log(work.lake).identities
        run_step(lambda: _ingest(work, list(days.values()), clock()))
        for key, metadata in _report(work, days, known).items():
            context.add_asset_metadata(metadata, partition_key=key)
        return dg.MaterializeResult()

    return raw_events


def _ingest(pipeline: Pipeline, days: Sequence[date], now: datetime) -> None:
    """What can be ingested is; then MonetizeError is raised with all that could not."""
    problems: list[MonetizeError] = []
    entering: list[Callable[[], object]] = []
    if now.astimezone(UTC).date() in days:
        entering = [
            partial(take_inboxes, pipeline.landing, pipeline.home.sources, now),
            partial(land_files, pipeline.landing, pipeline.home.customers, now),
        ]
    for work in (*entering, *(partial(step.ingest, pipeline, day) for day in days)):
        try:
            work()
        except ConcurrentCommitError:
            raise
        except MonetizeError as error:
            # An undeclared source, or a file of customers that cannot be read, does not hold up the others.
            problems.append(error)
    if problems:
        raise IngestError("\n".join(dict.fromkeys(str(problem) for problem in problems)))


def _report(pipeline: Pipeline, days: dict[str, date], known: frozenset[tuple[str, str]]) -> dict[str, Metadata]:
    log = read_log(pipeline.lake)
    files = {day: log.received_on([day]) for day in days.values()}
    batches = log.received_on(files).bringing("refusals").batches
    refused = visible_files(pipeline.lake, REFUSALS, batches)
    reasons = ranking(pipeline, REFUSALS, refused, ["source", "reason"], "count(*)")
    return {
        key: {
            **rows_metadata(files[day].total("raw_events")),
            "files": len(files[day]),
            "files of this run": len(files[day].beyond(known)),
            **count_received(files[day]),
            "refusals by reason": table(("source", "reason", "records"), reasons.get(day.isoformat(), ())),
        }
        for key, day in days.items()
    }
