"""What the other rooms call: filters, mappings, columns and meters' values, compiled."""

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from monetization_pipeline.expressions.decimals import decimal_text
from monetization_pipeline.expressions.model import (
    Compiled,
    CompiledValue,
    ExpressionError,
    Kind,
    Path,
    Scope,
    Unreadable,
    show,
)
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.expressions.reading import read
from monetization_pipeline.expressions.typed import Typed, as_condition, as_number, as_value, checked, describe, to_text
from monetization_pipeline.expressions.walking import Walk, name_of


def compile_filter(text: str, scope: Scope) -> Compiled:
    """A condition; what is neither true nor false counts as false, and is `unreadable` where it cannot be told.

    Raises ExpressionError.

    >>> from monetization_pipeline.expressions.scopes import EventScope
    >>> made = compile_filter("status < 400", EventScope())
    >>> made.sql, sorted(made.paths)
    ('coalesce(("status" < 400), false)', [('status',)])
    """
    walk = Walk(read(text), scope)
    made = as_condition(walk.compile(walk.parsed.tree))
    return _compiled(f"coalesce({made.sql}, false)", Kind.BOOLEAN, walk, made.doubt)


def compile_mapping(text: str, scope: Scope) -> Compiled:
    """Any value; a number that is not whole comes as DECIMAL(28,12), NULL where it has more digits.

    Raises ExpressionError.

    >>> from monetization_pipeline.expressions.scopes import RecordScope
    >>> made = compile_mapping("upper(method)", RecordScope([("method",)]))
    >>> made.sql, str(made.kind)
    ('upper("r"[1])', 'text')
    """
    walk = Walk(read(text), scope)
    made = walk.compile(walk.parsed.tree)
    if made.kind is None:
        return _compiled("CAST(NULL AS VARCHAR)", Kind.TEXT, walk, made.unreadable)
    if made.kind is Kind.DECIMAL:
        made = as_value(made)
    sql = f"CAST({made.sql} AS BIGINT)" if made.kind is Kind.INTEGER and made.constant is not None else made.sql
    return _compiled(sql, made.kind or Kind.TEXT, walk, made.unreadable)


def compile_column(text: str, scope: Scope) -> Compiled:
    """Exactly one column or JSON path, such as a meter's dimension. Raises ExpressionError.

    >>> from monetization_pipeline.expressions.scopes import EventScope
    >>> compile_column("user_id", EventScope()).sql
    '"user_id"'
    """
    walk = Walk(read(text), scope)
    if not isinstance(walk.parsed.tree, exp.Column):
        raise ExpressionError("write one column or JSON path and nothing else, such as user_id or metadata.model")
    made = walk.reference(walk.parsed.tree)
    return _compiled(made.sql, made.kind or Kind.TEXT, walk, made.unreadable)


def compile_value(text: str, scope: Scope) -> CompiledValue:
    """A meter's value: a column, a JSON path, or +, - and multiplication by written-out numbers over them.

    A result that needs more than 16 digits before or 12 after the point is not usable; nothing is rounded.
    Raises ExpressionError.

    >>> from monetization_pipeline.expressions.scopes import EventScope
    >>> made = compile_value("request_size + response_size", EventScope())
    >>> sorted(made.paths), made.decimal_sql[:8]
    ([('request_size',), ('response_size',)], 'TRY_CAST')
    """
    walk = Walk(read(text), scope)
    tree = walk.parsed.tree.unnest()
    _check_value(tree)
    columns = {node.name: node for node in tree.find_all(exp.Column)}
    if not columns:
        raise ExpressionError(
            "a value reads at least one column or JSON path; to count events use the aggregation count"
        )
    parts = {walk.path_of(node).path: walk.reference(node, as_value=True) for node in columns.values()}
    for part in parts.values():
        if part.kind in (Kind.BOOLEAN, Kind.INSTANT, Kind.DATE):
            raise ExpressionError(f"{describe(part)}, and a value is a number or text", part.position)
    unreadable = [number.unreadable.when for part in parts.values() if (number := _as_number(part)).unreadable]
    absent = " OR ".join(f"({part.sql} IS NULL)" for part in parts.values())
    return CompiledValue(
        text_sql=_raw_text(parts),
        decimal_sql=_decimal_value(walk, tree, tuple(parts.values())),
        absent_sql=f"(({absent}) AND NOT ({' OR '.join(unreadable)}))" if unreadable else f"({absent})",
        paths=frozenset(parts),
    )


def _compiled(sql: str, kind: Kind, walk: Walk, unreadable: Unreadable | None) -> Compiled:
    if kind is Kind.DECIMAL:
        text = decimal_text(sql)
    else:
        text = sql if kind in (Kind.TEXT, Kind.LOOSE) else f"CAST({sql} AS VARCHAR)"
    return Compiled(sql, kind, frozenset(walk.paths), text, unreadable)


def _decimal_value(walk: Walk, tree: exp.Expr, parts: tuple[Typed, ...]) -> str:
    if isinstance(tree, exp.Column) and parts[0].kind is Kind.TEXT:
        return checked(_as_number(parts[0])).sql
    piece = as_number(walk.compile(tree))
    return piece.sql if isinstance(tree, exp.Column) and piece.scale else as_value(piece).sql


def _as_number(piece: Typed) -> Typed:
    """A column read as a number, also one of text."""
    return as_number(replace(piece, kind=Kind.LOOSE) if piece.kind is Kind.TEXT else piece)


def _raw_text(parts: Mapping[Path, Typed]) -> str:
    texts = {path: _text_of(part) for path, part in parts.items()}
    if len(texts) == 1:
        return next(iter(texts.values()))
    named = [f"{text_literal(show(path) + '=')}, coalesce({texts[path]}, 'null')" for path in sorted(texts, key=show)]
    return "concat(" + ", ' ', ".join(named) + ")"


def _text_of(part: Typed) -> str:
    text = to_text(part).sql
    found = part.unreadable
    return text if found is None else f"coalesce({text}, CASE WHEN {found.when} THEN {found.said} END)"


def _check_value(node: exp.Expr) -> None:
    """Refuses, by name, what a meter's value may not hold."""
    for part in node.walk():
        if isinstance(part, (exp.Column, exp.Identifier, exp.Paren, exp.Add, exp.Sub, exp.Neg)):
            continue
        if isinstance(part, exp.Literal) and not part.is_string:
            continue
        if not isinstance(part, exp.Mul):
            raise ExpressionError(
                f"{name_of(part)} is not allowed in a value: write a column or JSON path, or +, - and multiplication "
                "by numbers over them"
            )
        if all(side.find(exp.Column) for side in (part.this, part.expression)):
            raise ExpressionError(
                "a value multiplies by written-out numbers only; send the product of two fields as a field of its own"
            )
