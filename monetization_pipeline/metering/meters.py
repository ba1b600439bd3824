"""A meter as SQL over one row of `events`: which events it selects, what their values are, and by what it groups."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monetization_pipeline.catalog.models import Aggregation, Catalog, Direction, Meter, MeterPrice
from monetization_pipeline.expressions import (
    EventScope,
    ExpressionError,
    Path,
    Reference,
    Scope,
    compile_column,
    compile_filter,
    compile_mapping,
    compile_value,
    paths_of,
)
from monetization_pipeline.expressions.model import show
from monetization_pipeline.expressions.quoting import identifier, json_leaves, text_literal

#: Characters of a value that a price groups by. It stands on an invoice's line, and callers may fill it in.
MAX_GROUP_VALUE = 200

#: Expressions over the columns of `events` as they are.
EVENTS = EventScope()


class LeafScope:
    """Names of an event's columns, where each JSON path is a column of its own, to be made once by `leaf_columns`."""

    known = EVENTS.known

    def resolve(self, path: Path) -> Reference | None:
        """The column that a path names, a JSON path that of its leaf (quoted); None where there is none."""
        found = EVENTS.resolve(path)
        return found if found is None or len(path) == 1 else Reference(identifier(show(path)), found.kind)


def leaf_list(meters: Iterable["MeterSql"]) -> str:
    """SQL of a list of all JSON leaves that meters made with a LeafScope read: each text is parsed once."""
    return json_leaves(identifier("metadata"), [path[1:] for path in _leaves(meters)])


def leaf_columns(meters: Iterable["MeterSql"]) -> dict[str, str]:
    """Each JSON leaf that meters made with a LeafScope read: its column (quoted) → SQL over the list named `leaves`."""
    return {identifier(show(path)): f"leaves[{position}]" for position, path in enumerate(_leaves(meters), 1)}


def _leaves(meters: Iterable["MeterSql"]) -> list[Path]:
    return sorted({path for meter in meters for path in meter.paths if len(path) > 1}, key=show)


@dataclass(frozen=True, slots=True)
class MeterSql:
    """SQL over columns of `events`; none of it raises.

    `selects`: the event is of the meter's type, name and filter. `unblocked`: its being blocked does not keep it off.
    `directed`: its direction does not. `value`: DECIMAL, or VARCHAR for unique_count; NULL where it cannot be used.
    `text`: the value as sent. `dimensions`: name → VARCHAR. `grouped`: those that a price groups by, whose values are
    bounded (MAX_GROUP_VALUE). `paths`: what it reads.
    """

    meter: Meter
    selects: str
    unblocked: str
    directed: str
    value: str
    text: str
    dimensions: Mapping[str, str]
    grouped: Sequence[str]
    paths: frozenset[Path]

    @property
    def passes(self) -> str:
        """Condition: nothing keeps off an event that the meter selects."""
        return f"{self.unblocked} AND {self.directed}"


def meters_sql(catalog: Catalog) -> list[MeterSql]:
    """Every meter of a catalog, in its order, with the dimensions that its prices group by."""
    grouped: dict[str, set[str]] = {}
    for price in (price for plan in catalog.plans for price in plan.prices):
        if isinstance(price, MeterPrice):
            grouped.setdefault(price.meter, set()).update(price.group_by)
    return [meter_sql(meter, grouped=sorted(grouped.get(meter.meter_id, ()))) for meter in catalog.meters]


def meter_sql(meter: Meter, scope: Scope | None = None, grouped: Sequence[str] = ()) -> MeterSql:
    """A meter as SQL over the columns that `scope` names, by default a LeafScope.

    Blocked calls, and those of another direction, are left out unless the meter says otherwise (rule 5). Raises
    ExpressionError where the filter, the value or a dimension is refused.
    """
    scope = scope or LeafScope()
    selects: list[str] = []
    if meter.event_type is not None:
        selects.append(f"event_type = {text_literal(meter.event_type.value)}")
    if meter.action_name is not None:
        selects.append(f"action_name = {text_literal(meter.action_name)}")
    if meter.filter is not None:
        selects.append(compile_filter(meter.filter, scope).sql)
    value, text = _value(meter, scope)
    return MeterSql(
        meter,
        f"coalesce({' AND '.join(selects)}, false)" if selects else "true",
        "true" if meter.count_blocked else "blocked_by IS NULL",
        _directed(meter),
        value,
        text,
        {name: f"CAST({compile_column(name, scope).sql} AS VARCHAR)" for name in meter.dimensions},
        grouped,
        frozenset(path for text in (meter.filter, meter.value, *meter.dimensions) if text for path in paths_of(text)),
    )


def _directed(meter: Meter) -> str:
    if set(meter.directions) == set(Direction):
        return "true"
    wanted = ", ".join(text_literal(direction.value) for direction in meter.directions)
    return f"coalesce(direction, {text_literal(Direction.INCOMING.value)}) IN ({wanted})"


def _value(meter: Meter, scope: Scope) -> tuple[str, str]:
    if meter.aggregation is Aggregation.COUNT or meter.value is None:
        return "weight", "CAST(NULL AS VARCHAR)"
    if meter.aggregation is Aggregation.UNIQUE_COUNT:
        sql = f"CAST({compile_mapping(meter.value, scope).sql} AS VARCHAR)"
        return sql, sql
    compiled = compile_value(meter.value, scope)
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
                check(text, EVENTS)
            except ExpressionError as error:
                yield field, str(error)
