"""Pieces of a checked expression with their kinds, and how pieces of different kinds meet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from monetization_pipeline.expressions.decimals import SCALE, VALUE_TYPE, WHOLE_DIGITS, decimal_text, to_decimal
from monetization_pipeline.expressions.model import ExpressionError, Kind, Unreadable
from monetization_pipeline.expressions.unreadable import either, lost
from monetization_pipeline.money import plain

#: A rendered expression longer than this is refused, before it slows down planning.
MAX_SQL = 400_000

#: The widest integer type an INTEGER may have, and DuckDB's widest decimal.
_BIGINT_LIMIT = 2**63
_DECIMAL_DIGITS = 38
_VALUE_LIMIT = 10 ** (WHOLE_DIGITS + SCALE) - 1

_NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL})
_WORDS = {
    Kind.TEXT: "text",
    Kind.INTEGER: "a whole number",
    Kind.DECIMAL: "a number",
    Kind.BOOLEAN: "true or false",
    Kind.INSTANT: "an instant",
    Kind.DATE: "a date",
    Kind.LOOSE: "a JSON value",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A piece of an expression as SQL that does not raise.

    kind: None for the literal NULL. label: the piece as an error message names it. constant: the value of a literal.
    scale, limit: of a number, its digits after the point and the greatest absolute value, counted in its last digit,
    that it can have; so no DECIMAL(38) ever overflows. growth: how many times longer than the event a text can be.
    unreadable: where it is NULL as something cannot be read. undecided: of a condition, where that keeps one from
    telling whether it is true; None where that is where it is unreadable.
    """

    sql: str
    kind: Kind | None
    label: str
    position: int | None = None
    constant: str | Decimal | None = None
    scale: int = 0
    limit: int = _BIGINT_LIMIT
    growth: int = 1
    unreadable: Unreadable | None = None
    undecided: Unreadable | None = None

    @property
    def doubt(self) -> Unreadable | None:
        """Of a condition: where it cannot be told whether it is true."""
        return self.undecided or self.unreadable


def null(position: int | None = None) -> Typed:
    """The literal NULL."""
    return Typed("NULL", None, "NULL", position)


def number(value: Decimal, label: str, position: int | None = None) -> Typed:
    """A number literal, exact; INTEGER where it is whole. Raises ExpressionError for more than 16 + 12 digits."""
    if value and (value.adjusted() >= WHOLE_DIGITS or _lowest(value) < -SCALE):
        raise ExpressionError(
            f"{label}: a number has at most {WHOLE_DIGITS} digits before and {SCALE} after the point", position
        )
    text = plain(value)
    _, _, fraction = text.partition(".")
    kind = Kind.DECIMAL if fraction else Kind.INTEGER
    limit = int(abs(Decimal(text)).scaleb(len(fraction)))
    sql = f"({text})" if text.startswith("-") else text
    return Typed(sql, kind, label, position, Decimal(text), len(fraction), limit)


def decimal_of(sql: str, label: str, position: int | None = None) -> Typed:
    """A DECIMAL(28,12) expression."""
    return Typed(sql, Kind.DECIMAL, label, position, scale=SCALE, limit=_VALUE_LIMIT)


def checked(piece: Typed) -> Typed:
    """The piece, if its SQL is not too long and its numbers fit DuckDB's decimals; else ExpressionError."""
    beside = [text for each in (piece.unreadable, piece.undecided) if each for text in (each.when, each.said)]
    if max(map(len, (piece.sql, *beside))) > MAX_SQL:
        raise ExpressionError("the expression is too large: write it with fewer nested functions", piece.position)
    if piece.kind in _NUMBERS and not _fits(piece.limit, piece.scale):
        raise ExpressionError(
            f"{piece.label} can need more than {_DECIMAL_DIGITS} digits: multiply by numbers of at most 8 digits",
            piece.position,
        )
    return piece


def as_number(piece: Typed) -> Typed:
    """A piece as a DECIMAL (or a literal) that arithmetic can use."""
    if piece.constant is not None and piece.kind in _NUMBERS:
        return piece
    if piece.kind is Kind.INTEGER:
        return replace(piece, sql=f"CAST({piece.sql} AS DECIMAL(19,0))", kind=Kind.DECIMAL)
    if piece.kind is Kind.LOOSE:
        sql = to_decimal(piece.sql)
        made = decimal_of(sql, piece.label, piece.position)
        return replace(made, unreadable=either(piece.unreadable, lost(sql, piece.sql, piece.sql)))
    if piece.kind is Kind.DECIMAL:
        return piece
    hint = "; write cast(… as decimal)" if piece.kind is Kind.TEXT else ""
    raise ExpressionError(f"{describe(piece)}, and a number is needed here{hint}", piece.position)


def as_value(piece: Typed) -> Typed:
    """A number as DECIMAL(28,12), exact, NULL where it has more digits than that."""
    piece = as_number(piece)
    sql = f"TRY_CAST({piece.sql} AS {VALUE_TYPE})"
    if piece.scale > SCALE:
        digits = rf"regexp_extract(CAST({piece.sql} AS VARCHAR), '^(-?[0-9]+\.[0-9]{{{SCALE}}})0*$', 1)"
        sql = f"TRY_CAST({digits} AS {VALUE_TYPE})"
    always = piece.scale <= SCALE and piece.limit * 10 ** (SCALE - piece.scale) <= _VALUE_LIMIT
    more = None if always else lost(sql, piece.sql, to_text(piece).sql)
    return replace(decimal_of(sql, piece.label, piece.position), unreadable=either(piece.unreadable, more))


def as_text(piece: Typed) -> Typed:
    """A piece that is text already."""
    if piece.kind in (Kind.TEXT, Kind.LOOSE):
        return replace(piece, kind=Kind.TEXT)
    raise ExpressionError(f"{describe(piece)}, and text is needed here; write cast(… as text)", piece.position)


def to_text(piece: Typed) -> Typed:
    """A piece of any kind written as text: numbers without trailing zeros, instants in UTC as ISO 8601 writes them."""
    made = replace(piece, kind=Kind.TEXT, constant=None, growth=max(piece.growth, 1))
    if piece.kind in (Kind.TEXT, Kind.LOOSE):
        return replace(piece, kind=Kind.TEXT)
    if piece.kind is None:
        return replace(made, sql="CAST(NULL AS VARCHAR)")
    if piece.kind is Kind.INSTANT:
        return replace(made, sql=f"strftime(({piece.sql}) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')")
    fraction = piece.kind is Kind.DECIMAL and piece.scale
    return replace(made, sql=decimal_text(piece.sql) if fraction else f"CAST({piece.sql} AS VARCHAR)")


def as_condition(piece: Typed) -> Typed:
    """A piece used as a condition (BOOLEAN); a JSON value is one where its text is true or false."""
    if piece.kind is Kind.BOOLEAN:
        return piece
    if piece.kind is None:
        return replace(piece, sql="CAST(NULL AS BOOLEAN)", kind=Kind.BOOLEAN)
    if piece.kind is Kind.LOOSE:
        return as_boolean(piece)
    raise ExpressionError(f"{describe(piece)}, and a condition is needed here", piece.position)


def as_boolean(piece: Typed) -> Typed:
    """A text as true or false (BOOLEAN), unreadable where it is neither."""
    sql = boolean_of_text(piece.sql)
    unreadable = either(piece.unreadable, lost(sql, piece.sql, piece.sql))
    return replace(piece, sql=sql, kind=Kind.BOOLEAN, unreadable=unreadable)


def boolean_of_text(sql: str) -> str:
    """SQL: true or false for the words true and false in any case, else NULL."""
    return f"CASE lower({sql}) WHEN 'true' THEN true WHEN 'false' THEN false END"


def unify(pieces: Sequence[Typed]) -> list[Typed]:
    """The pieces made one kind, so that they can be compared or stand for each other; literal NULLs stay.

    A JSON value follows what it meets: numbers, text, true/false; JSON values alone stay as they are (text). A text
    literal that meets instants or dates is read as one. Anything else is an ExpressionError naming the two.
    """
    kinds = {piece.kind for piece in pieces if piece.kind is not None}
    if kinds & _NUMBERS and kinds <= _NUMBERS | {Kind.LOOSE}:
        return _align([as_number(piece) if _needs_decimal(piece, kinds) else piece for piece in pieces])
    if len(kinds) <= 1:
        return list(pieces)
    if kinds == {Kind.TEXT, Kind.LOOSE}:
        return [piece if piece.kind is None else as_text(piece) for piece in pieces]
    if kinds == {Kind.BOOLEAN, Kind.LOOSE}:
        return [as_boolean(piece) if piece.kind is Kind.LOOSE else piece for piece in pieces]
    for kind in (Kind.INSTANT, Kind.DATE):
        if kinds == {kind, Kind.TEXT} and all(p.kind is not Kind.TEXT or isinstance(p.constant, str) for p in pieces):
            return [_dated(piece, kind) if piece.kind is Kind.TEXT else piece for piece in pieces]
    raise _mixed(pieces)


def describe(piece: Typed) -> str:
    """`status` is a whole number."""
    return f"{piece.label} is {_WORDS[piece.kind] if piece.kind else 'nothing'}"


def _needs_decimal(piece: Typed, kinds: set[Kind]) -> bool:
    return piece.kind is Kind.LOOSE or (piece.kind is Kind.INTEGER and kinds != {Kind.INTEGER})


def _align(pieces: list[Typed]) -> list[Typed]:
    """Numbers in types that DuckDB compares exactly, without a cast that could overflow."""
    if all(piece.kind in (Kind.INTEGER, None) for piece in pieces):
        return pieces
    scale = max(piece.scale for piece in pieces)
    return [piece if piece.kind is None else _rescaled(piece, scale) for piece in pieces]


def _rescaled(piece: Typed, scale: int) -> Typed:
    limit = piece.limit * 10 ** (scale - piece.scale)
    if isinstance(piece.constant, Decimal):
        text = f"{piece.constant:.{scale}f}"
        sql = f"CAST({text} AS DECIMAL({_DECIMAL_DIGITS},{scale}))" if scale == 0 else text
        sql = f"({sql})" if sql.startswith("-") else sql
    elif piece.scale == scale:
        sql = piece.sql
    else:
        sql = f"CAST({piece.sql} AS DECIMAL({_DECIMAL_DIGITS},{scale}))"
    return checked(replace(piece, sql=sql, kind=Kind.DECIMAL, scale=scale, limit=limit))


def _dated(piece: Typed, kind: Kind) -> Typed:
    text = str(piece.constant)
    try:
        if kind is Kind.DATE:
            return replace(piece, sql=f"DATE '{date.fromisoformat(text).isoformat()}'", kind=kind, constant=None)
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ExpressionError(
            f"{piece.label} is not {_WORDS[kind]}; write it like "
            + ("'2023-08-01'" if kind is Kind.DATE else "'2023-08-01T00:00:00Z'"),
            piece.position,
        ) from None
    sql = f"TIMESTAMPTZ '{moment.replace(tzinfo=None).isoformat(sep=' ')}+00:00'"
    return replace(piece, sql=sql, kind=kind, constant=None)


def _mixed(pieces: Sequence[Typed]) -> ExpressionError:
    first = next(piece for piece in pieces if piece.kind is not None)
    clashing = [piece for piece in pieces if piece.kind not in (first.kind, None, Kind.LOOSE)]
    other = clashing[0] if clashing else next(piece for piece in pieces if piece.kind not in (first.kind, None))
    kinds = {first.kind, other.kind}
    hint = "they cannot be compared or mixed"
    if Kind.TEXT in kinds and kinds & _NUMBERS:
        hint += "; write a number without quotes, or cast(… as decimal) or cast(… as text)"
    elif Kind.INSTANT in kinds:
        hint += "; make an instant with parse_time(text, format), epoch_ms or epoch_s, or write '2023-08-01T00:00:00Z'"
    return ExpressionError(f"{describe(first)} and {describe(other)}: {hint}", other.position or first.position)


def _fits(limit: int, scale: int) -> bool:
    return limit < 10**_DECIMAL_DIGITS and scale <= _DECIMAL_DIGITS


def _lowest(value: Decimal) -> int:
    """The power of ten of the last digit that is not zero."""
    _, digits, exponent = value.as_tuple()
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return int(exponent) + trailing
