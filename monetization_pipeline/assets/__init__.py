"""The Dagster face of each step: call it, and show what came of it."""

from collections.abc import Callable, Sequence
from datetime import datetime

import dagster as dg

from monetization_pipeline.assets.catalog import catalog_assets
from monetization_pipeline.assets.customers import customer_assets
from monetization_pipeline.assets.daily_usage import daily_usage_asset
from monetization_pipeline.assets.events import events_asset
from monetization_pipeline.assets.invoices import invoices_asset
from monetization_pipeline.assets.rated_lines import rated_lines_asset
from monetization_pipeline.assets.raw_events import raw_events_asset
from monetization_pipeline.assets.stripe_invoices import stripe_invoices_asset
from monetization_pipeline.assets.usage import usage_asset
from monetization_pipeline.partitions import Grids


def all_assets(grids: Grids, clock: Callable[[], datetime]) -> Sequence[dg.AssetsDefinition]:
    """Every asset, along the road from raw events to issued invoices."""
    return [
        raw_events_asset(grids, clock),
        *customer_assets(),
        *catalog_assets(),
        events_asset(grids),
        daily_usage_asset(grids),
        usage_asset(grids),
        rated_lines_asset(grids),
        invoices_asset(grids),
        stripe_invoices_asset(grids),
    ]
