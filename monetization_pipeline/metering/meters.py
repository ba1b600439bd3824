"""A meter as SQL over one row of `events`: which events it selects, what their values are, and by what it groups."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monetization_pipeline.catalog.models import Aggregation, Meter
from monetization_pipeline.expressions import (
    ExpressionError,
    Path,
    Scope,
    Unreadable,
    compile_column,
    compile_filter,
    compile_mapping,
    compile_value,
    paths_of,
)
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.expressions.unreadable import either, where
from monetization_pipeline.metering.leaves import EVENTS, LeafScope


@dataclass(frozen=True, slots=True)
class MeterSql:
    """SQL over columns of `events`; none of it raises.

    `selects`: the event is of the meter's type, name and filter. `undecided`: where it does not, that cannot be told.
    `passes`: its being blocked does not matter or it is not blocked. `value`: DECIMAL, or VARCHAR for unique_count;
    NULL where it cannot be used; `absent`: whether that is because it is absent. `text`: the value as sent.
    `dimensions`: name → VARCHAR. `unreadable`: where what it reads besides cannot be read. `paths`: what it reads.
    """

    meter: Meter
    selects: str
    undecided: Unreadable | None
    passes: str
    value: str
    absent: str
    text: str
    dimensions: Mapping[str, str]
    unreadable: Unreadable | None
    paths: frozenset[Path]


def meters_sql(meters: Sequence[Meter]) -> list[MeterSql]:
    """All meters of a catalog as SQL over events with the columns of `leaves.leaf_columns`, which they share.

    Raises ExpressionError where a filter, a value or a dimension is refused.
    """
    scope = LeafScope(path for meter in meters for path in _paths(meter))
    return [meter_sql(meter, scope) for meter in meters]


def meter_sql(meter: Meter, scope: Scope = EVENTS) -> MeterSql:
    """A meter as SQL over the columns that `scope` names. Blocked calls are left out (rule 5).

    Raises ExpressionError where the filter, the value or a dimension is refused.
    """
    kinds: list[str] = []
    if meter.event_type is not None:
        kinds.append(f"event_type = {text_literal(meter.event_type.value)}")
    if meter.action_name is not None:
        kinds.append(f"action_name = {text_literal(meter.action_name)}")
    of_kind = f"coalesce({' AND '.join(kinds)}, false)" if kinds else "true"
    chosen = compile_filter(meter.filter, scope) if meter.filter is not None else None
    value, absent, text = _value(meter, scope)
    dimensions = {name: compile_column(name, scope) for name in meter.dimensions}
    blocked = None if meter.count_blocked else compile_column("blocked_by", scope).unreadable
    return MeterSql(
        meter,
        of_kind if chosen is None else f"({of_kind} AND {chosen.sql})",
        where(of_kind, chosen.unreadable) if chosen else None,
        "true" if meter.count_blocked else "blocked_by IS NULL",
        value,
        absent,
        text,
        {name: found.text_sql for name, found in dimensions.items()},
        either(blocked, *(found.unreadable for found in dimensions.values())),
        _paths(meter),
    )


def _paths(meter: Meter) -> frozenset[Path]:
    return frozenset(path for text in (meter.filter, meter.value, *meter.dimensions) if text for path in paths_of(text))


def _value(meter: Meter, scope: Scope) -> tuple[str, str, str]:
    """SQL of value, absent and text."""
    if meter.aggregation is Aggregation.COUNT or meter.value is None:
        return "weight", "true", "CAST(NULL AS VARCHAR)"
    if meter.aggregation is not Aggregation.UNIQUE_COUNT:
        compiled = compile_value(meter.value, scope)
        return compiled.decimal_sql, compiled.absent_sql, compiled.text_sql
    distinct = compile_mapping(meter.value, scope)
    found = distinct.unreadable
    if found is None:
        return distinct.text_sql, "true", distinct.text_sql
    text = f"coalesce({distinct.text_sql}, CASE WHEN {found.when} THEN {found.said} END)"
    return distinct.text_sql, f"NOT {found.when}", text


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
                check(text, EVENTS)
            except ExpressionError as error:
                yield field, str(error)
