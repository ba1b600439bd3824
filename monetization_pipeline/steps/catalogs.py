"""The catalog of the working folder, its expressions checked; and the digests that say what is out of date."""

from collections.abc import Mapping

from monetization_pipeline.catalog.digests import meters_digest, prices_digest, pricing_map_digest
from monetization_pipeline.catalog.loading import load_catalog
from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.metering.meters import meter_problems
from monetization_pipeline.steps.pipeline import Pipeline


def read_catalog(pipeline: Pipeline) -> Catalog:
    """Meters and plans as the user wrote them. Raises CatalogError with all problems, each with its place."""
    return load_catalog(pipeline.home.catalog, meter_problems)


def metering_digests(catalog: Catalog) -> Mapping[str, str]:
    """What of the catalog decides usage: not the amounts."""
    return {"meters": meters_digest(catalog), "pricing_map": pricing_map_digest(catalog)}


def price_digests(catalog: Catalog) -> Mapping[str, str]:
    """What of the catalog decides rated lines."""
    return {"prices": prices_digest(catalog)}
