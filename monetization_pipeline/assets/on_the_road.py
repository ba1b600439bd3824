"""Assets of datasets on the road: partitions and lineage are what the road says."""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from monetization_pipeline.assets.faces import dataset_asset
from monetization_pipeline.datasets import DatasetSpec
from monetization_pipeline.partitions import ANY_RECEIVED_DAY, DAYS_AT_ONCE, Grids, days_of_period, partitions_of
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.standing.out_of_date import stale_alone
from monetization_pipeline.steps.road import ROAD, Grid, Row, build, row_of


def road_asset(
    spec: DatasetSpec, group: str, kind: str, grids: Grids
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """`dg.asset` for a dataset on the road."""
    row = row_of(spec.name)
    by_day = row.grid in (Grid.RECEIVED_DAYS, Grid.EVENT_DAYS)
    return dataset_asset(
        spec,
        group,
        kind,
        row.code_version,
        row.beside,
        partitions_def=partitions_of(row.grid, grids),
        backfill_policy=dg.BackfillPolicy.multi_run(DAYS_AT_ONCE) if by_day else None,
        deps=lineage(row),
    )


def lineage(row: Row) -> Sequence[dg.AssetDep]:
    """The assets that a dataset is made from; each once, though several of its inputs are committed together."""
    makers = {spec.name: other for other in ROAD for spec in (other.spec, *other.beside)}
    found: dict[str, dg.AssetDep] = {}
    for name in row.inputs:
        maker = makers.get(name)
        asset = name if maker is None else maker.name
        found[asset] = dg.AssetDep(asset, partition_mapping=None if maker is None else _mapping(maker.grid, row.grid))
    return list(found.values())


def make_stale(pipeline: PipelineResource, spec: DatasetSpec, keys: Sequence[str]) -> list[str]:
    """Make what is out of date of some partitions of a dataset; which that was. What is up to date is left as it is."""
    row = row_of(spec.name)

    def make() -> list[str]:
        stale = stale_alone(pipeline.pipeline(), pipeline.known(), row, keys)
        if stale:
            row.build(pipeline.pipeline(), pipeline.known(), stale)
        return stale

    return run_step(make)


def make_anew(pipeline: PipelineResource, spec: DatasetSpec, key: str) -> None:
    """Make one partition of a dataset, whether it is out of date or not: somebody asked for it."""
    run_step(lambda: build(pipeline.pipeline(), pipeline.known(), spec, [key]))


def _mapping(upstream: Grid, downstream: Grid) -> dg.PartitionMapping | None:
    if upstream is Grid.RECEIVED_DAYS:
        return ANY_RECEIVED_DAY
    if upstream is Grid.EVENT_DAYS and downstream is Grid.BILLING_PERIODS:
        return days_of_period()
    return None
