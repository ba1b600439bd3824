"""Whether the files of a dataset have the columns that `datasets.py` says, read back from Parquet."""

from collections.abc import Sequence

import dagster as dg

from monetization_pipeline.checks.results import keys_of, result_of
from monetization_pipeline.datasets import (
    COMPANIES,
    CORRECTIONS,
    DAILY_USAGE,
    ENTITY_CHANGES,
    EVENTS,
    INVOICE_LINES,
    INVOICES,
    LANDING_FILES,
    METER_REFUSALS,
    RATED_LINES,
    RAW_EVENTS,
    REFUSALS,
    STRIPE_INVOICES,
    SUBSCRIPTIONS,
    UNBILLED,
    USAGE,
    USERS,
    DatasetSpec,
)
from monetization_pipeline.partitions import Grids
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps.verdicts import schema_problems


def schema_checks(grids: Grids) -> Sequence[dg.AssetChecksDefinition]:
    """One check for each asset, over every dataset that is committed with it."""
    days, periods = grids.event_days, grids.billing_periods
    return [
        _schema_check([RAW_EVENTS, REFUSALS, CORRECTIONS, ENTITY_CHANGES, LANDING_FILES], grids.received_days),
        *(_schema_check([spec], None) for spec in (COMPANIES, USERS, SUBSCRIPTIONS)),
        _schema_check([EVENTS], days),
        _schema_check([DAILY_USAGE, METER_REFUSALS, UNBILLED], days),
        _schema_check([USAGE], periods),
        _schema_check([RATED_LINES], periods),
        _schema_check([INVOICES, INVOICE_LINES], periods),
        _schema_check([STRIPE_INVOICES], periods),
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
