"""Usage rows rated as a run rates them, as columns of many, and read back line by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import pyarrow as pa

from monetization_pipeline.catalog.models import Catalog, Plan, Price
from monetization_pipeline.datasets import USAGE
from monetization_pipeline.periods import Period, month_period
from monetization_pipeline.rating.lines import RatedLine
from monetization_pipeline.steps.rated_lines import rated_line, usage_lines

JULY = month_period("2023-07", "UTC")


@dataclass(frozen=True)
class UsageOf:
    """One usage row; everything but the quantity has a default."""

    quantity: Decimal
    company_id: str = "acme"
    subscription_id: str = "sub"
    plan_id: str = "growth"
    segment_start: datetime = JULY.start
    segment_end: datetime | None = None
    period: Period = JULY
    meter_id: str = "m"
    grouping: str = "[]"
    group: str = "{}"


def plan_of(*prices: Price, plan_id: str = "growth", currency: str = "USD") -> Plan:
    return Plan(plan_id=plan_id, currency=currency, interval="month", prices=prices)


def rated(plans: Sequence[Plan], usages: Sequence[UsageOf]) -> list[RatedLine]:
    rows = [
        {
            **{name: getattr(usage, name) for name in usage.__dataclass_fields__ if name != "period"},
            "period_start": usage.period.start,
            "period_end": usage.period.end,
            "events": 0,
            "billing_period": "2023-07",
        }
        for usage in usages
    ]
    table = pa.Table.from_pylist(rows, USAGE.schema)
    return [rated_line(row) for row in usage_lines(Catalog(plans=tuple(plans)), table, "2023-07")[0].to_pylist()]


def rated_one(price: Price, usage: UsageOf, currency: str = "USD") -> RatedLine:
    (line,) = rated([plan_of(price, plan_id=usage.plan_id, currency=currency)], [usage])
    return line
