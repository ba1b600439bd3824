"""Jobs: one for each grid of partitions, since Dagster cannot run two grids in one run; and one that moves money."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from monetization_pipeline.checks.up_to_date import NAME as UP_TO_DATE
from monetization_pipeline.datasets import DAILY_USAGE, INVOICES, RAW_EVENTS
from monetization_pipeline.publishing.registry import Registered
from monetization_pipeline.steps.road import METERS, PRICES, Grid, rows_on

RECEIVED_DAYS = "received_days"
CUSTOMERS_AND_CATALOG = "customers_and_catalog"
EVENT_DAYS = "event_days"
BILLING_PERIODS = "billing_periods"
PUBLISHING = "publishing"

#: The assets of each grid of partitions.
CUSTOMERS = tuple(row.name for row in rows_on(Grid.WHOLE))
CATALOG = (METERS, PRICES)
METERED = tuple(row.name for row in rows_on(Grid.EVENT_DAYS))
BILLED = tuple(row.name for row in rows_on(Grid.BILLING_PERIODS))
_JUDGED = (RAW_EVENTS.name, DAILY_USAGE.name, INVOICES.name)


def all_jobs(provider: Registered) -> Sequence[Any]:
    """Every job, in the order in which a billing period needs them; of what `dg.define_asset_job` returns."""
    return [
        dg.define_asset_job(
            RECEIVED_DAYS,
            _made(RAW_EVENTS.name, *CUSTOMERS, *CATALOG),
            description="Take in what was dropped, ingest the landing files of received days, merge the changes of "
            "customers, read the catalog.",
        ),
        dg.define_asset_job(
            CUSTOMERS_AND_CATALOG,
            _made(*CUSTOMERS, *CATALOG),
            description="Merge the changes of customers; read the catalog.",
        ),
        dg.define_asset_job(
            EVENT_DAYS,
            _made(*METERED),
            description="Deduplicate and meter event days; days that are up to date are skipped.",
        ),
        dg.define_asset_job(
            BILLING_PERIODS,
            _made(*BILLED),
            description="Usage, rated lines and draft invoices of billing periods. Books and sends nothing.",
        ),
        dg.define_asset_job(
            PUBLISHING,
            [provider.invoices.name],
            description="With the config `publish: true`: book the final invoices of a billing period and issue them "
            f"in {provider.title}. This moves money. Without it: show what would be booked and issued.",
        ),
    ]


def _made(*assets: str) -> dg.AssetSelection:
    """Assets with the checks of what is made; whether all else is up to date is not asked in each run."""
    made = dg.AssetSelection.assets(*assets)
    return made - dg.AssetSelection.checks(*(dg.AssetCheckKey(dg.AssetKey(name), UP_TO_DATE) for name in _JUDGED))
