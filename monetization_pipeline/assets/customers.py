"""Dagster's face of companies, users and subscriptions."""

from collections.abc import Sequence

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, dataset_asset, table
from monetization_pipeline.assets.summaries import LIMIT
from monetization_pipeline.datasets import COMPANIES, RAW_EVENTS, SUBSCRIPTIONS, USERS, DatasetSpec
from monetization_pipeline.lake.ingest_log import read_log
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.partitions import ANY_RECEIVED_DAY
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps import customers as step
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.tables import read_rows

GROUP = "customers"

#: What people recognize an entity by.
_SHOWN: dict[str, tuple[str, ...]] = {
    COMPANIES.name: ("company_id", "name", "provider_customer_id"),
    USERS.name: ("user_id", "company_id"),
    SUBSCRIPTIONS.name: ("subscription_id", "company_id", "plan_id", "start_at", "end_at", "status"),
}


def customer_assets() -> Sequence[dg.AssetsDefinition]:
    """The three datasets that entity changes are merged into."""
    return [_customer_asset(spec) for spec in (COMPANIES, USERS, SUBSCRIPTIONS)]


def _customer_asset(spec: DatasetSpec) -> dg.AssetsDefinition:
    @dataset_asset(spec, GROUP, "python", deps=[dg.AssetDep(RAW_EVENTS.name, partition_mapping=ANY_RECEIVED_DAY)])
    def customers(pipeline: PipelineResource) -> dg.MaterializeResult:
        work = pipeline.pipeline()
        state = run_step(lambda: _build(work, spec))
        return dg.MaterializeResult(metadata={"dagster/row_count": state.rows, **_report(work, spec)})

    return customers


def _build(pipeline: Pipeline, spec: DatasetSpec) -> PartitionState:
    made = pipeline.lake.table(spec).state()
    if made is not None and step.is_current(pipeline, read_log(pipeline.lake), spec):
        return made
    return step.build(pipeline, spec)


def _report(pipeline: Pipeline, spec: DatasetSpec) -> Metadata:
    rows = read_rows(pipeline.lake.table(spec).files())
    current = [row for row in rows if row["valid_to"] is None]
    shown = _SHOWN[spec.name]
    return {
        "current": len(current),
        "first rows": table(shown, ([row[name] for name in shown] for row in current[:LIMIT])),
    }
