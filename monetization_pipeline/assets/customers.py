"""Dagster's face of companies, users and subscriptions."""

from collections.abc import Sequence

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, rows_of, table
from monetization_pipeline.assets.on_the_road import make_stale, road_asset
from monetization_pipeline.datasets import COMPANIES, SUBSCRIPTIONS, USERS, WHOLE, DatasetSpec
from monetization_pipeline.lake.rows import read_rows
from monetization_pipeline.partitions import Grids
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps.pipeline import Pipeline

GROUP = "customers"

#: What people recognize an entity by.
_SHOWN: dict[str, tuple[str, ...]] = {
    COMPANIES.name: ("company_id", "name", "provider_customer_id"),
    USERS.name: ("user_id", "company_id"),
    SUBSCRIPTIONS.name: ("subscription_id", "company_id", "plan_id", "start_at", "end_at", "status"),
}


def customer_assets(grids: Grids) -> Sequence[dg.AssetsDefinition]:
    """The three datasets that entity changes are merged into."""
    return [_customer_asset(spec, grids) for spec in (COMPANIES, USERS, SUBSCRIPTIONS)]


def _customer_asset(spec: DatasetSpec, grids: Grids) -> dg.AssetsDefinition:
    @road_asset(spec, GROUP, "python", grids)
    def customers(pipeline: PipelineResource) -> dg.MaterializeResult:
        make_stale(pipeline, spec, [WHOLE])
        work = pipeline.pipeline()
        return dg.MaterializeResult(metadata={"dagster/row_count": rows_of(work, spec, WHOLE), **_report(work, spec)})

    return customers


def _report(pipeline: Pipeline, spec: DatasetSpec) -> Metadata:
    rows = read_rows(pipeline.lake.table(spec).files())
    current = [row for row in rows if row["valid_to"] is None]
    shown = _SHOWN[spec.name]
    return {
        "current": len(current),
        "first rows": table(shown, ([row[name] for name in shown] for row in current)),
    }
