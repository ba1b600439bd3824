"""SQL from events to mergeable daily states, and to what is not billed.

Relations it reads:
  events                 rows of the `events` dataset
  charges                pieces of companies' time: row_no, company_id, subscription_id, from_at, to_at, is_first, and for
                         the meter at position i: priced_i, charged_i, company_i (charged to any subscription of the
                         company), ambiguous_i
  user_companies         user_id, company_id, from_at, to_at (half-open, never NULL)
  subscription_companies subscription_id, company_id
"""

from collections.abc import Sequence
from itertools import groupby

from monetization_pipeline.catalog.models import Aggregation
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.metering.meters import MeterSql

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


def metered_sql(meters: Sequence[MeterSql]) -> str:
    """One row per event and charge it may fall under, with `bucket`, `counts` (once per event) and columns per meter.

    selected_i, passed_i (selected and not blocked), used_i (passed and the value can be used), value_i, text_i,
    dimensions d_i_j, and falls_i: it is charged to this row's subscription.
    """
    resolved = f"""
        SELECT events.*, coalesce(events.company_id, subscription_companies.company_id, user_companies.company_id) AS payer
            {_per_meter(meters, "{selects} AS selected_{i}, {value} AS value_{i}, {text} AS text_{i}")}
            {_dimensions(meters)}
        FROM events
        LEFT JOIN subscription_companies
            ON CASE WHEN events.company_id IS NULL THEN events.subscription_id END = subscription_companies.subscription_id
        LEFT JOIN user_companies
            ON CASE WHEN events.company_id IS NULL THEN events.user_id END = user_companies.user_id
            AND events.occurred_at >= user_companies.from_at AND events.occurred_at < user_companies.to_at"""
    judged = f"""
        SELECT * {_per_meter(meters, "selected_{i} AND {passes} AS passed_{i}")} FROM ({resolved})"""
    usable = f"""
        SELECT * {_per_meter(meters, "passed_{i} AND {usable} AS used_{i}")} FROM ({judged})"""
    joined = f"""
        SELECT usable.*, charges.* EXCLUDE (company_id, subscription_id, from_at, to_at),
            charges.row_no IS NULL OR charges.is_first OR usable.subscription_id IS NOT NULL AS counts
        FROM ({usable}) AS usable
        LEFT JOIN charges
            ON usable.payer = charges.company_id
            AND usable.occurred_at >= charges.from_at AND usable.occurred_at < charges.to_at
            AND (usable.subscription_id IS NULL OR usable.subscription_id = charges.subscription_id)"""
    falls = "used_{i} AND CASE WHEN subscription_id IS NULL THEN charged_{i} ELSE priced_{i} END AS falls_{i}"
    return f"""
        SELECT * {_per_meter(meters, falls)}, {_bucket(meters)} AS bucket FROM ({joined})"""


def _bucket(meters: Sequence[MeterSql]) -> str:
    charged = "used_{i} AND CASE WHEN subscription_id IS NULL THEN company_{i} ELSE priced_{i} END"
    return f"""CASE
        WHEN {_any(meters, charged)} THEN 0
        WHEN payer IS NULL THEN 1
        WHEN NOT {_any(meters, "selected_{i}")} THEN 2
        WHEN NOT {_any(meters, "passed_{i}")} THEN 3
        WHEN NOT {_any(meters, "used_{i}")} THEN 4
        WHEN subscription_id IS NULL AND {_any(meters, "used_{i} AND ambiguous_{i}")} THEN 5
        ELSE 6 END"""


def states_sql(meters: Sequence[MeterSql], dimensions: tuple[str, ...]) -> str:
    """States of the meters with these dimensions over the relation `metered`, one row per charge, day and combination.

    Columns: row_no, occurred_on, bucket, events (each counted once), refused, weighted, dimensions (JSON), and for the
    meter at position i: events_i, sum_i, min_i, max_i, latest_i as its aggregation needs.
    """
    positions = [index for index, meter in enumerate(meters) if tuple(meter.dimensions) == dimensions]
    columns = [f"d_{positions[0]}_{j}" for j in range(len(dimensions))] if dimensions else []
    pairs = ", ".join(
        f"{text_literal(name)}, {column}" for name, column in sorted(zip(dimensions, columns, strict=True))
    )
    refused = _any(meters, "passed_{i} AND NOT used_{i}")
    valued = [index for index, meter in enumerate(meters) if meter.meter.aggregation is not Aggregation.COUNT]
    weighted = " OR ".join(f"falls_{index}" for index in valued) or "false"
    aggregates = "".join(f", {_aggregates(index, meters[index].meter.aggregation)}" for index in positions)
    keys = ", ".join(["row_no", "occurred_on", "bucket", *columns])
    return f"""
        SELECT row_no, occurred_on, bucket, CAST(json_object({pairs}) AS VARCHAR) AS dimensions,
            count(*) FILTER (counts) AS events,
            count(*) FILTER (counts AND {refused}) AS refused,
            count(*) FILTER (counts AND weight <> 1 AND ({weighted})) AS weighted
            {aggregates}
        FROM metered GROUP BY {keys}"""


def _aggregates(index: int, aggregation: Aggregation) -> str:
    falls = f"FILTER (falls_{index})"
    events = f"count(*) {falls} AS events_{index}"
    match aggregation:
        case Aggregation.COUNT:
            return f"{events}, sum(weight) {falls} AS count_{index}"
        case Aggregation.SUM:
            return f"{events}, sum(value_{index}) {falls} AS sum_{index}"
        case Aggregation.MIN:
            return f"{events}, min(value_{index}) {falls} AS min_{index}"
        case Aggregation.MAX:
            return f"{events}, max(value_{index}) {falls} AS max_{index}"
        case Aggregation.LATEST:
            # The greatest (occurred_at, source, event_id) brings its value along (rule 19).
            packed = f"struct_pack(at := occurred_at, source := source, event_id := event_id, value := value_{index})"
            return f"{events}, max({packed}) {falls} AS latest_{index}"
        case Aggregation.UNIQUE_COUNT:
            return events


def rows_sql(meters: Sequence[MeterSql]) -> str:
    """Rows of daily_usage without the charge's own columns, from the tables `states_k` (one per tuple of dimensions)."""
    selects: list[str] = []
    for number, dimensions in enumerate(dimension_sets(meters)):
        for index, meter in enumerate(meters):
            if tuple(meter.dimensions) == dimensions:
                selects.append(_row(number, index, meter))
    return " UNION ALL ".join(selects)


def _row(number: int, index: int, meter: MeterSql) -> str:
    aggregation = meter.meter.aggregation
    latest = aggregation is Aggregation.LATEST

    def column(kind: Aggregation, name: str, sql_type: str) -> str:
        value = f"{name}_{index}" if aggregation is kind else "NULL"
        return f"CAST({value} AS {sql_type}) AS {name}_value"

    def latest_column(field: str, sql_type: str) -> str:
        value = f"latest_{index}.{field}" if latest else "NULL"
        return f"CAST({value} AS {sql_type}) AS latest_{field}"

    columns = [
        "row_no",
        "occurred_on",
        f"{text_literal(meter.meter.meter_id)} AS meter_id",
        "dimensions",
        f"events_{index} AS events",
        column(Aggregation.COUNT, "count", "DECIMAL(38,12)"),
        column(Aggregation.SUM, "sum", "DECIMAL(38,12)"),
        column(Aggregation.MIN, "min", "DECIMAL(28,12)"),
        column(Aggregation.MAX, "max", "DECIMAL(28,12)"),
        latest_column("value", "DECIMAL(28,12)"),
        latest_column("at", "TIMESTAMPTZ"),
        latest_column("source", "VARCHAR"),
        latest_column("event_id", "VARCHAR"),
    ]
    return f"SELECT {', '.join(columns)} FROM states_{number} WHERE events_{index} > 0"


def dimension_sets(meters: Sequence[MeterSql]) -> list[tuple[str, ...]]:
    """The tuples of dimensions that meters have, without dimensions always the first."""
    return [(), *(key for key, _ in groupby(sorted(tuple(meter.dimensions) for meter in meters)) if key)]


def refusals_sql(meters: Sequence[MeterSql]) -> str:
    """Rows of meter_refusals over the relation `metered`."""
    absent = "CASE WHEN text_{i} IS NULL THEN 'the value is missing' ELSE 'the value is not a number that can be used' END"
    return " UNION ALL ".join(
        f"""SELECT source, event_id, {text_literal(meter.meter.meter_id)} AS meter_id, payer AS company_id,
            {absent.format(i=index)} AS reason, left(text_{index}, 1000) AS value, occurred_on
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
        + template.format(
            i=index,
            selects=meter.selects,
            passes=f"({meter.passes})",
            usable=f"({meter.usable})",
            value=meter.value,
            text=meter.text,
        )
        for index, meter in enumerate(meters)
    )


def _dimensions(meters: Sequence[MeterSql]) -> str:
    return "".join(
        f", {sql} AS d_{index}_{position}"
        for index, meter in enumerate(meters)
        for position, sql in enumerate(meter.dimensions.values())
    )


def _any(meters: Sequence[MeterSql], template: str) -> str:
    """Whether it holds for any meter; unknown counts as not."""
    return "coalesce(" + (" OR ".join(f"({template.format(i=index)})" for index in range(len(meters))) or "false") + ", false)"
