"""The functions an expression may call: one entry a function, each checking its arguments and giving its SQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import NoReturn

from monetization_pipeline.expressions.decimals import VALUE_TYPE, whole_of
from monetization_pipeline.expressions.model import ExpressionError, Kind, Path, Unreadable
from monetization_pipeline.expressions.patterns import check_pattern, check_time_format
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.expressions.typed import (
    Typed,
    as_boolean,
    as_number,
    as_text,
    as_value,
    checked,
    describe,
    to_text,
    unify,
)
from monetization_pipeline.expressions.unreadable import either, lost, where

#: A text can become at most this many times longer than an event's own text.
_MAX_GROWTH = 1_000
_MAX_PLACE = 100_000

#: The years 1 to 9999, which every engine and Python's datetime can hold, in seconds since 1970.
_FIRST_SECOND = -62_135_596_800
_LAST_SECOND = 253_402_300_799
_FIRST_INSTANT = "TIMESTAMPTZ '0001-01-01 00:00:00+00:00'"
_LAST_INSTANT = "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00:00'"


@dataclass(frozen=True, slots=True)
class Call:
    """A call with its arguments compiled, and which paths each of them reads."""

    name: str
    args: Sequence[Typed]
    reads: Sequence[frozenset[Path]]
    position: int

    @property
    def label(self) -> str:
        return f"{self.name}(…)"

    def refuse(self, what: str) -> NoReturn:
        raise ExpressionError(f"{self.label}: {what}", self.position)

    def text(self, index: int) -> Typed:
        return as_text(self.args[index])

    def constant(self, index: int, what: str) -> str:
        value = self.args[index].constant
        if not isinstance(value, str):
            self.refuse(f"{what} must be a text in single quotes")
        return value

    def whole(self, index: int, what: str) -> int:
        value = self.args[index].constant
        if not isinstance(value, Decimal) or value != value.to_integral_value() or abs(value) > _MAX_PLACE:
            self.refuse(f"{what} must be a whole number written out, at most {_MAX_PLACE}")
        return int(value)

    def made(self, sql: str, kind: Kind, growth: int = 1, unreadable: Unreadable | None = None) -> Typed:
        """The result: unreadable where any argument is, and where `unreadable` says."""
        if growth > _MAX_GROWTH:
            self.refuse(f"the text could become {growth} times longer; at most {_MAX_GROWTH}")
        of_args = either(*(piece.unreadable for piece in self.args))
        # Not every function of the engine's is NULL where an argument is.
        sql = f"CASE WHEN NOT {of_args.when} THEN {sql} END" if of_args else sql
        found = either(of_args, unreadable)
        return checked(Typed(sql, kind, self.label, self.position, growth=growth, unreadable=found))


def call(name: str, args: Sequence[Typed], reads: Sequence[frozenset[Path]], position: int) -> Typed:
    """The SQL of a call to one of `reading.FUNCTIONS`; `reads`: the paths that each argument reads."""
    least, most, render = _TABLE[name]
    if not least <= len(args) <= most:
        count = str(least) if least == most else f"{least} to {most}" if most < _MANY else f"at least {least}"
        raise ExpressionError(f"{name}(…) takes {count} argument(s), not {len(args)}", position)
    return render(Call(name, args, reads, position))


def cast(piece: Typed, target: Kind, position: int | None = None) -> Typed:
    """The SQL of cast(piece as target): NULL where the value has no such form, nothing rounded."""
    label = f"cast({piece.label} as {target})"
    if target is Kind.TEXT:
        return checked(to_text(piece))
    if piece.kind is None:
        return Typed("NULL", None, label, position)
    if target is Kind.BOOLEAN:
        if piece.kind is Kind.BOOLEAN:
            return piece
        if piece.kind in (Kind.TEXT, Kind.LOOSE):
            return checked(replace(as_boolean(piece), label=label, position=position))
        raise ExpressionError(f"{label}: {describe(piece)}; write a comparison such as {piece.label} <> 0", position)
    if piece.kind is Kind.INTEGER:
        return piece
    number = as_number(replace(piece, kind=Kind.LOOSE) if piece.kind is Kind.TEXT else piece)
    if target is Kind.DECIMAL:
        return checked(replace(as_value(number), label=label, position=position))
    whole = whole_of(number.sql)
    unreadable = either(number.unreadable, lost(whole, number.sql, to_text(number).sql))
    return checked(Typed(whole, Kind.INTEGER, label, position, unreadable=unreadable))


def _one_text(sql_name: str) -> Callable[[Call], Typed]:
    def render(this: Call) -> Typed:
        text = this.text(0)
        return this.made(f"{sql_name}({text.sql})", Kind.TEXT, text.growth)

    return render


def _length(this: Call) -> Typed:
    return this.made(f"length({this.text(0).sql})", Kind.INTEGER)


def _two_texts(sql_name: str) -> Callable[[Call], Typed]:
    def render(this: Call) -> Typed:
        return this.made(f"{sql_name}({this.text(0).sql}, {this.text(1).sql})", Kind.BOOLEAN)

    return render


def _coalesce(this: Call) -> Typed:
    """The first that is there. What is there and cannot be read is not passed over, but by another way to read it."""
    pieces = unify(this.args)
    taken: list[str] = []
    for place, piece in enumerate(pieces):
        before = zip(pieces[:place], this.reads, strict=False)
        stops = [one.unreadable.when for one, read in before if one.unreadable and not read <= this.reads[place]]
        taken.append(f"CASE WHEN NOT ({' OR '.join(stops)}) THEN {piece.sql} END" if stops else piece.sql)
    sql = f"coalesce({', '.join(taken)})"
    unreadable = where(f"{sql} IS NULL", either(*(piece.unreadable for piece in pieces)))
    return replace(_chosen(this, sql, pieces), unreadable=unreadable)


def _nullif(this: Call) -> Typed:
    first, second = unify(this.args)
    if first.kind is None or second.kind is None:
        this.refuse("NULL is not a value to compare with")
    sql = f"nullif({first.sql}, {second.sql})"
    unreadable = either(first.unreadable, second.unreadable)
    if second.unreadable is not None:
        sql = f"CASE WHEN NOT {second.unreadable.when} THEN {sql} END"
    made = replace(_chosen(this, sql, [first]), unreadable=unreadable)
    if this.args[0].kind is Kind.LOOSE and made.kind is Kind.TEXT:
        return replace(made, kind=Kind.LOOSE)
    return made


def _chosen(this: Call, sql: str, pieces: Sequence[Typed]) -> Typed:
    return chosen(sql, pieces, this.label, this.position)


def chosen(sql: str, pieces: Sequence[Typed], label: str, position: int | None) -> Typed:
    """A piece whose value is that of one of `pieces`, which are unified."""
    known = [piece for piece in pieces if piece.kind is not None]
    if not known:
        return Typed("NULL", None, label, position)
    return checked(
        Typed(
            sql,
            known[0].kind,
            label,
            position,
            scale=max(piece.scale for piece in known),
            limit=max(piece.limit for piece in known),
            growth=max(piece.growth for piece in known),
        )
    )


def _substr(this: Call) -> Typed:
    text, places = this.text(0), [this.whole(1, "the place to start from")]
    if len(this.args) > 2:
        places.append(this.whole(2, "the length"))
    if places[-1] < 0 and len(places) > 1:
        this.refuse("the length cannot be negative")
    return this.made(f"substr({text.sql}, {', '.join(map(str, places))})", Kind.TEXT, text.growth)


def _replace(this: Call) -> Typed:
    text = this.text(0)
    old, new = this.constant(1, "what is replaced"), this.constant(2, "the replacement")
    if not old:
        this.refuse("what is replaced cannot be empty")
    growth = text.growth * max(1, -(-len(new) // len(old)))
    return this.made(f"replace({text.sql}, {text_literal(old)}, {text_literal(new)})", Kind.TEXT, growth)


def _split_part(this: Call) -> Typed:
    text, separator = this.text(0), this.constant(1, "the separator")
    place = this.whole(2, "the part's number")
    if place == 0 or not separator:
        this.refuse("the separator cannot be empty, and parts are counted from 1, or from the end from -1")
    return this.made(f"split_part({text.sql}, {text_literal(separator)}, {place})", Kind.TEXT, text.growth)


def _concat(this: Call) -> Typed:
    texts = [to_text(piece) for piece in this.args]
    return this.made(f"concat({', '.join(t.sql for t in texts)})", Kind.TEXT, sum(t.growth for t in texts))


def _abs(this: Call) -> Typed:
    piece = as_number(this.args[0])
    sql = f"abs(CAST({piece.sql} AS {VALUE_TYPE}))" if piece.constant is not None else f"abs({piece.sql})"
    scale, limit = (12, 10**28 - 1) if piece.constant is not None else (piece.scale, piece.limit)
    made = Typed(sql, Kind.DECIMAL, this.label, this.position, scale=scale, limit=limit, unreadable=piece.unreadable)
    return checked(made)


def _regexp_matches(this: Call) -> Typed:
    pattern = this.constant(1, "the pattern")
    check_pattern(pattern)
    return this.made(f"regexp_matches({this.text(0).sql}, {text_literal(pattern)})", Kind.BOOLEAN)


def _regexp_extract(this: Call) -> Typed:
    text, pattern = this.text(0), this.constant(1, "the pattern")
    groups = check_pattern(pattern)
    group = this.whole(2, "the group's number") if len(this.args) > 2 else 0
    if not 0 <= group <= groups:
        this.refuse(f"the pattern has {groups} group(s), so there is no group {group}")
    return this.made(f"regexp_extract({text.sql}, {text_literal(pattern)}, {group})", Kind.TEXT, text.growth)


def _epoch(per_second: int) -> Callable[[Call], Typed]:
    def render(this: Call) -> Typed:
        value = as_value(this.args[0])
        first, last = _FIRST_SECOND * per_second, _LAST_SECOND * per_second
        micros = f"TRY_CAST(floor({value.sql} * {1_000_000 // per_second}) AS BIGINT)"
        sql = f"CASE WHEN {value.sql} BETWEEN {first} AND {last} THEN make_timestamptz({micros}) END"
        unreadable = either(value.unreadable, lost(sql, value.sql, to_text(value).sql))
        return checked(Typed(sql, Kind.INSTANT, this.label, this.position, unreadable=unreadable))

    return render


def _parse_time(this: Call) -> Typed:
    """Without %z the text is in UTC. Outside the years 1 to 9999 NULL; nanoseconds are cut off, not rounded."""
    text, time_format = this.text(0), this.constant(1, "the format")
    directives = check_time_format(time_format)
    # try_strptime takes the words infinity and epoch for 1900-01-01 in any format; a time has a digit.
    digits = f"regexp_extract({text.sql}, '^.*[0-9].*$')"
    parsed = f"try_strptime({digits}, {text_literal(time_format)})"
    if "n" in directives:
        sql = f"make_timestamptz(epoch_ns({parsed}) // 1000)"
    else:
        instant = parsed if "z" in directives else f"({parsed} AT TIME ZONE 'UTC')"
        sql = f"CASE WHEN {instant} BETWEEN {_FIRST_INSTANT} AND {_LAST_INSTANT} THEN {instant} END"
    return this.made(sql, Kind.INSTANT, unreadable=lost(sql, text.sql, text.sql))


_MANY = 100
_TABLE: Mapping[str, tuple[int, int, Callable[[Call], Typed]]] = MappingProxyType(
    {
        "abs": (1, 1, _abs),
        "coalesce": (1, _MANY, _coalesce),
        "concat": (1, _MANY, _concat),
        "contains": (2, 2, _two_texts("contains")),
        "epoch_ms": (1, 1, _epoch(1_000)),
        "epoch_s": (1, 1, _epoch(1)),
        "length": (1, 1, _length),
        "lower": (1, 1, _one_text("lower")),
        "nullif": (2, 2, _nullif),
        "parse_time": (2, 2, _parse_time),
        "regexp_extract": (2, 3, _regexp_extract),
        "regexp_matches": (2, 2, _regexp_matches),
        "replace": (3, 3, _replace),
        "split_part": (3, 3, _split_part),
        "starts_with": (2, 2, _two_texts("starts_with")),
        "substr": (2, 3, _substr),
        "substring": (2, 3, _substr),
        "trim": (1, 1, _one_text("trim")),
        "upper": (1, 1, _one_text("upper")),
    }
)
