"""SQL from events to mergeable daily states, and to what is not billed.

Relations it reads, beside `charges` (see `metering.charged`):
  events                 rows of the `events` dataset
  cuts                   UTC days of companies within which a day, a period or a subscription of theirs begins or ends:
                         company_id, from_at, to_at; the parts of a day leave no gap
  zone_days              local days by UTC day: zone, usage_on, from_at, to_at
  user_companies         user_id, company_id, from_at, to_at (half-open, never NULL)
  subscription_companies subscription_id, company_id

Each distinct value and dimension is computed once, whatever the number of meters that use it. Like events are grouped
before it is asked who is charged: within an uncut day, the answer is the same for all of a company's. States are made
once, by the finest dimensions, and those of coarser meters are merged from them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monetization_pipeline.catalog.models import Aggregation
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.metering.charged import (
    BUCKETS,
    PASSED,
    REFUSED,
    SELECTED,
    WEIGHTED,
    charged_sql,
    holds,
    mask_columns,
    mask_values,
    packed,
)
from monetization_pipeline.metering.meters import MeterSql, leaf_columns, leaf_list

_PAYER = "coalesce(events.company_id, subscription_companies.company_id, user_companies.company_id)"
_LOOKUPS = """
        LEFT JOIN subscription_companies ON subscription_companies.subscription_id =
            CASE WHEN events.company_id IS NULL THEN events.subscription_id END
        LEFT JOIN user_companies ON user_companies.user_id = CASE WHEN events.company_id IS NULL THEN events.user_id END
            AND events.occurred_at >= user_companies.from_at AND events.occurred_at < user_companies.to_at"""


def judged_sql(meters: Sequence[MeterSql], *, all_have_companies: bool = False) -> str:
    """One row per event: its columns, `payer`, what each meter makes of it alone, and that packed for `charged_sql`.

    passed_i (selected and not kept off by being blocked), used_i (passed and the value can be used), the set `used`,
    `facts`; and the columns that `value_column`, `text_column` and `dimension_column` name.
    `all_have_companies`: no event comes without one, so that nobody has to be looked up.
    """
    shared = {name: sql for meter in meters for name, sql in _shared_columns(meters, meter).items()}
    payer, lookups = ("events.company_id", "") if all_have_companies else (_PAYER, _LOOKUPS)
    # Meters see the events alone: what is looked up has columns of the same names.
    resolved = f"""
        SELECT events.*, {payer} AS payer, {leaf_list(meters)} AS leaves
        FROM events {lookups}"""
    leaves = f"SELECT * EXCLUDE (leaves) {_named(leaf_columns(meters))} FROM ({resolved})"
    read = f"""
        SELECT * {_named(shared)} {_per_meter(meters, "{selects} AS selected_{i}")} FROM ({leaves})"""
    judged = f"""
        SELECT * {_per_meter(meters, "selected_{i} AND {passes} AS passed_{i}")} FROM ({read})"""
    usable = f"""
        SELECT * {_per_meter(meters, "passed_{i} AND {value} IS NOT NULL AS used_by_{i}")} FROM ({judged})"""
    facts = (
        (SELECTED, _any(meters, "selected_{i}")),
        (PASSED, _any(meters, "passed_{i}")),
        (REFUSED, _any(meters, "passed_{i} AND NOT used_by_{i}")),
        (WEIGHTED, "weight <> 1"),
    )
    bits = " + ".join(f"CASE WHEN {condition} THEN {bit} ELSE 0 END" for bit, condition in facts)
    used = packed([f"used_by_{index}" for index in range(len(meters))], "used")
    return f"""
        SELECT *, CAST({bits} AS INTEGER) AS facts {used} FROM ({usable})"""


def metered_sql(meters: Sequence[MeterSql], *, all_have_companies: bool = False) -> str:
    """One row per event and charge it may fall under: the columns of `judged_sql` and of `charged_sql`."""
    return charged_sql(judged_sql(meters, all_have_companies=all_have_companies), meters, "occurred_at")


def value_column(meters: Sequence[MeterSql], index: int) -> str:
    """Column of `metered` with a meter's value."""
    return f"value_{_first(meters, lambda meter: meter.value == meters[index].value)}"


def text_column(meters: Sequence[MeterSql], index: int) -> str:
    """Column of `metered` with a meter's value as sent."""
    return f"text_{_first(meters, lambda meter: meter.text == meters[index].text)}"


def dimension_column(meters: Sequence[MeterSql], name: str) -> str:
    """Column of `metered` with a dimension."""
    return f"dimension_{_dimension_names(meters).index(name)}"


def _listed(columns: Mapping[str, str]) -> str:
    """Columns by name."""
    return ", ".join(f"{sql} AS {name}" for name, sql in columns.items())


def _named(columns: Mapping[str, str]) -> str:
    """Columns by name, each after a comma."""
    return "".join(f", {sql} AS {name}" for name, sql in columns.items())


def _shared_columns(meters: Sequence[MeterSql], meter: MeterSql) -> dict[str, str]:
    index = meters.index(meter)
    columns = {value_column(meters, index): meter.value, text_column(meters, index): meter.text}
    return columns | {dimension_column(meters, name): sql for name, sql in meter.dimensions.items()}


def _first(meters: Sequence[MeterSql], wanted: Callable[[MeterSql], bool]) -> int:
    return next(index for index, meter in enumerate(meters) if wanted(meter))


def _dimension_names(meters: Sequence[MeterSql]) -> list[str]:
    return sorted({name for meter in meters for name in meter.dimensions})


def finest_dimensions(meters: Sequence[MeterSql]) -> list[tuple[str, ...]]:
    """The sets of dimensions by which states are made: those of meters that no other meter's contain."""
    found = sorted({tuple(meter.dimensions) for meter in meters}, key=lambda names: (-len(names), names))
    finest: list[tuple[str, ...]] = []
    for names in found:
        if not any(set(names) <= set(finer) for finer in finest):
            finest.append(names)
    return finest or [()]


def states_sql(
    meters: Sequence[MeterSql], dimensions: tuple[str, ...], *, all_have_companies: bool = False, cut: bool = True
) -> str:
    """States of the meters that these finest dimensions serve.

    Events that fall under the same meters are aggregated together, once for each distinct value, whatever the number of
    meters. Columns: row_no, occurred_on, usage_on, the columns of `charged_sql`, the dimensions, events, and the
    aggregates that `_aggregate` names. `cut`: whether any company's day is (see `cuts`).
    """
    served = _served(meters, dimensions)
    aggregates = dict(_aggregate(meters, index) for index in served)
    aggregates.pop("", None)
    judged = judged_sql(meters, all_have_companies=all_have_companies)
    day_start = "CAST(occurred_on AS TIMESTAMP) AT TIME ZONE 'UTC'"
    joined = f"""({judged}) AS events
        LEFT JOIN cuts ON events.payer = cuts.company_id
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
    grouped = f"""
        SELECT {_listed(keys)}, count(*) AS events {_named(aggregates)}
        FROM {source} GROUP BY {", ".join(str(position) for position in range(1, len(keys) + 1))}"""
    placed = f"SELECT * EXCLUDE (part_at), coalesce(part_at, {day_start}) AS moment FROM ({grouped})"
    return f"""
        SELECT charged.* EXCLUDE (zone, moment, payer), coalesce(zone_days.usage_on, charged.occurred_on) AS usage_on
        FROM ({charged_sql(placed, meters, "moment")}) AS charged
        LEFT JOIN zone_days ON charged.zone = zone_days.zone
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
    """Meters whose states are one row: they read the same value, or count. `number` is that of their dimensions."""

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


def rows_sql(meters: Sequence[MeterSql], shared: Shared, *, distinct: bool) -> str:
    """Rows of daily_usage of the meters in `shared`, from the table `states_k` of its number.

    `distinct`: no two states are of the same key, so that they need not be merged.
    """
    inside = mask_values([index in shared.indexes for index in range(len(meters))])
    sets = {f"set_{number}": f"falls_{number} & {mask}" for number, mask in enumerate(inside)}
    names = ", ".join(sets)
    columns = [dimension_column(meters, name) for name in shared.dimensions]
    pairs = ", ".join(
        f"{text_literal(name)}, {column}" for name, column in sorted(zip(shared.dimensions, columns, strict=True))
    )
    said = "company_id, subscription_id, segment_start, period_start, usage_on, occurred_on"
    aggregates = _state_values(meters, shared, merged=not distinct)
    states = f"""
        SELECT {", ".join(f"charges.{name}" for name in ("company_id", "subscription_id", "segment_start"))},
            charges.period_start, states.* EXCLUDE (subscription_id, row_no) {_named(sets)}
        FROM states_{shared.number} AS states JOIN charges USING (row_no)
        WHERE {" OR ".join(f"({sql}) <> 0" for sql in sets.values())}"""
    rows = f"""
        SELECT {", ".join([said, names, *columns])} {_named(aggregates)} FROM ({states})
        {"" if distinct else f"GROUP BY {', '.join([said, names, *columns])}"}"""
    ids = {index: text_literal(f", {json.dumps(meters[index].meter.meter_id)}") for index in shared.indexes}
    listed = " || ".join(f"CASE WHEN {holds('set', index)} THEN {text} ELSE '' END" for index, text in ids.items())
    return f"""
        WITH rows AS MATERIALIZED ({rows}),
        sets AS (SELECT {names}, '[' || substr({listed}, 3) || ']' AS meters FROM (SELECT DISTINCT {names} FROM rows))
        SELECT rows.* EXCLUDE ({names}), sets.meters, CAST(json_object({pairs}) AS VARCHAR) AS dimensions
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


def repeated_sql(meters: Sequence[MeterSql], shared: Shared) -> str:
    """How many kinds of states there are beyond the sets of meters that they fall under: none, if none is repeated."""
    used = [*mask_columns("used", len(meters)), "facts", "subscription_id IS NULL"]
    inside = mask_values([index in shared.indexes for index in range(len(meters))])
    sets = [f"falls_{number} & {mask}" for number, mask in enumerate(inside)]
    charged = " OR ".join(f"({sql}) <> 0" for sql in sets)
    return f"""
        SELECT count(DISTINCT ({", ".join([*used, *sets])})) - count(DISTINCT ({", ".join(sets)}, 0))
        FROM states_{shared.number} WHERE {charged}"""


def reported_sql(meters: Sequence[MeterSql]) -> str:
    """What `meter_refusals` and `unbilled` tell of, each event once, from the relation `metered`."""
    columns = ["source", "event_id", "payer", "user_id", "subscription_id", "occurred_at", "occurred_on", "bucket"]
    columns += mask_columns("ambiguous", len(meters))
    columns += sorted({text_column(meters, index) for index in range(len(meters))})
    columns += [f"{name}_{index}" for name in ("passed", "used_by") for index in range(len(meters))]
    return f"SELECT {', '.join(columns)} FROM metered WHERE counts AND (refused OR ambiguous OR bucket <> 0)"


def refusals_sql(meters: Sequence[MeterSql]) -> str:
    """Rows of meter_refusals over the table `reported`."""
    reason = (
        "CASE WHEN {text} IS NULL THEN 'the value is missing' ELSE 'the value is not a number that can be used' END"
    )
    return " UNION ALL ".join(
        f"""SELECT source, event_id, {text_literal(meter.meter.meter_id)} AS meter_id, payer AS company_id,
            {reason.format(text=text_column(meters, index))} AS reason,
            left({text_column(meters, index)}, 1000) AS value, occurred_on
        FROM reported WHERE passed_{index} AND NOT used_by_{index}"""
        for index, meter in enumerate(meters)
    )


def unbilled_sql(meters: Sequence[MeterSql]) -> str:
    """Rows of `unbilled` over the table `reported`: each event nobody is charged for, and each ambiguous meter."""
    reason = " ".join(f"WHEN {number} THEN '{bucket}'" for number, bucket in enumerate(BUCKETS))
    common = "source, event_id, {meter} AS meter_id, payer AS company_id, {reason} AS reason, user_id, subscription_id"
    ambiguous = BUCKETS.index("ambiguous_subscription")
    selects = [
        f"""SELECT {common.format(meter="''", reason=f"CASE bucket {reason} END")}, occurred_at, occurred_on
        FROM reported WHERE bucket NOT IN (0, {ambiguous})"""
    ]
    selects += [
        f"""SELECT {common.format(meter=text_literal(meter.meter.meter_id), reason="'ambiguous_subscription'")},
            occurred_at, occurred_on
        FROM reported WHERE subscription_id IS NULL AND used_by_{index} AND {holds("ambiguous", index)}"""
        for index, meter in enumerate(meters)
    ]
    return " UNION ALL ".join(selects)


def _per_meter(meters: Sequence[MeterSql], template: str) -> str:
    """The template for each meter, each after a comma."""
    return "".join(
        ", "
        + template.format(i=index, selects=meter.selects, passes=f"({meter.passes})", value=value_column(meters, index))
        for index, meter in enumerate(meters)
    )


def _any(meters: Sequence[MeterSql], template: str) -> str:
    """Whether it holds for any meter; unknown counts as not."""
    return (
        "coalesce("
        + (" OR ".join(f"({template.format(i=index)})" for index in range(len(meters))) or "false")
        + ", false)"
    )
