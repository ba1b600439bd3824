"""Syntax tree → checked, typed DuckDB SQL. Every kind of node that is not in the table below is refused."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from sqlglot import exp

from monetization_pipeline.expressions.functions import call, cast, chosen
from monetization_pipeline.expressions.model import (
    ExpressionError,
    Kind,
    Path,
    Scope,
    Unreadable,
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
from monetization_pipeline.expressions.unreadable import either, undecided_and, undecided_or, where
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

    def reads(self, node: exp.Expr) -> frozenset[Path]:
        """The paths that a node reads."""
        return frozenset(self.path_of(column).path for column in node.find_all(exp.Column))

    def reference(self, node: exp.Expr, *, as_value: bool = False) -> Typed:
        """The scope's SQL for a column node; `as_value`: it is a meter's value, or a part of it."""
        use = self.path_of(node)
        found = self.scope.resolve(use.path)
        if found is None:
            known = ", ".join(self.scope.known)
            raise ExpressionError(f"unknown column `{use.label}`; there are: {known}", use.position)
        self.paths.add(use.path)
        unreadable = found.unreadable if as_value or not found.optional else None
        label, position = f"`{use.label}`", use.position
        decimal = found.kind is Kind.DECIMAL
        made = decimal_of(found.sql, label, position) if decimal else Typed(found.sql, found.kind, label, position)
        return replace(made, unreadable=unreadable)


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
    undecided = undecided_and if kind is exp.And else undecided_or

    def handler(walk: Walk, node: exp.Expr) -> Typed:
        parts = [as_condition(walk.compile(part)) for _, part in _chain(node, (kind,))]
        sql = f"({f' {word} '.join(part.sql for part in parts)})"
        return Typed(
            sql,
            Kind.BOOLEAN,
            f"… {word} …",
            unreadable=where(f"{sql} IS NULL", either(*(part.unreadable for part in parts))),
            undecided=undecided(sql, [(part.sql, part.doubt) for part in parts]),
        )

    return handler


def _not(walk: Walk, node: exp.Expr) -> Typed:
    piece = as_condition(walk.compile(node.this))
    return Typed(f"(NOT {piece.sql})", Kind.BOOLEAN, "NOT …", unreadable=piece.unreadable)


def _said(sql: str, label: str, *pieces: Typed) -> Typed:
    """A condition that is NULL where any of the pieces is."""
    unreadable = either(*(piece.unreadable for piece in pieces))
    return Typed(sql, Kind.BOOLEAN, label, pieces[0].position, unreadable=unreadable)


def _compared(walk: Walk, node: exp.Expr) -> Typed:
    sides = [walk.compile(node.this), walk.compile(node.args["expression"])]
    left, right = unify(_without_null(sides))
    ordered = not isinstance(node, (exp.EQ, exp.NEQ))
    if ordered and left.kind is Kind.BOOLEAN:
        raise ExpressionError(f"{describe(left)}: it has no order", left.position)
    return _said(f"({left.sql} {_COMPARISONS[type(node)]} {right.sql})", "a comparison", left, right)


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
    # Below the least there is no need of the greatest, and the other way round.
    sql = f"({value.sql} BETWEEN {low.sql} AND {high.sql})"
    made = _said(sql, "… between …", value, low, high)
    return replace(made, unreadable=where(f"{sql} IS NULL", made.unreadable))


def _in(walk: Walk, node: exp.Expr) -> Typed:
    items: list[exp.Expr] = node.args.get("expressions") or []
    listed = _without_null(walk.compile(item) for item in items)
    if not listed or any(item.constant is None and item.kind is not Kind.BOOLEAN for item in listed):
        raise ExpressionError("`in` is followed by a list of texts or numbers written out, such as in ('GET', 'PUT')")
    if any(item.find(exp.Column) for item in items):
        raise ExpressionError("`in` is followed by a list of texts or numbers written out, not columns")
    value, *rest = unify(_without_null([walk.compile(node.this), *listed]))
    return _said(f"({value.sql} IN ({', '.join(item.sql for item in rest)}))", "… in (…)", value)


def _is(walk: Walk, node: exp.Expr) -> Typed:
    if not isinstance(node.args["expression"], exp.Null):
        raise ExpressionError("after `is` write null or not null; compare with = otherwise")
    piece = walk.compile(node.this)
    # What is there and cannot be read is not absent.
    besides = f" AND NOT {piece.unreadable.when}" if piece.unreadable else ""
    return Typed(f"({piece.sql} IS NULL{besides})", Kind.BOOLEAN, "… is null")


def _like(word: str) -> Callable[[Walk, exp.Expr], Typed]:
    def handler(walk: Walk, node: exp.Expr) -> Typed:
        value, pattern = as_text(walk.compile(node.this)), walk.compile(node.args["expression"])
        if not isinstance(pattern.constant, str):
            raise ExpressionError(f"{word} is followed by a text in single quotes, such as '/v1/%'", pattern.position)
        made = f"({value.sql} {word} {pattern.sql})"
        return _said(f"(NOT {made})" if node.args.get("negate") else made, f"… {word} …", value)

    return handler


def _case(walk: Walk, node: exp.Expr) -> Typed:
    branches: list[exp.Expr] = node.args["ifs"]
    otherwise: exp.Expr | None = node.args.get("default")
    subject: exp.Expr | None = node.args.get("this")
    conditions = [walk.compile(branch.this) for branch in branches]
    if subject is not None:
        first, *conditions = unify(_without_null([walk.compile(subject), *conditions]))
        tests = [_said(f"({first.sql} = {piece.sql})", "case …", first, piece) for piece in conditions]
    else:
        tests = [as_condition(piece) for piece in conditions]
    results = [walk.compile(branch.args["true"]) for branch in branches]
    results.append(null() if otherwise is None else walk.compile(otherwise))
    made = unify(results)
    sql = _branches(tests, [piece.sql for piece in made], lambda _: "NULL")
    unreadable = None
    if any(piece.doubt for piece in tests) or any(piece.unreadable for piece in made):
        unreadable = Unreadable(
            _branches(
                tests, [piece.unreadable.when if piece.unreadable else "false" for piece in made], lambda _: "true"
            ),
            _branches(
                tests, [piece.unreadable.said if piece.unreadable else "NULL" for piece in made], lambda one: one.said
            ),
        )
    return replace(chosen(sql, made, "case …", None), unreadable=unreadable)


def _branches(tests: Sequence[Typed], results: Sequence[str], undecided: Callable[[Unreadable], str]) -> str:
    """CASE by conditions, with the last result for none of them; a condition that cannot be told ends it."""
    *branches, last = results
    whens: list[str] = []
    for test, result in zip(tests, branches, strict=True):
        if test.doubt is not None:
            whens.append(f" WHEN {test.doubt.when} THEN {undecided(test.doubt)}")
        whens.append(f" WHEN {test.sql} THEN {result}")
    return f"CASE{''.join(whens)} ELSE {last} END"


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
    return _computed(f"({left.sql} {sign} {right.sql})", _short(label), (left, right), scale=scale, limit=limit)


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
    return _computed(f"({left.sql} * {right.sql})", _short(label), (left, right), scale=scale, limit=limit)


def _computed(sql: str, label: str, parts: Sequence[Typed], *, scale: int, limit: int) -> Typed:
    position = next((part.position for part in parts if part.position), None)
    unreadable = either(*(part.unreadable for part in parts))
    return checked(Typed(sql, Kind.DECIMAL, label, position, scale=scale, limit=limit, unreadable=unreadable))


def _negated(walk: Walk, node: exp.Expr) -> Typed:
    piece = as_number(walk.compile(node.this))
    label = f"-{piece.label}"
    if isinstance(piece.constant, Decimal):
        return number(-piece.constant, label, piece.position)
    return _computed(f"(- {piece.sql})", label, (piece,), scale=piece.scale, limit=piece.limit)


def _joined(walk: Walk, node: exp.Expr) -> Typed:
    texts = [to_text(walk.compile(part)) for _, part in _chain(node, (exp.DPipe,))]
    growth = sum(text.growth for text in texts)
    unreadable = either(*(text.unreadable for text in texts))
    sql = f"({' || '.join(text.sql for text in texts)})"
    return Typed(sql, Kind.TEXT, "… || …", growth=growth, unreadable=unreadable)


def _called(walk: Walk, node: exp.Expr) -> Typed:
    use = walk.parsed.calls.get(str(node.this))
    if use is None:
        raise ExpressionError(f"{name_of(node)} is not allowed in an expression")
    arguments: list[exp.Expr] = node.args.get("expressions") or []
    reads = [walk.reads(argument) for argument in arguments]
    return call(use.name, [walk.compile(argument) for argument in arguments], reads, use.position)


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
