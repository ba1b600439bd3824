"""SQL from events to mergeable daily states: rows of `daily_usage` (rule 5).

Reads the relations that `Inputs` names. Makes a relation of states for each set of `finest_dimensions`, which the other
functions read.

Like events are grouped before it is asked who is charged: within an uncut day, the answer is the same for all of a
company's. States are made once, by the finest dimensions, and those of coarser meters are merged from them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from monetization_pipeline.catalog.models import Aggregation
from monetization_pipeline.expressions.quoting import json_object, text_literal
from monetization_pipeline.metering.charged import charged_sql, holds, mask_columns, mask_values
from monetization_pipeline.metering.judged import Inputs, dimension_column, judged_sql, named, value_column
from monetization_pipeline.metering.meters import MeterSql


def finest_dimensions(meters: Sequence[MeterSql]) -> list[tuple[str, ...]]:
    """The sets of dimensions by which states are made: those of meters that no other meter's contain."""
    found = sorted({tuple(meter.dimensions) for meter in meters}, key=lambda names: (-len(names), names))
    finest: list[tuple[str, ...]] = []
    for names in found:
        if not any(set(names) <= set(finer) for finer in finest):
            finest.append(names)
    return finest or [()]


def states_sql(inputs: Inputs, dimensions: tuple[str, ...], *, cut: bool) -> str:
    """States of the meters that these finest dimensions serve.

    Events that fall under the same meters are aggregated together, once for each distinct value, whatever the number of
    meters. Columns: row_no, occurred_on, usage_on, the columns of `charged_sql`, the dimensions, events, and the
    aggregates that `_aggregate` names. `cut`: whether any company's day is (see `Payers.cuts`).
    """
    meters, payers = inputs.meters, inputs.payers
    aggregates = dict(_aggregate(meters, index) for index in _served(meters, dimensions))
    aggregates.pop("", None)
    judged = judged_sql(inputs)
    day_start = "CAST(occurred_on AS TIMESTAMP) AT TIME ZONE 'UTC'"
    joined = f"""({judged}) AS events
        LEFT JOIN {payers.cuts} AS cuts ON events.payer = cuts.company_id
            AND events.occurred_at >= cuts.from_at AND events.occurred_at < cuts.to_at"""
    source, part_at = (joined, "cuts.from_at") if cut else (f"({judged})", "CAST(NULL AS TIMESTAMPTZ)")
    keys = {
        "payer": "payer",
        "subscription_id": "subscription_id",
        "occurred_on": "occurred_on",
        "part_at": part_at,
        "facts": "facts",
        **{column: column for column in mask_columns("used", len(meters))},
        **{dimension_column(meters, name): dimension_column(meters, name) for name in dimensions},
    }
    listed = ", ".join(f"{sql} AS {name}" for name, sql in keys.items())
    grouped = f"""
        SELECT {listed}, count(*) AS events {named(aggregates)}
        FROM {source} GROUP BY {", ".join(str(position) for position in range(1, len(keys) + 1))}"""
    placed = f"SELECT * EXCLUDE (part_at), coalesce(part_at, {day_start}) AS moment FROM ({grouped})"
    return f"""
        SELECT charged.* EXCLUDE (zone, moment, payer), coalesce(zone_days.usage_on, charged.occurred_on) AS usage_on
        FROM ({charged_sql(placed, meters, payers.charges, "moment")}) AS charged
        LEFT JOIN {payers.zone_days} AS zone_days ON charged.zone = zone_days.zone
            AND charged.moment >= zone_days.from_at AND charged.moment < zone_days.to_at"""


def _served(meters: Sequence[MeterSql], dimensions: tuple[str, ...]) -> list[int]:
    finest = finest_dimensions(meters)
    serving = [next(names for names in finest if set(meter.dimensions) <= set(names)) for meter in meters]
    return [index for index, names in enumerate(serving) if names == dimensions]


def _aggregate(meters: Sequence[MeterSql], index: int) -> tuple[str, str]:
    """Name and SQL of the aggregate that a meter needs; both empty where it needs none."""
    value = value_column(meters, index)
    match meters[index].meter.aggregation:
        case Aggregation.COUNT | Aggregation.SUM:
            return f"sum_{value}", f"sum({value})"
        case Aggregation.MIN:
            return f"min_{value}", f"min({value})"
        case Aggregation.MAX:
            return f"max_{value}", f"max({value})"
        case Aggregation.LATEST:
            # The greatest (occurred_at, source, event_id) brings its value along (rule 19).
            packed = f"struct_pack(at := occurred_at, source := source, id := event_id, value := {value})"
            return f"latest_{value}", f"max({packed})"
        case Aggregation.UNIQUE_COUNT:
            return "", ""


#: Aggregations whose states hold something of the value itself.
_VALUED = {Aggregation.SUM, Aggregation.MIN, Aggregation.MAX, Aggregation.LATEST}


@dataclass(frozen=True, slots=True)
class Shared:
    """Meters whose states are one row: they read the same value, or count.

    `number` is the position of their dimensions in `finest_dimensions`.
    """

    number: int
    dimensions: tuple[str, ...]
    indexes: tuple[int, ...]


def shared_states(meters: Sequence[MeterSql]) -> list[Shared]:
    """All meters, each in one group; what only counts joins the first group of its dimensions."""
    found: list[Shared] = []
    for number, dimensions in enumerate(finest_dimensions(meters)):
        by_value: dict[str, list[int]] = {}
        counting: list[int] = []
        for index in _served(meters, dimensions):
            if meters[index].meter.aggregation not in _VALUED:
                counting.append(index)
            else:
                by_value.setdefault(value_column(meters, index), []).append(index)
        first, *others = [*by_value.values()] or [[]]
        found += [Shared(number, dimensions, tuple(each)) for each in ([*counting, *first], *others) if each]
    return found


def rows_sql(meters: Sequence[MeterSql], shared: Shared, states: str, charges: str, *, distinct: bool) -> str:
    """Rows of daily_usage of the meters in `shared`, from the relation of its states; columns are always in one order.

    `distinct`: no two states are of the same key, so that they need not be merged.
    """
    inside = mask_values([index in shared.indexes for index in range(len(meters))])
    sets = {f"set_{number}": f"falls_{number} & {mask}" for number, mask in enumerate(inside)}
    names = ", ".join(sets)
    columns = [dimension_column(meters, name) for name in shared.dimensions]
    dimensions = dict(zip(shared.dimensions, columns, strict=True))
    said = "company_id, subscription_id, segment_start, period_start, usage_on, occurred_on"
    aggregates = _state_values(meters, shared, merged=not distinct)
    states = f"""
        SELECT {", ".join(f"charges.{name}" for name in ("company_id", "subscription_id", "segment_start"))},
            charges.period_start, states.* EXCLUDE (subscription_id, row_no) {named(sets)}
        FROM {states} AS states JOIN {charges} AS charges USING (row_no)
        WHERE {" OR ".join(f"({sql}) <> 0" for sql in sets.values())}"""
    rows = f"""
        SELECT {", ".join([said, names, *columns])} {named(aggregates)} FROM ({states})
        {"" if distinct else f"GROUP BY {', '.join([said, names, *columns])}"}"""
    ids = {index: text_literal(f", {json.dumps(meters[index].meter.meter_id)}") for index in shared.indexes}
    listed = " || ".join(f"CASE WHEN {holds('set', index)} THEN {text} ELSE '' END" for index, text in ids.items())
    return f"""
        WITH rows AS ({rows}),
        sets AS (SELECT {names}, '[' || substr({listed}, 3) || ']' AS meters FROM (SELECT DISTINCT {names} FROM rows))
        SELECT {", ".join([said, *aggregates])}, sets.meters, {json_object(dimensions)} AS dimensions
        FROM rows JOIN sets USING ({names})"""


def _state_values(meters: Sequence[MeterSql], shared: Shared, *, merged: bool) -> dict[str, str]:
    """The columns of a state; those that no meter in `shared` needs are empty."""
    needed = {meters[index].meter.aggregation: _aggregate(meters, index)[0] for index in shared.indexes}

    def value(kind: Aggregation, function: str) -> str:
        name = needed.get(kind)
        return "NULL" if name is None else f"{function}({name})" if merged else name

    latest = value(Aggregation.LATEST, "max")
    picked = {
        name: "NULL" if latest == "NULL" else f"({latest}).{field}"
        for name, field in (("value", "value"), ("at", "at"), ("source", "source"), ("event_id", "id"))
    }
    return {
        "events": "sum(events)" if merged else "events",
        "count_value": value(Aggregation.COUNT, "sum"),
        "sum_value": value(Aggregation.SUM, "sum"),
        "min_value": value(Aggregation.MIN, "min"),
        "max_value": value(Aggregation.MAX, "max"),
        **{f"latest_{name}": sql for name, sql in picked.items()},
    }


def repeated_sql(meters: Sequence[MeterSql], shared: Shared, states: str) -> str:
    """How many kinds of states there are beyond the sets of meters that they fall under: none, if none is repeated."""
    used = [*mask_columns("used", len(meters)), "facts", "subscription_id IS NULL"]
    inside = mask_values([index in shared.indexes for index in range(len(meters))])
    sets = [f"falls_{number} & {mask}" for number, mask in enumerate(inside)]
    charged = " OR ".join(f"({sql}) <> 0" for sql in sets)
    return f"""
        SELECT count(DISTINCT ({", ".join([*used, *sets])})) - count(DISTINCT ({", ".join(sets)}, 0))
        FROM {states} WHERE {charged}"""
