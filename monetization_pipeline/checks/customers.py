"""Whether anything is amiss with the customers as they are now: a warning that lasts until somebody mends it."""

from collections.abc import Sequence

import dagster as dg

from monetization_pipeline.checks.results import result_of
from monetization_pipeline.datasets import SUBSCRIPTIONS
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.standing.lasting import lasting_warnings
from monetization_pipeline.steps.known import Known

_MEANING = "No record of customers/ was refused; every subscription has a plan, a start and a company that is meant."


def customer_checks() -> Sequence[dg.AssetChecksDefinition]:
    """The one check, of `subscriptions`. It never holds anything up."""

    @dg.asset_check(asset=SUBSCRIPTIONS.name, name="customers", description=_MEANING)
    def customers(pipeline: PipelineResource) -> dg.AssetCheckResult:
        work = pipeline.pipeline()
        try:
            found = lasting_warnings(work, Known.now(work))
        except MonetizeError as error:
            return result_of([f"nothing can be judged: {error}"], dg.AssetCheckSeverity.WARN)
        return result_of([str(each) for each in found], dg.AssetCheckSeverity.WARN)

    return [customers]
