"""Syntax tree → checked, typed DuckDB SQL. Every kind of node that is not in the table below is refused."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from sqlglot import exp

from monetization_pipeline.expressions.functions import call, cast, chosen
from monetization_pipeline.expressions.model import (
    ExpressionError,
    Kind,
    Path,
    Scope,
)
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.expressions.reading import MAX_DEPTH, Parsed, PathUse
from monetization_pipeline.expressions.typed import (
    Typed,
    as_condition,
    as_number,
    as_text,
    checked,
    decimal_of,
    describe,
    null,
    number,
    to_text,
    unify,
)
from monetization_pipeline.money import EXACT

#: Operands in one chain of AND, OR or ||; and of + and -, or *, whose plan DuckDB makes in time that grows faster.
_MAX_CHAIN = 200
_MAX_TERMS = 50
_MAX_NESTING = 3 * MAX_DEPTH

_CASTS: Mapping[exp.DType, Kind] = MappingProxyType(
    {
        exp.DType.TEXT: Kind.TEXT,
        exp.DType.VARCHAR: Kind.TEXT,
        exp.DType.INT: Kind.INTEGER,
        exp.DType.BIGINT: Kind.INTEGER,
        exp.DType.DECIMAL: Kind.DECIMAL,
        exp.DType.BOOLEAN: Kind.BOOLEAN,
    }
)
_COMPARISONS: Mapping[type[exp.Expr], str] = MappingProxyType(
    {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
)


#: How a user writes what sqlglot calls otherwise.
_NAMES = {"star": "*", "tuple": "( , )", "alias": "AS", "bitwiseleftshift": "<<", "bitwiserightshift": ">>"}


@dataclass(slots=True)
class Walk:
    """One compilation: what it was given, and the paths it met."""

    parsed: Parsed
    scope: Scope
    depth: int = 0
    paths: set[Path] = field(default_factory=set[Path])

    def compile(self, node: exp.Expr) -> Typed:
        """The typed SQL of a node."""
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise ExpressionError(f"{name_of(node)} is not allowed in an expression")
        self.depth += 1
        if self.depth > _MAX_NESTING:
            raise ExpressionError(f"the expression is nested more than {_MAX_NESTING} deep")
        made = checked(handler(self, node))
        self.depth -= 1
        return made

    def path_of(self, node: exp.Expr) -> PathUse:
        """The path that a column node stands for."""
        use = self.parsed.paths.get(node.name)
        if use is None or not isinstance(node, exp.Column) or node.args.get("table") is not None:
            raise ExpressionError(f"{name_of(node)} is not allowed in an expression")
        return use

    def reference(self, node: exp.Expr) -> Typed:
        """The scope's SQL for a column node."""
        use = self.path_of(node)
        found = self.scope.resolve(use.path)
        if found is None:
            known = ", ".join(self.scope.known)
            raise ExpressionError(f"unknown column `{use.label}`; there are: {known}", use.position)
        self.paths.add(use.path)
        if found.kind is Kind.DECIMAL:
            return decimal_of(found.sql, f"`{use.label}`", use.position)
        return Typed(found.sql, found.kind, f"`{use.label}`", use.position)


def name_of(node: exp.Expr) -> str:
    return f"`{_NAMES.get(node.key, node.key.upper())}`"


def _column(walk: Walk, node: exp.Expr) -> Typed:
    return walk.reference(node)


def _literal(_: Walk, node: exp.Expr) -> Typed:
    text = str(node.this)
    if node.is_string:
        quoted = text_literal(text)
        return Typed(quoted, Kind.TEXT, quoted, constant=text)
    try:
        return number(Decimal(text), text)
    except InvalidOperation:
        raise ExpressionError(f"{text}: a number has at most 16 digits before and 12 after the point") from None


def _boolean(_: Walk, node: exp.Expr) -> Typed:
    sql = "true" if node.this else "false"
    return Typed(sql, Kind.BOOLEAN, sql)


def _null(_walk: Walk, _node: exp.Expr) -> Typed:
    return null()


def _paren(walk: Walk, node: exp.Expr) -> Typed:
    return walk.compile(node.this)


def _chain(node: exp.Expr, kinds: tuple[type[exp.Expr], ...]) -> list[tuple[type[exp.Expr], exp.Expr]]:
    """`a + b - c` as [(Add, a), (Add, b), (Sub, c)]: a long chain is no deep one."""
    found: list[tuple[type[exp.Expr], exp.Expr]] = []
    while isinstance(node, kinds):
        found.append((type(node), node.args["expression"]))
        node = node.this
    found.append((kinds[0], node))
    most = _MAX_TERMS if kinds[0] in (exp.Add, exp.Mul) else _MAX_CHAIN
    if len(found) > most:
        raise ExpressionError(f"more than {most} operands in a row; compare with a list by `in (…)`, or split it up")
    return found[::-1]


def _connected(word: str, kind: type[exp.Expr]) -> Callable[[Walk, exp.Expr], Typed]:
    def handler(walk: Walk, node: exp.Expr) -> Typed:
        parts = [as_condition(walk.compile(part)) for _, part in _chain(node, (kind,))]
        return Typed(f"({f' {word} '.join(parts)})", Kind.BOOLEAN, f"… {word} …")

    return handler


def _not(walk: Walk, node: exp.Expr) -> Typed:
    return Typed(f"(NOT {as_condition(walk.compile(node.this))})", Kind.BOOLEAN, "NOT …")


def _compared(walk: Walk, node: exp.Expr) -> Typed:
    sides = [walk.compile(node.this), walk.compile(node.args["expression"])]
    left, right = unify(_without_null(sides))
    ordered = not isinstance(node, (exp.EQ, exp.NEQ))
    if ordered and left.kind is Kind.BOOLEAN:
        raise ExpressionError(f"{describe(left)}: it has no order", left.position)
    return Typed(f"({left.sql} {_COMPARISONS[type(node)]} {right.sql})", Kind.BOOLEAN, "a comparison", left.position)


def _without_null(pieces: Iterable[Typed]) -> list[Typed]:
    listed = list(pieces)
    if any(piece.kind is None for piece in listed):
        raise ExpressionError("nothing equals NULL: write `is null` or `is not null`")
    return listed


def _between(walk: Walk, node: exp.Expr) -> Typed:
    parts = [walk.compile(node.args[key]) for key in ("this", "low", "high")]
    value, low, high = unify(_without_null(parts))
    if node.args.get("symmetric") or value.kind is Kind.BOOLEAN:
        raise ExpressionError(f"between is not allowed here: {describe(value)}", value.position)
    return Typed(f"({value.sql} BETWEEN {low.sql} AND {high.sql})", Kind.BOOLEAN, "… between …", value.position)


def _in(walk: Walk, node: exp.Expr) -> Typed:
    items: list[exp.Expr] = node.args.get("expressions") or []
    listed = _without_null(walk.compile(item) for item in items)
    if not listed or any(item.constant is None and item.kind is not Kind.BOOLEAN for item in listed):
        raise ExpressionError("`in` is followed by a list of texts or numbers written out, such as in ('GET', 'PUT')")
    if any(item.find(exp.Column) for item in items):
        raise ExpressionError("`in` is followed by a list of texts or numbers written out, not columns")
    value, *rest = unify(_without_null([walk.compile(node.this), *listed]))
    return Typed(f"({value.sql} IN ({', '.join(item.sql for item in rest)}))", Kind.BOOLEAN, "… in (…)", value.position)


def _is(walk: Walk, node: exp.Expr) -> Typed:
    if not isinstance(node.args["expression"], exp.Null):
        raise ExpressionError("after `is` write null or not null; compare with = otherwise")
    return Typed(f"({walk.compile(node.this).sql} IS NULL)", Kind.BOOLEAN, "… is null")


def _like(word: str) -> Callable[[Walk, exp.Expr], Typed]:
    def handler(walk: Walk, node: exp.Expr) -> Typed:
        value, pattern = as_text(walk.compile(node.this)), walk.compile(node.args["expression"])
        if not isinstance(pattern.constant, str):
            raise ExpressionError(f"{word} is followed by a text in single quotes, such as '/v1/%'", pattern.position)
        made = f"({value.sql} {word} {pattern.sql})"
        return Typed(f"(NOT {made})" if node.args.get("negate") else made, Kind.BOOLEAN, f"… {word} …", value.position)

    return handler


def _case(walk: Walk, node: exp.Expr) -> Typed:
    branches: list[exp.Expr] = node.args["ifs"]
    otherwise: exp.Expr | None = node.args.get("default")
    subject: exp.Expr | None = node.args.get("this")
    conditions = [walk.compile(branch.this) for branch in branches]
    if subject is not None:
        first, *conditions = unify(_without_null([walk.compile(subject), *conditions]))
        head, tests = f"CASE {first.sql}", [piece.sql for piece in conditions]
    else:
        head, tests = "CASE", [as_condition(piece) for piece in conditions]
    results = [walk.compile(branch.args["true"]) for branch in branches]
    results.append(null() if otherwise is None else walk.compile(otherwise))
    *made, last = unify(results)
    whens = "".join(f" WHEN {test} THEN {piece.sql}" for test, piece in zip(tests, made, strict=True))
    return chosen(f"{head}{whens} ELSE {last.sql} END", [*made, last], "case …", None)


def _summed(walk: Walk, node: exp.Expr) -> Typed:
    parts = _chain(node, (exp.Add, exp.Sub))
    total = as_number(walk.compile(parts[0][1]))
    for kind, part in parts[1:]:
        total = _plus(total, as_number(walk.compile(part)), "-" if kind is exp.Sub else "+")
    return total


def _plus(left: Typed, right: Typed, sign: str) -> Typed:
    label, position = f"{left.label} {sign} {right.label}", left.position or right.position
    if isinstance(left.constant, Decimal) and isinstance(right.constant, Decimal):
        value = (
            EXACT.add(left.constant, right.constant) if sign == "+" else EXACT.subtract(left.constant, right.constant)
        )
        return number(value, label, position)
    scale = max(left.scale, right.scale)
    limit = left.limit * 10 ** (scale - left.scale) + right.limit * 10 ** (scale - right.scale)
    return checked(
        Typed(f"({left.sql} {sign} {right.sql})", Kind.DECIMAL, _short(label), position, scale=scale, limit=limit)
    )


def _multiplied(walk: Walk, node: exp.Expr) -> Typed:
    parts = [as_number(walk.compile(part)) for _, part in _chain(node, (exp.Mul,))]
    product = parts[0]
    for part in parts[1:]:
        product = _times(product, part)
    return product


def _times(left: Typed, right: Typed) -> Typed:
    label, position = f"{left.label} * {right.label}", left.position or right.position
    if isinstance(left.constant, Decimal) and isinstance(right.constant, Decimal):
        return number(EXACT.multiply(left.constant, right.constant), label, position)
    limit, scale = left.limit * right.limit, left.scale + right.scale
    sql = f"({left.sql} * {right.sql})"
    return checked(Typed(sql, Kind.DECIMAL, _short(label), position, scale=scale, limit=limit))


def _negated(walk: Walk, node: exp.Expr) -> Typed:
    piece = as_number(walk.compile(node.this))
    label = f"-{piece.label}"
    if isinstance(piece.constant, Decimal):
        return number(-piece.constant, label, piece.position)
    return Typed(f"(- {piece.sql})", Kind.DECIMAL, label, piece.position, scale=piece.scale, limit=piece.limit)


def _joined(walk: Walk, node: exp.Expr) -> Typed:
    texts = [to_text(walk.compile(part)) for _, part in _chain(node, (exp.DPipe,))]
    growth = sum(text.growth for text in texts)
    return Typed(f"({' || '.join(text.sql for text in texts)})", Kind.TEXT, "… || …", growth=growth)


def _called(walk: Walk, node: exp.Expr) -> Typed:
    use = walk.parsed.calls.get(str(node.this))
    if use is None:
        raise ExpressionError(f"{name_of(node)} is not allowed in an expression")
    arguments: list[exp.Expr] = node.args.get("expressions") or []
    return call(use.name, [walk.compile(argument) for argument in arguments], use.position)


def _cast(walk: Walk, node: exp.Expr) -> Typed:
    target = _CASTS.get(node.args["to"].this)
    if target is None or node.args.get("format") is not None:
        raise ExpressionError("a cast is to text, integer, decimal or boolean")
    piece = walk.compile(node.this)
    return cast(piece, target, piece.position)


def _short(label: str) -> str:
    return label if len(label) < 60 else "the sum or product"


_HANDLERS: Mapping[type[exp.Expr], Callable[[Walk, exp.Expr], Typed]] = MappingProxyType(
    {
        exp.Column: _column,
        exp.Literal: _literal,
        exp.Boolean: _boolean,
        exp.Null: _null,
        exp.Paren: _paren,
        exp.And: _connected("AND", exp.And),
        exp.Or: _connected("OR", exp.Or),
        exp.Not: _not,
        exp.Between: _between,
        exp.In: _in,
        exp.Is: _is,
        exp.Like: _like("LIKE"),
        exp.ILike: _like("ILIKE"),
        exp.Case: _case,
        exp.Add: _summed,
        exp.Sub: _summed,
        exp.Mul: _multiplied,
        exp.Neg: _negated,
        exp.DPipe: _joined,
        exp.Anonymous: _called,
        exp.Cast: _cast,
        exp.TryCast: _cast,
        **dict.fromkeys(_COMPARISONS, _compared),
    }
)
