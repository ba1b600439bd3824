"""The time zones of companies, and which event days their billing periods span."""

from collections.abc import Mapping
from datetime import date

import pyarrow.parquet as pq

from monetization_pipeline.datasets import COMPANIES
from monetization_pipeline.periods import days_of_month
from monetization_pipeline.steps.pipeline import Pipeline


def company_zones(pipeline: Pipeline) -> Mapping[str, str]:
    """The zone of each company that has one of its own: that of its current record, which holds for all time."""
    zones: dict[str, str] = {}
    for path in pipeline.lake.table(COMPANIES).files():
        rows = pq.ParquetFile(path).read(columns=["company_id", "time_zone", "valid_to"])
        columns = (rows[name].to_pylist() for name in ("company_id", "time_zone", "valid_to"))
        zones.update({company: zone for company, zone, until in zip(*columns, strict=True) if zone and until is None})
    return zones


def zones_in_use(pipeline: Pipeline) -> frozenset[str]:
    """The seller's zone and every company's own."""
    return frozenset(company_zones(pipeline).values()) | {pipeline.seller.zone}


def event_days(pipeline: Pipeline, month: str) -> list[date]:
    """The event days (UTC) that a billing period spans in the zones in use: what its usage is made from."""
    return days_of_month(zones_in_use(pipeline), month)
