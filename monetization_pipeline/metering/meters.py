"""A meter as SQL over one row of `events`: which events it selects, what their values are, and by what it groups."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monetization_pipeline.catalog.models import Aggregation, Meter
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
from monetization_pipeline.expressions.quoting import identifier, json_leaves, text_literal
from monetization_pipeline.expressions.scopes import numbered

#: Expressions over the columns of `events` as they are.
EVENTS = EventScope()


class LeafScope:
    """Names of an event's columns, where each of some JSON paths is a column of its own, to be made by `leaf_columns`.

    Those columns are numbered: what a user wrote is no name in SQL (see `expressions.scopes.numbered`).
    """

    known = EVENTS.known

    def __init__(self, paths: Iterable[Path]) -> None:
        self._columns = {path: f"leaf_{place}" for place, path in enumerate(_leaves(paths), 1)}

    def resolve(self, path: Path) -> Reference | None:
        """The column that a path names, a JSON path that of its leaf; None where there is none."""
        found = EVENTS.resolve(path)
        return found if found is None or len(path) == 1 else Reference(self._columns[path], found.kind)


def leaf_list(meters: Sequence["MeterSql"]) -> str:
    """SQL of a list of all JSON leaves that meters of `meters_sql` read: each text is parsed once."""
    return json_leaves(identifier("metadata"), [path[1:] for path in _leaves_of(meters)])


def leaf_columns(meters: Sequence["MeterSql"]) -> dict[str, str]:
    """Each JSON leaf that meters of `meters_sql` read: its column → SQL over the list named `leaves`."""
    return {f"leaf_{place}": f"leaves[{place}]" for place, _ in enumerate(_leaves_of(meters), 1)}


def _leaves_of(meters: Iterable["MeterSql"]) -> list[Path]:
    return _leaves(path for meter in meters for path in meter.paths)


def _leaves(paths: Iterable[Path]) -> list[Path]:
    return numbered(path for path in paths if len(path) > 1)


@dataclass(frozen=True, slots=True)
class MeterSql:
    """SQL over columns of `events`; none of it raises.

    `selects`: the event is of the meter's type, name and filter. `passes`: its being blocked does not matter or it is
    not blocked. `value`: DECIMAL, or VARCHAR for unique_count; NULL where it cannot be used. `text`: the value as sent.
    `dimensions`: name → VARCHAR. `paths`: what it reads.
    """

    meter: Meter
    selects: str
    passes: str
    value: str
    text: str
    dimensions: Mapping[str, str]
    paths: frozenset[Path]


def meters_sql(meters: Sequence[Meter]) -> list[MeterSql]:
    """All meters of a catalog as SQL over events with the columns of `leaf_columns`, which they share.

    Raises ExpressionError where a filter, a value or a dimension is refused.
    """
    scope = LeafScope(path for meter in meters for path in _paths(meter))
    return [meter_sql(meter, scope) for meter in meters]


def meter_sql(meter: Meter, scope: Scope = EVENTS) -> MeterSql:
    """A meter as SQL over the columns that `scope` names. Blocked calls are left out (rule 5).

    Raises ExpressionError where the filter, the value or a dimension is refused.
    """
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
        value,
        text,
        {name: compile_column(name, scope).text_sql for name in meter.dimensions},
        _paths(meter),
    )


def _paths(meter: Meter) -> frozenset[Path]:
    return frozenset(path for text in (meter.filter, meter.value, *meter.dimensions) if text for path in paths_of(text))


def _value(meter: Meter, scope: Scope) -> tuple[str, str]:
    if meter.aggregation is Aggregation.COUNT or meter.value is None:
        return "weight", "CAST(NULL AS VARCHAR)"
    if meter.aggregation is Aggregation.UNIQUE_COUNT:
        text = compile_mapping(meter.value, scope).text_sql
        return text, text
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
