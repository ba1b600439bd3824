"""SQL over events one by one: what each meter makes of an event alone, and who is charged for it (rules 4 and 6).

Reads the relations that `Inputs` names.

Each distinct value and dimension is computed once, whatever the number of meters that use it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monetization_pipeline.metering.charged import PASSED, REFUSED, SELECTED, WEIGHTED, charged_sql, packed
from monetization_pipeline.metering.leaves import leaf_columns, leaf_list
from monetization_pipeline.metering.meters import MAX_GROUP_VALUE, MeterSql
from monetization_pipeline.metering.payers import Payers


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is metered: `events` is a relation with the columns of that dataset, by name.

    `all_have_companies`: no event comes without one, so that nobody has to be looked up.
    """

    meters: Sequence[MeterSql]
    events: str
    payers: Payers
    all_have_companies: bool


def judged_sql(inputs: Inputs) -> str:
    """One row per event: its columns, `payer`, what each meter makes of it alone, and that packed for `charged_sql`.

    doubtful_i (what it reads besides its value cannot be read), passed_i (selected, or perhaps so, and not kept off by
    being blocked or by its direction), used_by_i (passed, not doubtful, the value can be used, and the group's values
    are no longer than they may be); `used`, the set of the meters of which the latter holds (columns used_0, …:
    `packed`); `facts`; and the columns that `value_column`, `text_column` and `dimension_column` name.
    """
    meters = inputs.meters
    shared = {name: sql for meter in meters for name, sql in _shared_columns(meters, meter).items()}
    paths = [path for meter in meters for path in meter.paths]
    payer, lookups = _payer(inputs)
    # Meters see the events alone: what is looked up has columns of the same names.
    resolved = f"""
        SELECT events.*, {payer} AS payer, {leaf_list(paths)} AS leaves
        FROM {inputs.events} AS events {lookups}"""
    leaves = f"SELECT * EXCLUDE (leaves) {named(leaf_columns(paths))} FROM ({resolved})"
    read = f"""
        SELECT * {named(shared)} {_per_meter(meters, "{selects} AS surely_{i}")} FROM ({leaves})"""
    told = f"""
        SELECT * {_per_meter(meters, "{doubtful} AS doubtful_{i}")} FROM ({read})"""
    judged = f"""
        SELECT * {_per_meter(meters, "surely_{i} OR doubtful_{i} AS selected_{i}")} FROM ({told})"""
    passed = f"""
        SELECT * {_per_meter(meters, "selected_{i} AND {passes} AS passed_{i}")} FROM ({judged})"""
    usable_if = "passed_{i} AND NOT doubtful_{i} AND {value} IS NOT NULL AND {fits} AS used_by_{i}"
    usable = f"""
        SELECT * {_per_meter(meters, usable_if)} FROM ({passed})"""
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


def metered_sql(inputs: Inputs) -> str:
    """One row per event and charge it may fall under: the columns of `judged_sql` and of `charged_sql`."""
    return charged_sql(judged_sql(inputs), inputs.meters, inputs.payers.charges, "occurred_at")


def value_column(meters: Sequence[MeterSql], index: int) -> str:
    """Column of `judged_sql` with a meter's value."""
    return f"value_{_first(meters, lambda meter: meter.value == meters[index].value)}"


def text_column(meters: Sequence[MeterSql], index: int) -> str:
    """Column of `judged_sql` with a meter's value as sent."""
    return f"text_{_first(meters, lambda meter: meter.text == meters[index].text)}"


def dimension_column(meters: Sequence[MeterSql], name: str) -> str:
    """Column of `judged_sql` with a dimension."""
    return f"dimension_{_dimension_names(meters).index(name)}"


def too_long(meters: Sequence[MeterSql], name: str) -> str:
    """Condition over the columns of `judged_sql`: whether a dimension is longer than a group's value may be."""
    return f"coalesce(length({dimension_column(meters, name)}), 0) > {MAX_GROUP_VALUE}"


def named(columns: Mapping[str, str]) -> str:
    """Columns by name, each after a comma."""
    return "".join(f", {sql} AS {name}" for name, sql in columns.items())


def _payer(inputs: Inputs) -> tuple[str, str]:
    """SQL of the company that an event is charged to, if any, and the joins that it needs."""
    if inputs.all_have_companies:
        return "events.company_id", ""
    return (
        "coalesce(events.company_id, of_subscription.company_id, of_user.company_id)",
        f"""
        LEFT JOIN {inputs.payers.subscription_companies} AS of_subscription ON of_subscription.subscription_id =
            CASE WHEN events.company_id IS NULL THEN events.subscription_id END
        LEFT JOIN {inputs.payers.user_companies} AS of_user
            ON of_user.user_id = CASE WHEN events.company_id IS NULL THEN events.user_id END
            AND events.occurred_at >= of_user.from_at AND events.occurred_at < of_user.to_at""",
    )


def _shared_columns(meters: Sequence[MeterSql], meter: MeterSql) -> dict[str, str]:
    index = meters.index(meter)
    columns = {value_column(meters, index): meter.value, text_column(meters, index): meter.text}
    return columns | {dimension_column(meters, name): sql for name, sql in meter.dimensions.items()}


def _first(meters: Sequence[MeterSql], wanted: Callable[[MeterSql], bool]) -> int:
    return next(index for index, meter in enumerate(meters) if wanted(meter))


def _dimension_names(meters: Sequence[MeterSql]) -> list[str]:
    return sorted({name for meter in meters for name in meter.dimensions})


def _per_meter(meters: Sequence[MeterSql], template: str) -> str:
    """The template for each meter, each after a comma."""
    return "".join(
        ", "
        + template.format(
            i=index,
            selects=meter.selects,
            doubtful=_doubtful(meter, index),
            passes=f"({meter.passes})",
            value=value_column(meters, index),
            fits=" AND ".join(f"NOT {too_long(meters, name)}" for name in meter.grouped) or "true",
        )
        for index, meter in enumerate(meters)
    )


def _doubtful(meter: MeterSql, index: int) -> str:
    """Whether something that decides about an event cannot be read; of what is not selected, whether it would be."""
    kinds = (("", meter.unreadable), ("NOT ", meter.undecided))
    asked = "".join(f" WHEN {no}surely_{index} THEN {found.when}" for no, found in kinds if found)
    return f"CASE{asked} ELSE false END" if asked else "false"


def _any(meters: Sequence[MeterSql], template: str) -> str:
    """Whether it holds for any meter; unknown counts as not."""
    return (
        "coalesce("
        + (" OR ".join(f"({template.format(i=index)})" for index in range(len(meters))) or "false")
        + ", false)"
    )
