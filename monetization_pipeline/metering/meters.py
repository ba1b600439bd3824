"""A meter as SQL over one row of `events`: which events it selects, what their values are, and by what it groups."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monetization_pipeline.catalog.models import Aggregation, Catalog, Direction, Meter, MeterPrice
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

#: Characters of a value that a price groups by. It stands on an invoice's line, and callers may fill it in.
MAX_GROUP_VALUE = 200


@dataclass(frozen=True, slots=True)
class MeterSql:
    """SQL over columns of `events`; none of it raises.

    `selects`: the event is of the meter's type, name and filter. `undecided`: where it does not, that cannot be told.
    `unblocked`: its being blocked does not keep it off. `directed`: its direction does not. `value`: DECIMAL, or
    VARCHAR for unique_count; NULL where it cannot be used; `absent`: whether that is because it is absent. `text`: the
    value as sent. `dimensions`: name → VARCHAR. `grouped`: those that a price groups by, whose values are bounded
    (MAX_GROUP_VALUE). `unreadable`: where what it reads besides cannot be read. `paths`: what it reads.
    """

    meter: Meter
    selects: str
    undecided: Unreadable | None
    unblocked: str
    directed: str
    value: str
    absent: str
    text: str
    dimensions: Mapping[str, str]
    grouped: Sequence[str]
    unreadable: Unreadable | None
    paths: frozenset[Path]

    @property
    def passes(self) -> str:
        """Condition: nothing keeps off an event that the meter selects."""
        return f"{self.unblocked} AND {self.directed}"


def meters_sql(catalog: Catalog) -> list[MeterSql]:
    """All meters of a catalog as SQL over events with the columns of `leaves.leaf_columns`, which they share.

    Each with the dimensions that its prices group by. Raises ExpressionError where a filter, a value or a dimension is
    refused.
    """
    grouped: dict[str, set[str]] = {}
    for price in (price for plan in catalog.plans for price in plan.prices):
        if isinstance(price, MeterPrice):
            grouped.setdefault(price.meter, set()).update(price.group_by)
    scope = LeafScope(path for meter in catalog.meters for path in _paths(meter))
    return [meter_sql(meter, scope, sorted(grouped.get(meter.meter_id, ()))) for meter in catalog.meters]


def meter_sql(meter: Meter, scope: Scope = EVENTS, grouped: Sequence[str] = ()) -> MeterSql:
    """A meter as SQL over the columns that `scope` names.

    Blocked calls, and those of another direction, are left out unless the meter says otherwise (rule 5). Raises
    ExpressionError where the filter, the value or a dimension is refused.
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
        _directed(meter),
        value,
        absent,
        text,
        {name: found.text_sql for name, found in dimensions.items()},
        grouped,
        either(blocked, *(found.unreadable for found in dimensions.values())),
        _paths(meter),
    )


def _directed(meter: Meter) -> str:
    if set(meter.directions) == set(Direction):
        return "true"
    wanted = ", ".join(text_literal(direction.value) for direction in meter.directions)
    return f"coalesce(direction, {text_literal(Direction.INCOMING.value)}) IN ({wanted})"


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
