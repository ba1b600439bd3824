"""Jobs: one for each grid of partitions, since Dagster cannot run two grids in one run; and one that moves money."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from monetization_pipeline.assets.catalog import METERS, PRICES
from monetization_pipeline.datasets import (
    COMPANIES,
    DAILY_USAGE,
    EVENTS,
    INVOICES,
    RATED_LINES,
    RAW_EVENTS,
    STRIPE_INVOICES,
    SUBSCRIPTIONS,
    USAGE,
    USERS,
)

RECEIVED_DAYS = "received_days"
CUSTOMERS_AND_CATALOG = "customers_and_catalog"
EVENT_DAYS = "event_days"
BILLING_PERIODS = "billing_periods"
PUBLISHING = "publishing"


def all_jobs() -> Sequence[Any]:
    """Every job, in the order in which a billing period needs them; of what `dg.define_asset_job` returns."""
    return [
        dg.define_asset_job(
            RECEIVED_DAYS,
            [RAW_EVENTS.name],
            description="Ingest the landing files of received days.",
        ),
        dg.define_asset_job(
            CUSTOMERS_AND_CATALOG,
            [COMPANIES.name, USERS.name, SUBSCRIPTIONS.name, METERS, PRICES],
            description="Merge the changes of customers; read the catalog.",
        ),
        dg.define_asset_job(
            EVENT_DAYS,
            [EVENTS.name, DAILY_USAGE.name],
            description="Deduplicate and meter event days; days that are up to date are skipped.",
        ),
        dg.define_asset_job(
            BILLING_PERIODS,
            [USAGE.name, RATED_LINES.name, INVOICES.name],
            description="Usage, rated lines and draft invoices of billing periods. Books and sends nothing.",
        ),
        dg.define_asset_job(
            PUBLISHING,
            [STRIPE_INVOICES.name],
            description="Book the final invoices of a billing period and issue them in Stripe. This moves money.",
        ),
    ]
