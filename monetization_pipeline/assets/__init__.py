"""The Dagster face of each step: call it, and show what came of it."""

from collections.abc import Sequence

import dagster as dg

from monetization_pipeline.assets.catalog import catalog_assets
from monetization_pipeline.assets.customers import customer_assets
from monetization_pipeline.assets.daily_usage import daily_usage_asset
from monetization_pipeline.assets.events import events_asset
from monetization_pipeline.assets.invoices import invoices_asset
from monetization_pipeline.assets.published import published_asset
from monetization_pipeline.assets.rated_lines import rated_lines_asset
from monetization_pipeline.assets.raw_events import raw_events_asset
from monetization_pipeline.assets.usage import usage_asset
from monetization_pipeline.clock import Clock
from monetization_pipeline.partitions import Grids
from monetization_pipeline.publishing.registry import Registered


def all_assets(provider: Registered, grids: Grids, clock: Clock) -> Sequence[dg.AssetsDefinition]:
    """Every asset, along the road from raw events to invoices issued at a provider."""
    return [
        raw_events_asset(grids, clock),
        *customer_assets(grids),
        *catalog_assets(clock),
        events_asset(grids),
        daily_usage_asset(grids),
        usage_asset(grids),
        rated_lines_asset(grids, clock),
        invoices_asset(grids),
        published_asset(provider, grids, clock),
    ]
