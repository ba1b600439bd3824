"""Whether the files of a dataset have the columns that `datasets/` says, read back from Parquet."""

from collections.abc import Sequence

import dagster as dg

from monetization_pipeline.checks.results import keys_of, result_of
from monetization_pipeline.datasets import DatasetSpec
from monetization_pipeline.partitions import Grids, partitions_of
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.standing.verdicts import schema_problems
from monetization_pipeline.steps.road import ROAD


def schema_checks(published: DatasetSpec, grids: Grids) -> Sequence[dg.AssetChecksDefinition]:
    """One check for each asset, over every dataset that is committed with it, and one for what was published."""
    return [
        *(_schema_check([row.spec, *row.beside], partitions_of(row.grid, grids)) for row in ROAD),
        _schema_check([published], grids.billing_periods),
    ]


def _schema_check(specs: Sequence[DatasetSpec], partitions: dg.PartitionsDefinition | None) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=specs[0].name,
        name="schema",
        description=f"The files of {', '.join(spec.name for spec in specs)} have the columns that are declared.",
        blocking=True,
        partitions_def=partitions,
    )
    def schema(context: dg.AssetCheckExecutionContext, pipeline: PipelineResource) -> dg.AssetCheckResult:
        keys = None if partitions is None else [key.removeprefix("r") for key in keys_of(context)]
        return result_of(schema_problems(pipeline.pipeline(), specs, keys))

    return schema
