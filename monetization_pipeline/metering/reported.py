"""SQL of what is not billed: values that a meter cannot use, and events nobody is charged for (rule 6).

Reads the relations that `Inputs` names. Makes `reported`: each event that there is anything to tell of, once; the
others read that.
"""

from collections.abc import Sequence

from monetization_pipeline.catalog.models import Aggregation
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.metering.charged import BUCKETS, holds, mask_columns
from monetization_pipeline.metering.judged import Inputs, dimension_column, metered_sql, text_column, too_long
from monetization_pipeline.metering.meters import MAX_GROUP_VALUE, MeterSql

#: Why a meter refuses an event: nothing is there to measure; what is there is no number; or it cannot be read, what is
#: measured or what decides whether, and in which group.
ABSENT = "the value is missing"
NO_NUMBER = "the value is not a number that can be used"
UNREADABLE_VALUE = "the value cannot be read"
UNREADABLE = "what the filter or a dimension reads cannot be read"
GROUP_TOO_LONG = f"{{name}}, which a price groups by, has more than {MAX_GROUP_VALUE} characters"


def reported_sql(inputs: Inputs) -> str:
    """Rows of `reported`: source, event_id, payer, user_id, subscription_id, occurred_at, occurred_on, bucket.

    And the set `ambiguous`, and for each meter passed_i and used_by_i, and why it cannot use what is said there.
    """
    meters = inputs.meters
    columns = ["source", "event_id", "payer", "user_id", "subscription_id", "occurred_at", "occurred_on", "bucket"]
    columns += mask_columns("ambiguous", len(meters))
    columns += [f"{name}_{index}" for name in ("passed", "used_by") for index in range(len(meters))]
    for index in range(len(meters)):
        columns += [f"{_why(meters, index)} AS why_{index}", f"{_said(meters, index)} AS said_{index}"]
    return f"""
        SELECT {", ".join(columns)} FROM ({metered_sql(inputs)})
        WHERE counts AND (refused OR ambiguous OR bucket <> 0)"""


def refusals_sql(meters: Sequence[MeterSql], reported: str) -> str:
    """Rows of meter_refusals."""
    return " UNION ALL ".join(
        f"""SELECT source, event_id, {text_literal(meter.meter.meter_id)} AS meter_id, payer AS company_id,
            why_{index} AS reason, left(said_{index}, 1000) AS value, occurred_on
        FROM {reported} WHERE passed_{index} AND NOT used_by_{index}"""
        for index, meter in enumerate(meters)
    )


def _why(meters: Sequence[MeterSql], index: int) -> str:
    meter = meters[index]
    unusable = UNREADABLE_VALUE if meter.meter.aggregation is Aggregation.UNIQUE_COUNT else NO_NUMBER
    long = "".join(
        f" WHEN {too_long(meters, name)} THEN {text_literal(GROUP_TOO_LONG.format(name=name))}"
        for name in meter.grouped
    )
    return (
        f"CASE WHEN doubtful_{index} THEN {text_literal(UNREADABLE)}{long} "
        f"WHEN {meter.absent} THEN {text_literal(ABSENT)} ELSE {text_literal(unusable)} END"
    )


def _said(meters: Sequence[MeterSql], index: int) -> str:
    """What is there: of that which decides and cannot be read, else of the group that is too long, or the value."""
    meter = meters[index]
    kinds = (("", meter.unreadable), ("NOT ", meter.undecided))
    cases = [f"WHEN doubtful_{index} AND {no}surely_{index} THEN {found.said}" for no, found in kinds if found]
    cases += [f"WHEN {too_long(meters, name)} THEN {dimension_column(meters, name)}" for name in meter.grouped]
    value = text_column(meters, index)
    return f"CASE {' '.join(cases)} ELSE {value} END" if cases else value


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
