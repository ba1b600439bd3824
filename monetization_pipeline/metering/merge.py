"""SQL from daily states to usage: one quantity per subscription, period, meter, grouping and group.

Reads `daily_usage`, the rows of that dataset for a billing period's days; `units`, which a step registers: what has a
usage row, with the columns of `usage` but for group, quantity, events and billing_period; and for unique counts the
period's events, in the relations that `Inputs` names. Makes:
  month_states  states of the period: subscription_id, segment_start, period_start, meters, dimensions, and their values
  meter_sets    which meters each text in `meters` names: named, meter_id (registered, of what `meter_sets` gives)
  merged        subscription_id, segment_start, period_start, meter_id, group, quantity, events, grouping
"""

import json
from collections.abc import Iterable, Sequence

from monetization_pipeline.catalog.models import Aggregation
from monetization_pipeline.expressions.quoting import json_leaf, json_object, text_literal
from monetization_pipeline.metering.charged import holds
from monetization_pipeline.metering.judged import Inputs, dimension_column, metered_sql, value_column

_KEY = "subscription_id, segment_start, period_start"


def group_sql(grouping: Sequence[str], dimensions: str = "dimensions") -> str:
    """SQL of the group: a JSON object of the values that `grouping` names, keys sorted; `{}` for none."""
    return json_object({name: json_leaf(dimensions, (name,)) for name in grouping})


def per_meter_sql(states: str) -> str:
    """The states in a relation as rows of one meter each: `meter_id` instead of `meters`."""
    return f"SELECT * EXCLUDE (meters), unnest(from_json(meters, '[\"VARCHAR\"]')) AS meter_id FROM {states}"


def month_states_sql(daily_usage: str, *, latest: bool) -> str:
    """Rows of `month_states`; `latest`: whether any meter asks for the latest value."""
    packed = "struct_pack(at := latest_at, source := latest_source, id := latest_event_id, value := latest_value)"
    last = f", max({packed}) FILTER (latest_at IS NOT NULL) AS latest" if latest else ""
    return f"""
        SELECT {_KEY}, meters, dimensions, sum(events) AS events, sum(count_value) AS count_value,
            sum(sum_value) AS sum_value, min(min_value) AS min_value, max(max_value) AS max_value {last}
        FROM {daily_usage} GROUP BY {_KEY}, meters, dimensions"""


def named_sets_sql(month_states: str) -> str:
    """The texts in `meters`, each once."""
    return f"SELECT DISTINCT meters FROM {month_states}"


def meter_sets(texts: Iterable[str]) -> list[tuple[str, str]]:
    """(text, meter_id) of each meter that a text in `meters` names."""
    return [(text, meter_id) for text in texts for meter_id in json.loads(text)]


_QUANTITY = {
    Aggregation.COUNT: "sum(count_value)",
    Aggregation.SUM: "sum(sum_value)",
    Aggregation.MIN: "min(min_value)",
    Aggregation.MAX: "max(max_value)",
    Aggregation.LATEST: "max(latest).value",
}


def nothing_merged_sql(daily_usage: str) -> str:
    """No row, with the columns of `merged` in their order."""
    return f"""
        SELECT {_KEY}, meters AS meter_id, '{{}}' AS "group", sum_value AS quantity, events, '[]' AS "grouping"
        FROM {daily_usage} WHERE false"""


def merged_sql(
    meter_id: str, aggregation: Aggregation, grouping: Sequence[str], month_states: str, meter_sets: str
) -> str:
    """Rows of `merged` of one meter and grouping.

    Raises KeyError for a unique count, which is not merged from states; see `unique_sql`.
    """
    meter = text_literal(meter_id)
    return f"""
        SELECT {_KEY}, {meter} AS meter_id, {group_sql(grouping)} AS "group",
            CAST({_QUANTITY[aggregation]} AS DECIMAL(38,12)) AS quantity, CAST(sum(events) AS BIGINT) AS events,
            {_text_of(grouping)} AS "grouping"
        FROM {month_states} WHERE meters IN (SELECT named FROM {meter_sets} WHERE meter_id = {meter})
        GROUP BY ALL"""


def unique_sql(inputs: Inputs, index: int, grouping: Sequence[str]) -> str:
    """Rows of `merged` of the unique count at `index` and a grouping: the distinct values of each group."""
    meters = inputs.meters
    meter_id = text_literal(meters[index].meter.meter_id)
    group = json_object({name: dimension_column(meters, name) for name in grouping})
    key = ", ".join(f"charges.{name}" for name in _KEY.split(", "))
    return f"""
        SELECT {_KEY}, {meter_id} AS meter_id, "group",
            CAST(count(*) AS DECIMAL(38,12)) AS quantity, CAST(sum(events) AS BIGINT) AS events,
            {_text_of(grouping)} AS "grouping"
        FROM (
            SELECT {key}, {group} AS "group", {value_column(meters, index)},
                count(*) AS events
            FROM ({metered_sql(inputs)}) AS metered JOIN {inputs.payers.charges} AS charges USING (row_no)
            WHERE {holds("falls", index)}
            GROUP BY ALL)
        GROUP BY ALL"""


def usage_sql(units: str, merged: str, month: str) -> str:
    """Rows of usage of a billing period, sorted: ungrouped units also without an event (rule 16)."""
    return f"""
        SELECT units.*, coalesce(merged."group", '{{}}') AS "group", coalesce(merged.quantity, 0) AS quantity,
            coalesce(merged.events, 0) AS events, {text_literal(month)} AS billing_period
        FROM {units} AS units
        LEFT JOIN {merged} AS merged USING (subscription_id, segment_start, period_start, meter_id, "grouping")
        WHERE units."grouping" = '[]' OR merged.quantity IS NOT NULL
        ORDER BY units.company_id, units.subscription_id, units.period_start, units.meter_id, units."grouping",
            merged."group"
    """


def _text_of(grouping: Sequence[str]) -> str:
    return text_literal(json.dumps(grouping))
