"""SQL from events to mergeable daily states, and to what is not billed.

Relations it reads:
  events                 rows of the `events` dataset
  charges                pieces of companies' time: row_no, company_id, subscription_id, occurred_on (the UTC day it
                         lies in), from_at, to_at, is_first, and for the meter at position i: priced_i, charged_i,
                         company_i (charged to any subscription of the company), ambiguous_i
  user_companies         user_id, company_id, from_at, to_at (half-open, never NULL)
  subscription_companies subscription_id, company_id

Each distinct value and dimension is computed once, whatever the number of meters that use it; states are made once, by
the finest dimensions, and those of coarser meters are merged from them.
"""

from collections.abc import Callable, Mapping, Sequence

from monetization_pipeline.catalog.models import Aggregation
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.metering.meters import MeterSql, leaf_columns

#: Where an event can lie, the first that fits (rule 6).
BUCKETS = (
    "metered",
    "no_company",
    "no_meter",
    "blocked",
    "meter_refused",
    "ambiguous_subscription",
    "no_subscription",
)
METERED = BUCKETS[0]

#: Whether a meter charges an event to any subscription: the same on all rows of the event.
_CHARGED = "used_{i} AND CASE WHEN subscription_id IS NULL THEN company_{i} ELSE priced_{i} END"


_PAYER = "coalesce(events.company_id, subscription_companies.company_id, user_companies.company_id)"
_LOOKUPS = """
        LEFT JOIN subscription_companies ON subscription_companies.subscription_id =
            CASE WHEN events.company_id IS NULL THEN events.subscription_id END
        LEFT JOIN user_companies ON user_companies.user_id = CASE WHEN events.company_id IS NULL THEN events.user_id END
            AND events.occurred_at >= user_companies.from_at AND events.occurred_at < user_companies.to_at"""


def metered_sql(meters: Sequence[MeterSql], *, all_have_companies: bool = False) -> str:
    """One row per event and charge it may fall under, with `bucket`, `counts` (once per event) and columns per meter.

    selected_i, passed_i (selected and not blocked), used_i (passed and the value can be used), falls_i (charged to this
    row's subscription); and the columns that `value_column`, `text_column` and `dimension_column` name.
    `all_have_companies`: no event comes without one, so that nobody has to be looked up.
    """
    shared = {name: sql for meter in meters for name, sql in _shared_columns(meters, meter).items()}
    payer, lookups = ("events.company_id", "") if all_have_companies else (_PAYER, _LOOKUPS)
    # Meters see the events alone: what is looked up has columns of the same names.
    resolved = f"""
        SELECT events.*, {payer} AS payer {_named(leaf_columns(meters))}
        FROM events {lookups}"""
    read = f"""
        SELECT * {_named(shared)} {_per_meter(meters, "{selects} AS selected_{i}")} FROM ({resolved})"""
    judged = f"""
        SELECT * {_per_meter(meters, "selected_{i} AND {passes} AS passed_{i}")} FROM ({read})"""
    usable = f"""
        SELECT * {_per_meter(meters, "passed_{i} AND {value} IS NOT NULL AS used_{i}")} FROM ({judged})"""
    joined = f"""
        SELECT usable.*, charges.* EXCLUDE (company_id, subscription_id, occurred_on, from_at, to_at),
            charges.row_no IS NULL OR charges.is_first OR usable.subscription_id IS NOT NULL AS counts
        FROM ({usable}) AS usable
        LEFT JOIN charges
            ON usable.payer = charges.company_id AND usable.occurred_on = charges.occurred_on
            AND usable.occurred_at >= charges.from_at AND usable.occurred_at < charges.to_at
            AND (usable.subscription_id IS NULL OR usable.subscription_id = charges.subscription_id)"""
    falls = "used_{i} AND CASE WHEN subscription_id IS NULL THEN charged_{i} ELSE priced_{i} END AS falls_{i}"
    return f"""
        SELECT * {_per_meter(meters, falls)}, {_bucket(meters)} AS bucket FROM ({joined})"""


def value_column(meters: Sequence[MeterSql], index: int) -> str:
    """Column of `metered` with a meter's value."""
    return f"value_{_first(meters, lambda meter: meter.value == meters[index].value)}"


def text_column(meters: Sequence[MeterSql], index: int) -> str:
    """Column of `metered` with a meter's value as sent."""
    return f"text_{_first(meters, lambda meter: meter.text == meters[index].text)}"


def dimension_column(meters: Sequence[MeterSql], name: str) -> str:
    """Column of `metered` with a dimension."""
    return f"dimension_{_dimension_names(meters).index(name)}"


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


def _bucket(meters: Sequence[MeterSql]) -> str:
    return f"""CASE
        WHEN {_any(meters, _CHARGED)} THEN 0
        WHEN payer IS NULL THEN 1
        WHEN NOT {_any(meters, "selected_{i}")} THEN 2
        WHEN NOT {_any(meters, "passed_{i}")} THEN 3
        WHEN NOT {_any(meters, "used_{i}")} THEN 4
        WHEN subscription_id IS NULL AND {_any(meters, "used_{i} AND ambiguous_{i}")} THEN 5
        ELSE 6 END"""


def finest_dimensions(meters: Sequence[MeterSql]) -> list[tuple[str, ...]]:
    """The sets of dimensions by which states are made: those of meters that no other meter's contain."""
    found = sorted({tuple(meter.dimensions) for meter in meters}, key=lambda names: (-len(names), names))
    finest: list[tuple[str, ...]] = []
    for names in found:
        if not any(set(names) <= set(finer) for finer in finest):
            finest.append(names)
    return finest or [()]


def states_sql(meters: Sequence[MeterSql], dimensions: tuple[str, ...]) -> str:
    """States of the meters that these finest dimensions serve, over `metered`.

    Events that fall under the same meters are aggregated together, once for each distinct value, whatever the number of
    meters. Columns: row_no, occurred_on, bucket, counts, refused, weighted (a meter that weight does not multiply met
    another weight than 1), masks of the meters, the dimensions, events, and the aggregates that `_aggregate` names.
    """
    served = _served(meters, dimensions)
    refused = _any(meters, "passed_{i} AND NOT used_{i}")
    valued = [index for index, meter in enumerate(meters) if meter.meter.aggregation is not Aggregation.COUNT]
    weighted = " OR ".join(f"({_CHARGED.format(i=index)})" for index in valued) or "false"
    aggregates = dict(_aggregate(meters, index) for index in served)
    aggregates.pop("", None)
    keys = {
        "row_no": "row_no",
        "occurred_on": "occurred_on",
        "bucket": "bucket",
        "counts": "counts",
        "refused": refused,
        "weighted": f"coalesce(weight <> 1 AND ({weighted}), false)",
        **_masks(served),
        **{dimension_column(meters, name): dimension_column(meters, name) for name in dimensions},
    }
    return f"""
        SELECT {", ".join(f"{sql} AS {name}" for name, sql in keys.items())}, count(*) AS events {_named(aggregates)}
        FROM metered GROUP BY {", ".join(str(position) for position in range(1, len(keys) + 1))}"""


#: Meters whose falling is told in one BIGINT.
_BITS = 60


def _masks(served: Sequence[int]) -> dict[str, str]:
    """Columns in which each served meter has a bit: whether the event falls under it."""
    masks: dict[str, str] = {}
    for start in range(0, len(served), _BITS):
        bits = [
            f"CASE WHEN falls_{index} THEN {1 << bit} ELSE 0 END"
            for bit, index in enumerate(served[start : start + _BITS])
        ]
        masks[f"mask_{start // _BITS}"] = f"CAST({' + '.join(bits)} AS BIGINT)"
    return masks


def _falls(served: Sequence[int], index: int) -> str:
    """Condition on states: whether their events fall under a meter."""
    mask, bit = divmod(served.index(index), _BITS)
    return f"(mask_{mask} & {1 << bit}) <> 0"


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


_MERGE = {Aggregation.COUNT: "sum", Aggregation.SUM: "sum", Aggregation.MIN: "min"}


def rows_sql(meters: Sequence[MeterSql]) -> str:
    """Rows of daily_usage without the charge's own columns, from the tables `states_k`, one per finest dimensions."""
    return " UNION ALL ".join(
        _row(meters, number, served, index)
        for number, dimensions in enumerate(finest_dimensions(meters))
        for served in [_served(meters, dimensions)]
        for index in served
    )


def _row(meters: Sequence[MeterSql], number: int, served: Sequence[int], index: int) -> str:
    meter = meters[index].meter
    aggregate = _aggregate(meters, index)[0]
    value = f"{_MERGE.get(meter.aggregation, 'max')}({aggregate})" if aggregate else "NULL"
    names = sorted(meter.dimensions)
    columns = [dimension_column(meters, name) for name in names]
    pairs = ", ".join(f"{text_literal(name)}, {column}" for name, column in zip(names, columns, strict=True))
    keys = ", ".join(["row_no", *columns])
    merged = f"""
        SELECT {keys}, sum(events) AS events, {value} AS value
        FROM states_{number} WHERE {_falls(served, index)} GROUP BY {keys}"""

    def column(kind: Aggregation, name: str, sql_type: str) -> str:
        return f"CAST({'value' if meter.aggregation is kind else 'NULL'} AS {sql_type}) AS {name}_value"

    def latest(field: str, sql_type: str) -> str:
        value = f"value.{field}" if meter.aggregation is Aggregation.LATEST else "NULL"
        return f"CAST({value} AS {sql_type})"

    return f"""
        SELECT row_no, {text_literal(meter.meter_id)} AS meter_id, CAST(json_object({pairs}) AS VARCHAR) AS dimensions,
            events, {column(Aggregation.COUNT, "count", "DECIMAL(38,12)")},
            {column(Aggregation.SUM, "sum", "DECIMAL(38,12)")},
            {column(Aggregation.MIN, "min", "DECIMAL(28,12)")}, {column(Aggregation.MAX, "max", "DECIMAL(28,12)")},
            {latest("value", "DECIMAL(28,12)")} AS latest_value, {latest("at", "TIMESTAMPTZ")} AS latest_at,
            {latest("source", "VARCHAR")} AS latest_source, {latest("id", "VARCHAR")} AS latest_event_id
        FROM ({merged})"""


def refusals_sql(meters: Sequence[MeterSql]) -> str:
    """Rows of meter_refusals over the relation `metered`."""
    reason = (
        "CASE WHEN {text} IS NULL THEN 'the value is missing' ELSE 'the value is not a number that can be used' END"
    )
    return " UNION ALL ".join(
        f"""SELECT source, event_id, {text_literal(meter.meter.meter_id)} AS meter_id, payer AS company_id,
            {reason.format(text=text_column(meters, index))} AS reason,
            left({text_column(meters, index)}, 1000) AS value, occurred_on
        FROM metered WHERE counts AND passed_{index} AND NOT used_{index}"""
        for index, meter in enumerate(meters)
    )


def unbilled_sql(meters: Sequence[MeterSql]) -> str:
    """Rows of `unbilled` over the relation `metered`: each event nobody is charged for, and each ambiguous meter."""
    reason = " ".join(f"WHEN {number} THEN '{bucket}'" for number, bucket in enumerate(BUCKETS))
    common = "source, event_id, {meter} AS meter_id, payer AS company_id, {reason} AS reason, user_id, subscription_id"
    ambiguous = BUCKETS.index("ambiguous_subscription")
    selects = [
        f"""SELECT {common.format(meter="''", reason=f"CASE bucket {reason} END")}, occurred_at, occurred_on
        FROM metered WHERE counts AND bucket NOT IN (0, {ambiguous})"""
    ]
    selects += [
        f"""SELECT {common.format(meter=text_literal(meter.meter.meter_id), reason="'ambiguous_subscription'")},
            occurred_at, occurred_on
        FROM metered WHERE counts AND subscription_id IS NULL AND used_{index} AND ambiguous_{index}"""
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
