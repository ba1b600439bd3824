"""SQL from daily states to usage: one quantity per subscription, period, meter, grouping and group.

Relations it reads: `daily_usage`, `wanted` (subscription_id, period_start, segment_start, meter_id, position of the
grouping) and, for unique counts, `events` and the relation `metered` over them.
"""

from collections.abc import Sequence

from monetization_pipeline.catalog.models import Aggregation
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.metering.charged import holds
from monetization_pipeline.metering.daily import dimension_column, value_column
from monetization_pipeline.metering.meters import MeterSql

_KEY = "subscription_id, segment_start, period_start"


def group_sql(grouping: Sequence[str], dimensions: str = "dimensions") -> str:
    """SQL of the group: a JSON object of the values that `grouping` names, keys sorted; `{}` for none."""
    pairs = ", ".join(
        f"{text_literal(name)}, json_extract_string({dimensions}, {text_literal(_pointer(name))})"
        for name in sorted(grouping)
    )
    return f"CAST(json_object({pairs}) AS VARCHAR)"


def merged_sql(meter_id: str, aggregation: Aggregation, grouping: Sequence[str]) -> str:
    """Rows (key, meter_id, group, quantity, events) of one meter merged from the relation `daily_usage`."""
    match aggregation:
        case Aggregation.COUNT:
            quantity = "sum(count_value)"
        case Aggregation.SUM:
            quantity = "sum(sum_value)"
        case Aggregation.MIN:
            quantity = "min(min_value)"
        case Aggregation.MAX:
            quantity = "max(max_value)"
        case Aggregation.LATEST:
            packed = (
                "struct_pack(at := latest_at, source := latest_source, id := latest_event_id, value := latest_value)"
            )
            quantity = f"max({packed}).value"
        case Aggregation.UNIQUE_COUNT:
            raise ValueError("unique counts are not merged from states; see unique_sql")
    return f"""
        SELECT {_KEY}, {text_literal(meter_id)} AS meter_id, {group_sql(grouping)} AS "group",
            CAST({quantity} AS DECIMAL(38,12)) AS quantity, CAST(sum(events) AS BIGINT) AS events
        FROM daily_usage WHERE meter_id = {text_literal(meter_id)}
        GROUP BY ALL"""


def unique_sql(meters: Sequence[MeterSql], index: int, grouping: Sequence[str]) -> str:
    """The same for a unique count, from the relation `metered` (see `daily.metered_sql`) over the period's events."""
    meter_id = text_literal(meters[index].meter.meter_id)
    pairs = ", ".join(f"{text_literal(name)}, {dimension_column(meters, name)}" for name in sorted(grouping))
    return f"""
        SELECT {_KEY}, {meter_id} AS meter_id, "group",
            CAST(count(*) AS DECIMAL(38,12)) AS quantity, CAST(sum(events) AS BIGINT) AS events
        FROM (
            SELECT {_KEY}, CAST(json_object({pairs}) AS VARCHAR) AS "group", {value_column(meters, index)},
                count(*) AS events
            FROM (
                SELECT metered.* EXCLUDE (subscription_id), charge_keys.* EXCLUDE (row_no)
                FROM metered JOIN charge_keys USING (row_no) WHERE {holds("falls", index)})
            GROUP BY ALL)
        GROUP BY ALL"""


def _pointer(name: str) -> str:
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"/{escaped}"
