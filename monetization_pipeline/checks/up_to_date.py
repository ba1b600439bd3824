"""Whether anything is out of date, and why: all of it, not the partitions of a run alone.

The sensors report the same verdicts whenever they change, so that the UI shows them without anybody running a check.
"""

from collections.abc import Mapping, Sequence

import dagster as dg

from monetization_pipeline.checks.results import result_of
from monetization_pipeline.clock import Clock
from monetization_pipeline.datasets import DAILY_USAGE, INVOICES, RAW_EVENTS
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.standing.out_of_date import Reason
from monetization_pipeline.standing.outlook import Outlook, look
from monetization_pipeline.standing.verdicts import UP_TO_DATE, VERDICTS
from monetization_pipeline.steps.known import Known

NAME = UP_TO_DATE


def up_to_date_checks(clock: Clock) -> Sequence[dg.AssetChecksDefinition]:
    """One for what waits to come in, one for event days, one for billing periods. They never hold anything up."""
    asked = [verdict for verdict in VERDICTS if verdict.name == NAME]
    return [_check(verdict.shown_by, verdict.meaning, clock) for verdict in asked]


def reasons_by_asset(outlook: Outlook) -> Mapping[str, Sequence[Reason]]:
    """What is out of date, by the asset whose check says so."""
    return {
        RAW_EVENTS.name: [*(reason for work in outlook.received for reason in work.reasons), *outlook.merges],
        DAILY_USAGE.name: [reason for work in outlook.days for reason in work.reasons],
        INVOICES.name: [*(reason for work in outlook.months for reason in work.reasons), *outlook.held_up],
    }


def up_to_date_result(reasons: Sequence[Reason]) -> dg.AssetCheckResult:
    """Passed where there are none; else a warning that names them."""
    return result_of([str(reason) for reason in reasons], dg.AssetCheckSeverity.WARN)


def _check(asset: str, meaning: str, clock: Clock) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=asset, name=NAME, description=meaning)
    def up_to_date(pipeline: PipelineResource) -> dg.AssetCheckResult:
        work = pipeline.pipeline()
        try:
            outlook = look(work, Known.now(work), clock())
        except MonetizeError as error:
            # A catalog that is broken must not fail an ingest.
            return result_of([f"nothing can be judged: {error}"], dg.AssetCheckSeverity.WARN)
        return up_to_date_result(reasons_by_asset(outlook)[asset])

    return up_to_date
