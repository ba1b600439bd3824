"""Dagster's face of the catalog as it was read, with the digests that decide what is out of date."""

from collections.abc import Mapping, Sequence

import dagster as dg

from monetization_pipeline.assets.faces import OWNERS, table
from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.clock import Clock
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps.catalogs import metering_digests, price_digests, used_catalog
from monetization_pipeline.steps.road import METERS, PRICES

GROUP = "catalog"


def catalog_assets(clock: Clock) -> Sequence[dg.AssetsDefinition]:
    """`meters` (with the pricing map: what decides usage) and `prices` (what decides rated lines)."""

    @dg.asset(
        name=METERS,
        group_name=GROUP,
        kinds={"yaml"},
        owners=OWNERS,
        description="Which events count, how they become quantities, and which plan prices which meter.\n\n"
        "Read from the working folder's `catalog/`; materializing checks and keeps it.",
    )
    def meters(pipeline: PipelineResource) -> dg.MaterializeResult:
        catalog = run_step(lambda: used_catalog(pipeline.pipeline(), clock()))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(catalog.meters),
                **_digests(metering_digests(catalog)),
                "meters": _meters_table(catalog),
            }
        )

    @dg.asset(
        name=PRICES,
        group_name=GROUP,
        kinds={"yaml"},
        owners=OWNERS,
        description="Plans and what they charge.\n\nRead from the working folder's `catalog/`; materializing checks "
        "and keeps it.",
    )
    def prices(pipeline: PipelineResource) -> dg.MaterializeResult:
        catalog = run_step(lambda: used_catalog(pipeline.pipeline(), clock()))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(len(plan.prices) for plan in catalog.plans),
                **_digests(price_digests(catalog)),
                "prices": _prices_table(catalog),
            }
        )

    return [meters, prices]


def digests_of(name: str, catalog: Catalog) -> dict[str, str]:
    """The digests that a materialization of `meters` or `prices` shows, by their metadata's names."""
    return _digests(metering_digests(catalog) if name == METERS else price_digests(catalog))


def _digests(digests: Mapping[str, str]) -> dict[str, str]:
    return {f"{name} digest": digest for name, digest in digests.items()}


def _meters_table(catalog: Catalog) -> dg.MarkdownMetadataValue:
    return table(
        ("meter", "events", "filter", "aggregation", "value", "dimensions"),
        (
            (
                meter.meter_id,
                meter.action_name or meter.event_type or "all",
                meter.filter,
                meter.aggregation,
                meter.value,
                ", ".join(meter.dimensions),
            )
            for meter in catalog.meters
        ),
    )


def _prices_table(catalog: Catalog) -> dg.MarkdownMetadataValue:
    prices = [(plan, price) for plan in catalog.plans for price in plan.prices]
    return table(
        ("plan", "price", "model", "meter", "currency", "description"),
        (
            (plan.plan_id, price.price_id, price.model, price.meter, plan.currency, price.description)
            for plan, price in prices
        ),
    )
