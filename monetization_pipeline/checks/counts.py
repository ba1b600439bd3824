"""Whether counts close (rule 6): every record, and every event, is accounted for once."""

from collections.abc import Callable, Sequence

import dagster as dg

from monetization_pipeline.checks.results import keys_of, result_of
from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, RAW_EVENTS, USAGE
from monetization_pipeline.partitions import Grids, event_day, received_day
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.standing.verdicts import (
    event_day_problems,
    metering_problems,
    period_problems,
    received_problems,
)
from monetization_pipeline.steps.pipeline import Pipeline

_Verdict = Callable[[Pipeline, Sequence[str]], list[str]]


def count_checks(grids: Grids) -> Sequence[dg.AssetChecksDefinition]:
    """One check at each place where something could get lost."""
    return [
        _count_check(
            RAW_EVENTS.name,
            grids.received_days,
            "records = raw events + corrections + entity changes + refusals + empty lines",
            lambda pipeline, keys: received_problems(pipeline, {received_day(key) for key in keys}),
        ),
        _count_check(
            EVENTS.name,
            grids.event_days,
            "raw events + replacements = events + duplicates + conflicts + voided",
            lambda pipeline, keys: event_day_problems(pipeline, [event_day(key) for key in keys]),
        ),
        _count_check(
            DAILY_USAGE.name,
            grids.event_days,
            "each event is metered, or lies in one bucket that says why not",
            lambda pipeline, keys: metering_problems(pipeline, [event_day(key) for key in keys]),
        ),
        _count_check(
            USAGE.name,
            grids.billing_periods,
            "the counts of all days of the billing period close",
            lambda pipeline, keys: [problem for key in keys for problem in period_problems(pipeline, key)],
        ),
    ]


def _count_check(
    asset: str, partitions: dg.PartitionsDefinition, description: str, verdict: _Verdict
) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=asset, name="counts_close", description=description, blocking=True, partitions_def=partitions)
    def counts_close(context: dg.AssetCheckExecutionContext, pipeline: PipelineResource) -> dg.AssetCheckResult:
        return result_of(verdict(pipeline.pipeline(), keys_of(context)))

    return counts_close
