"""Whether Dagster shows the catalog as it is now."""

from collections.abc import Mapping, Sequence

import dagster as dg

from monetization_pipeline.assets.catalog import digests_of
from monetization_pipeline.automation.jobs import CATALOG
from monetization_pipeline.catalog.models import Catalog


def changed_catalog(instance: dg.DagsterInstance, catalog: Catalog) -> Sequence[str]:
    """Which of `meters` and `prices` were materialized with other digests, or never."""
    return [name for name in CATALOG if _shown_digests(instance, name) != digests_of(name, catalog)]


def _shown_digests(instance: dg.DagsterInstance, name: str) -> Mapping[str, str]:
    event = instance.get_latest_materialization_event(dg.AssetKey(name))
    materialization = event.asset_materialization if event else None
    metadata = materialization.metadata if materialization else {}
    return {key: str(value.value) for key, value in metadata.items() if key.endswith(" digest")}
