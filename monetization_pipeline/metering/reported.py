"""SQL of what is not billed: values that a meter cannot use, and events nobody is charged for (rule 6).

Reads the relations that `Inputs` names. Makes `reported`: each event that there is anything to tell of, once; the
others read that.
"""

from collections.abc import Sequence

from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.metering.charged import BUCKETS, holds, mask_columns
from monetization_pipeline.metering.judged import Inputs, dimension_column, metered_sql, text_column, too_long
from monetization_pipeline.metering.meters import MAX_GROUP_VALUE, MeterSql

_LONG = f"{{name}} || ', which a price groups by, has more than {MAX_GROUP_VALUE} characters'"


def reported_sql(inputs: Inputs) -> str:
    """Rows of `reported`: source, event_id, payer, user_id, subscription_id, occurred_at, occurred_on, bucket.

    And the set `ambiguous`, the columns that `text_column` names, those that `dimension_column` names of what prices
    group by, and for each meter passed_i and used_by_i.
    """
    meters = inputs.meters
    columns = ["source", "event_id", "payer", "user_id", "subscription_id", "occurred_at", "occurred_on", "bucket"]
    columns += mask_columns("ambiguous", len(meters))
    columns += sorted({text_column(meters, index) for index in range(len(meters))})
    columns += sorted({dimension_column(meters, name) for meter in meters for name in meter.grouped})
    columns += [f"{name}_{index}" for name in ("passed", "used_by") for index in range(len(meters))]
    return f"""
        SELECT {", ".join(columns)} FROM ({metered_sql(inputs)})
        WHERE counts AND (refused OR ambiguous OR bucket <> 0)"""


def refusals_sql(meters: Sequence[MeterSql], reported: str) -> str:
    """Rows of meter_refusals."""
    reason = (
        "CASE WHEN {text} IS NULL THEN 'the value is missing' ELSE 'the value is not a number that can be used' END"
    )
    return " UNION ALL ".join(
        f"""SELECT source, event_id, {text_literal(meter.meter.meter_id)} AS meter_id, payer AS company_id,
            {_first_of(meters, meter, _LONG, reason.format(text=text_column(meters, index)))} AS reason,
            left({_first_of(meters, meter, "{column}", text_column(meters, index))}, 1000) AS value, occurred_on
        FROM {reported} WHERE passed_{index} AND NOT used_by_{index}"""
        for index, meter in enumerate(meters)
    )


def _first_of(meters: Sequence[MeterSql], meter: MeterSql, told: str, otherwise: str) -> str:
    """What is `told` of the first of the meter's groups that is too long, else `otherwise`."""
    cases = [
        f"WHEN {too_long(meters, name)} THEN "
        + told.format(column=dimension_column(meters, name), name=text_literal(name))
        for name in meter.grouped
    ]
    return f"CASE {' '.join(cases)} ELSE {otherwise} END" if cases else otherwise


def unbilled_sql(meters: Sequence[MeterSql], reported: str) -> str:
    """Rows of `unbilled`: each event nobody is charged for, and each ambiguous meter."""
    reason = " ".join(f"WHEN {number} THEN '{bucket}'" for number, bucket in enumerate(BUCKETS))
    common = "source, event_id, {meter} AS meter_id, payer AS company_id, {reason} AS reason, user_id, subscription_id"
    ambiguous = BUCKETS.index("ambiguous_subscription")
    selects = [
        f"""SELECT {common.format(meter="''", reason=f"CASE bucket {reason} END")}, occurred_at, occurred_on
        FROM {reported} WHERE bucket NOT IN (0, {ambiguous})"""
    ]
    selects += [
        f"""SELECT {common.format(meter=text_literal(meter.meter.meter_id), reason="'ambiguous_subscription'")},
            occurred_at, occurred_on
        FROM {reported} WHERE subscription_id IS NULL AND used_by_{index} AND {holds("ambiguous", index)}"""
        for index, meter in enumerate(meters)
    ]
    return " UNION ALL ".join(selects)
