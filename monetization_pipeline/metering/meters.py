"""A meter as SQL over one row of `events`: which events it selects, what their values are, and by what it groups."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monetization_pipeline.catalog.models import Aggregation, Meter
from monetization_pipeline.expressions import (
    EventScope,
    ExpressionError,
    compile_column,
    compile_filter,
    compile_mapping,
    compile_value,
)
from monetization_pipeline.expressions.quoting import text_literal

_SCOPE = EventScope()


@dataclass(frozen=True, slots=True)
class MeterSql:
    """SQL over columns of `events`; none of it raises.

    `selects`: the event is of the meter's type, name and filter. `passes`: its being blocked does not matter or it is
    not blocked. `value`: DECIMAL, or VARCHAR for unique_count; NULL where it cannot be used. `text`: the value as sent.
    `dimensions`: name → VARCHAR.
    """

    meter: Meter
    selects: str
    passes: str
    value: str
    text: str
    dimensions: Mapping[str, str]


def meter_sql(meter: Meter) -> MeterSql:
    """Raises ExpressionError where the filter, the value or a dimension is refused."""
    selects: list[str] = []
    if meter.event_type is not None:
        selects.append(f"event_type = {text_literal(meter.event_type.value)}")
    if meter.action_name is not None:
        selects.append(f"action_name = {text_literal(meter.action_name)}")
    if meter.filter is not None:
        selects.append(compile_filter(meter.filter, _SCOPE).sql)
    value, text = _value(meter)
    return MeterSql(
        meter,
        f"coalesce({' AND '.join(selects)}, false)" if selects else "true",
        "true" if meter.count_blocked else "blocked_by IS NULL",
        value,
        text,
        {name: f"CAST({compile_column(name, _SCOPE).sql} AS VARCHAR)" for name in meter.dimensions},
    )


def _value(meter: Meter) -> tuple[str, str]:
    if meter.aggregation is Aggregation.COUNT or meter.value is None:
        return "weight", "CAST(NULL AS VARCHAR)"
    if meter.aggregation is Aggregation.UNIQUE_COUNT:
        sql = f"CAST({compile_mapping(meter.value, _SCOPE).sql} AS VARCHAR)"
        return sql, sql
    compiled = compile_value(meter.value, _SCOPE)
    return compiled.decimal_sql, compiled.text_sql


def meter_problems(meter: Meter) -> Iterator[tuple[str, str]]:
    """(field, problem) of each expression of a meter that is refused; for the catalog's loader."""
    checks = [
        ("filter", meter.filter, compile_filter),
        ("value", meter.value, compile_mapping if meter.aggregation is Aggregation.UNIQUE_COUNT else compile_value),
        *(("dimensions", dimension, compile_column) for dimension in meter.dimensions),
    ]
    for field, text, check in checks:
        if text is not None:
            try:
                check(text, _SCOPE)
            except ExpressionError as error:
                yield field, str(error)
