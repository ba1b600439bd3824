"""Every catalog that a run used, and the digests of one that say what is out of date.

A catalog is kept as its content, so that a line can be explained, and a run repeated, by the prices of then (rule 7).
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from monetization_pipeline.catalog.digests import meters_digest, prices_digest, pricing_map_digest
from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import CATALOGS, WHOLE
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ids import instant_text
from monetization_pipeline.lake.rows import read_rows, write_rows
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import ConcurrentCommitError, NewFile
from monetization_pipeline.steps.known import read_catalog
from monetization_pipeline.steps.pipeline import Pipeline

_CATALOG = "catalog"
_TRIES = 5


class NoCatalogError(MonetizeError):
    """No catalog was kept that is the one asked for."""


@dataclass(frozen=True, slots=True, order=True)
class KeptCatalog:
    """One row of `catalogs`."""

    used_from: datetime
    catalog_digest: str
    prices_digest: str
    content: str

    def catalog(self) -> Catalog:
        """The catalog that was kept."""
        return Catalog.model_validate_json(self.content)


def used_catalog(pipeline: Pipeline, now: datetime) -> Catalog:
    """Meters and plans as the user wrote them, kept as those of a run that begins `now`. Raises CatalogError."""
    catalog = read_catalog(pipeline)
    keep_catalog(pipeline, catalog, now)
    return catalog


def keep_catalog(pipeline: Pipeline, catalog: Catalog, now: datetime) -> None:
    """Keep what a run that begins `now` uses, where it differs from what the run before it used.

    Rows stand in the order of `used_from`: one that would not come after the last is put just behind it.
    """
    content = _content(catalog)
    digest = hashlib.sha256(content.encode()).hexdigest()
    table = pipeline.lake.table(CATALOGS)
    for _ in range(_TRIES):
        claim = table.claim()
        state = table.state()
        if state is not None and state.digests.get(_CATALOG) == digest:
            return
        before = kept_catalogs(pipeline)
        used_from = max(now, before[-1].used_from + timedelta(microseconds=1)) if before else now
        row = {
            "catalog_digest": digest,
            "prices_digest": prices_digest(catalog),
            "used_from": used_from,
            "content": content,
        }
        path = table.new_path()
        write_rows(CATALOGS, [row], path)
        try:
            table.extend(claim, [NewFile(path, WHOLE, 1)], _state(digest, len(before) + 1))
        except ConcurrentCommitError:
            continue
        return
    raise ConcurrentCommitError("catalogs: other runs keep adding to it; run the command again")


def kept_catalogs(pipeline: Pipeline) -> list[KeptCatalog]:
    """Every catalog that was kept, in the order of use."""
    return sorted(KeptCatalog(**row) for row in read_rows(pipeline.lake.table(CATALOGS).files()))


def catalog_at(pipeline: Pipeline, instant: datetime) -> KeptCatalog:
    """The catalog of the last run that began at or before an instant. Raises NoCatalogError."""
    kept = kept_catalogs(pipeline)
    found = [each for each in kept if each.used_from <= instant]
    if not found:
        advice = f"give one from {instant_text(kept[0].used_from)} on" if kept else "`monetize run PERIOD` comes first"
        raise NoCatalogError(
            f"nothing was run until {instant_text(instant)}: there is no catalog of that time; {advice}"
        )
    return found[-1]


def catalog_of(pipeline: Pipeline, digest: str) -> Catalog:
    """The newest catalog whose prices have a digest, the working folder's own included. Raises NoCatalogError."""
    for kept in reversed(kept_catalogs(pipeline)):
        if kept.prices_digest == digest:
            return kept.catalog()
    current = read_catalog(pipeline)
    if prices_digest(current) == digest:
        return current
    raise NoCatalogError(
        "the prices of that time were not kept, and those in catalog/ are others; run the billing period again"
    )


def write_catalog(kept: KeptCatalog, folder: Path) -> None:
    """Write a kept catalog as a folder that `read_catalog` reads: JSON is YAML."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.is_dir():
        # Renamed whole: a folder that is there is one that was written.
        temporary = folder.with_name(f".{uuid.uuid4().hex}")
        temporary.mkdir()
        (temporary / "catalog.yaml").write_text(kept.content, "utf-8")
        temporary.rename(folder)


def metering_digests(catalog: Catalog) -> Mapping[str, str]:
    """What of the catalog decides usage: not the amounts."""
    return {"meters": meters_digest(catalog), "pricing_map": pricing_map_digest(catalog)}


def price_digests(catalog: Catalog) -> Mapping[str, str]:
    """What of the catalog decides rated lines."""
    return {"prices": prices_digest(catalog)}


def _content(catalog: Catalog) -> str:
    dumped = catalog.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(dumped, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _state(digest: str, rows: int) -> PartitionState:
    return PartitionState("", rows, digests={_CATALOG: digest})
