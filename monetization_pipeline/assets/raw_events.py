"""Dagster's face of ingest: landing files of a received day."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, dataset_asset, rows_metadata, table
from monetization_pipeline.assets.summaries import ranking
from monetization_pipeline.datasets import CORRECTIONS, ENTITY_CHANGES, LANDING_FILES, RAW_EVENTS, REFUSALS
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.lake.ingest_log import read_log, visible_files
from monetization_pipeline.lake.table import ConcurrentCommitError
from monetization_pipeline.partitions import Grids, received_day
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps import raw_events as step
from monetization_pipeline.steps.counts import count_received
from monetization_pipeline.steps.customers import land_files
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.receive import take_inboxes

GROUP = "ingest"


class IngestError(MonetizeError):
    """Files that could not be taken in; all others were."""


def raw_events_asset(grids: Grids, clock: Callable[[], datetime]) -> dg.AssetsDefinition:
    """`raw_events` by received day; refusals, corrections and entity changes are committed with it.

    Today's takes in what was dropped into inboxes, and what changed in `customers/`.
    """

    @dataset_asset(
        RAW_EVENTS,
        GROUP,
        "duckdb",
        beside=(REFUSALS, CORRECTIONS, ENTITY_CHANGES, LANDING_FILES),
        partitions_def=grids.received_days,
        backfill_policy=dg.BackfillPolicy.multi_run(31),
    )
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
        entering = [partial(take_inboxes, pipeline, now), partial(land_files, pipeline, now)]
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
