"""SQL from daily states to usage: one quantity per subscription, period, meter, grouping and group.

Relations it reads: `daily_usage` and, for unique counts, the relation `metered` (see `metering.daily`).
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


def per_meter_sql(states: str) -> str:
    """The states in a relation as rows of one meter each: `meter_id` instead of `meters`."""
    return f"SELECT * EXCLUDE (meters), unnest(from_json(meters, '[\"VARCHAR\"]')) AS meter_id FROM {states}"


def month_states_sql(*, latest: bool) -> str:
    """States of a month from the relation `daily_usage`; `latest`: whether any meter asks for the latest value."""
    packed = "struct_pack(at := latest_at, source := latest_source, id := latest_event_id, value := latest_value)"
    last = f", max({packed}) FILTER (latest_at IS NOT NULL) AS latest" if latest else ""
    return f"""
        SELECT {_KEY}, meters, dimensions, sum(events) AS events, sum(count_value) AS count_value,
            sum(sum_value) AS sum_value, min(min_value) AS min_value, max(max_value) AS max_value {last}
        FROM daily_usage GROUP BY {_KEY}, meters, dimensions"""


#: Which meters each text in `meters` names: the relation `meter_sets`.
METER_SETS = f"""
    SELECT * FROM ({per_meter_sql("(SELECT DISTINCT meters, meters AS named FROM month_states)")})"""

_QUANTITY = {
    Aggregation.COUNT: "sum(count_value)",
    Aggregation.SUM: "sum(sum_value)",
    Aggregation.MIN: "min(min_value)",
    Aggregation.MAX: "max(max_value)",
    Aggregation.LATEST: "max(latest).value",
}


def merged_sql(meter_id: str, aggregation: Aggregation, grouping: Sequence[str]) -> str:
    """Rows (key, meter_id, group, quantity, events) of one meter merged from `month_states` and `meter_sets`.

    Raises KeyError for a unique count, which is not merged from states; see `unique_sql`.
    """
    meter = text_literal(meter_id)
    return f"""
        SELECT {_KEY}, {meter} AS meter_id, {group_sql(grouping)} AS "group",
            CAST({_QUANTITY[aggregation]} AS DECIMAL(38,12)) AS quantity, CAST(sum(events) AS BIGINT) AS events
        FROM month_states WHERE meters IN (SELECT named FROM meter_sets WHERE meter_id = {meter})
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
