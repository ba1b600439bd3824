"""Dagster's face of ingest: landing files of a received day."""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, dataset_asset, rows_metadata, table
from monetization_pipeline.assets.summaries import ranking
from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ingest.sources import SourceError
from monetization_pipeline.lake.ingest_log import IngestedFile, read_log, visible_files
from monetization_pipeline.partitions import Grids, received_day
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps import raw_events as step
from monetization_pipeline.steps.counts import count_received
from monetization_pipeline.steps.pipeline import Pipeline

GROUP = "ingest"


def raw_events_asset(grids: Grids) -> dg.AssetsDefinition:
    """`raw_events` by received day; refusals, corrections and entity changes are committed with it."""

    @dataset_asset(
        RAW_EVENTS,
        GROUP,
        "duckdb",
        partitions_def=grids.received_days,
        backfill_policy=dg.BackfillPolicy.multi_run(31),
    )
    def raw_events(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult:
        work = pipeline.pipeline()
        days = {key: received_day(key) for key in context.partition_keys}
        known = read_log(work.lake).identities
        run_step(lambda: _ingest(work, list(days.values())))
        for key, metadata in _report(work, days, known).items():
            context.add_asset_metadata(metadata, partition_key=key)
        return dg.MaterializeResult()

    return raw_events


def _ingest(pipeline: Pipeline, days: Sequence[date]) -> None:
    problems: list[MonetizeError] = []
    for day in days:
        try:
            step.ingest(pipeline, day)
        except SourceError as error:
            # Files of the other days are not held up by an undeclared source.
            problems.append(error)
    if problems:
        raise SourceError("\n".join(dict.fromkeys(str(problem) for problem in problems)))


def _report(pipeline: Pipeline, days: dict[str, date], known: frozenset[tuple[str, str]]) -> dict[str, Metadata]:
    log = read_log(pipeline.lake)
    files: dict[date, list[IngestedFile]] = {day: [] for day in days.values()}
    for file in log.files:
        if file.received_on in files:
            files[file.received_on].append(file)
    batches = {file.batch_id for day in files.values() for file in day if file.refusals}
    refused = visible_files(pipeline.lake, REFUSALS, batches) if batches else []
    reasons = ranking(pipeline, REFUSALS, refused, ["source", "reason"], "count(*)")
    return {
        key: {
            **rows_metadata(sum(file.raw_events for file in files[day])),
            "files": len(files[day]),
            "files of this run": sum((file.source, file.sha256) not in known for file in files[day]),
            **count_received(files[day]),
            "refusals by reason": table(("source", "reason", "records"), reasons.get(day.isoformat(), ())),
        }
        for key, day in days.items()
    }
