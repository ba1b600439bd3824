"""The verdicts of `standing/verdicts.py`, each asked of the partitions of a run."""

from collections.abc import Sequence

import dagster as dg

from monetization_pipeline.checks.results import keys_of, result_of
from monetization_pipeline.datasets import WHOLE, DatasetSpec
from monetization_pipeline.partitions import Grids, partitions_of
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.standing.verdicts import Of, Verdict, files_of, shown_by
from monetization_pipeline.steps.road import ROAD, Grid


def verdict_checks(published: DatasetSpec, grids: Grids) -> Sequence[dg.AssetChecksDefinition]:
    """Each asset's, over every dataset that is committed with it, and one of the files of what was published."""
    of_published = files_of(published, Grid.BILLING_PERIODS, published.name)
    return [
        *(_check(verdicts, row.grid, grids) for row in ROAD for verdicts in shown_by(row.name).values()),
        _check([of_published], Grid.BILLING_PERIODS, grids),
    ]


def _check(verdicts: Sequence[Verdict], grid: Grid, grids: Grids) -> dg.AssetChecksDefinition:
    """One check for verdicts of one name and asset, which ask the same of several datasets."""
    first, partitions = verdicts[0], partitions_of(grid, grids)
    datasets = [verdict.dataset for verdict in verdicts]
    severity = dg.AssetCheckSeverity.ERROR if first.of is Of.WHOLE else dg.AssetCheckSeverity.WARN

    @dg.asset_check(
        asset=first.shown_by,
        name=first.name,
        description=first.meaning if len(datasets) == 1 else f"{first.meaning} Of {', '.join(datasets)}.",
        # What concerns a part, or publishing alone, holds nobody else up.
        blocking=first.stops_runs,
        partitions_def=partitions,
    )
    def verdict(context: dg.AssetCheckExecutionContext, pipeline: PipelineResource) -> dg.AssetCheckResult:
        keys = [WHOLE] if partitions is None else [key.removeprefix("r") for key in keys_of(context)]
        work, known = pipeline.pipeline(), pipeline.known()
        return result_of([problem for each in verdicts for problem in each.asked_of(work, known, keys)], severity)

    return verdict
