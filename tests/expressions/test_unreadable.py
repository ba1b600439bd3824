"""Absent and unreadable are different: what is there and cannot be read is nobody's default (rule 8). By hand."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monetization_pipeline.expressions import (
    Compiled,
    RecordScope,
    compile_filter,
    compile_mapping,
    compile_value,
    paths_of,
    record_leaves,
)

#: `word` and `comma` are there and are no numbers; `long` has too many digits for one; `gone` is absent, `null` JSON's.
RECORD: Mapping[str, Any] = {
    "seven": "7",
    "half": 0.5,
    "word": "n/a",
    "comma": "1,500",
    "long": "1.0016150000000000001",
    "empty": "",
    "yes": True,
    "maybe": "perhaps",
    "null": None,
    "object": {"a": 1},
    "great": "9999999999999999",
    "day": "10.07.2023",
    "iso": "2023-07-10",
}

#: mapping → its value, or the text that cannot be read (`Said`), or None where it is absent.


class Said(str):
    """What is there and cannot be read."""

    __slots__ = ()


SEVEN, HALF, ZERO = Decimal(7), Decimal("0.5"), Decimal(0)
NA, COMMA = Said("n/a"), Said("1,500")

MAPPINGS: dict[str, Any] = {
    # A field as it is can always be read.
    "word": "n/a",
    "gone": None,
    '"null"': None,
    "empty": "",
    "coalesce(word, 'x')": "n/a",
    "coalesce(gone, word)": "n/a",
    # The first that is there, unless it cannot be read.
    "coalesce(seven, 0)": SEVEN,
    "coalesce(gone, 0)": ZERO,
    'coalesce("null", 0)': ZERO,
    "coalesce(word, 0)": NA,
    "coalesce(comma, 0)": COMMA,
    "coalesce(long, 0)": Said("1.0016150000000000001"),
    "coalesce(empty, 0)": Said(""),
    "coalesce(yes, 0)": Said("true"),
    "coalesce(object, 0)": Said('{"a":1}'),
    "coalesce(word, seven, 0)": NA,
    "coalesce(gone, word, 0)": NA,
    "coalesce(gone, seven, word, 0)": SEVEN,
    'coalesce(gone + 0, "null" + 0)': None,
    "coalesce(coalesce(word, 0), 1)": NA,
    "coalesce(nullif(word, 'n/a'), 0)": ZERO,
    "coalesce(nullif(comma, 'n/a'), 0)": COMMA,
    # Another way to read the same field is no default; after it there is one.
    "coalesce(parse_time(day, '%Y-%m-%d'), parse_time(day, '%d.%m.%Y'))": datetime(2023, 7, 10, tzinfo=UTC),
    "coalesce(parse_time(iso, '%Y-%m-%d'), parse_time(iso, '%d.%m.%Y'))": datetime(2023, 7, 10, tzinfo=UTC),
    "coalesce(parse_time(word, '%Y-%m-%d'), parse_time(word, '%d.%m.%Y'))": NA,
    "coalesce(parse_time(word, '%Y-%m-%d'), parse_time(iso, '%Y-%m-%d'))": NA,
    "coalesce(parse_time(gone, '%Y-%m-%d'), parse_time(iso, '%Y-%m-%d'))": datetime(2023, 7, 10, tzinfo=UTC),
    "coalesce(word * 1, replace(word, 'n/a', '0')::decimal, 5)": ZERO,
    # Arithmetic, and more digits than a number may have.
    "word * 1": NA,
    "seven + half": Decimal("7.5"),
    "seven + word": NA,
    "gone + seven": None,
    "gone + word": NA,
    "comma + word": COMMA,
    "-word": NA,
    "abs(word)": NA,
    "great * 10": Said("99999999999999990"),
    "half * 0.000000000001": Said("0.0000000000005"),
    # Casts.
    "cast(seven as integer)": 7,
    "cast(half as integer)": Said("0.5"),
    "cast(word as integer)": NA,
    "cast(gone as integer)": None,
    "cast(word as decimal)": NA,
    "cast(word as text)": "n/a",
    "cast(word * 1 as text)": NA,
    "cast(yes as boolean)": True,
    "cast(maybe as boolean)": Said("perhaps"),
    "cast(coalesce(half, 200) as integer)": Said("0.5"),
    # Times.
    "epoch_s(seven)": datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC),
    "epoch_s(word)": NA,
    "epoch_s(gone)": None,
    "epoch_ms(great)": Said("9999999999999999"),
    "coalesce(epoch_ms(word), parse_time(iso, '%Y-%m-%d'))": NA,
    "parse_time(word, '%Y-%m-%d')": NA,
    # Texts that are made of what cannot be read.
    "concat('a', word + 0)": NA,
    "concat('a', gone + 0)": "a",
    "'a' || (word + 0)": NA,
    "length(cast(word * 1 as text))": NA,
    "lower(cast(word * 1 as text))": NA,
    "nullif(word, 0)": NA,
    "nullif(seven, 0)": SEVEN,
    "nullif(7, word)": NA,
    "nullif(7, gone)": SEVEN,
    # Only the branch that is evaluated counts.
    "case when word is null then 0 else word end": NA,
    "case when word is null then 'x' else word end": "n/a",
    "case when gone is null then 0 else word end": ZERO,
    "case when word is null then 0 else word + 0 end": NA,
    "case when seven > 5 then 1 else word + 0 end": Decimal(1),
    "case when seven < 5 then 1 else word + 0 end": NA,
    "case when seven < 5 then word + 0 else half end": HALF,
    "case when word > 5 then 1 else 2 end": NA,
    "case when seven > 5 then 1 when word > 5 then 2 end": 1,
    "case when seven < 5 then 1 when word > 5 then 2 end": NA,
    "case when gone > 5 then 1 else 2 end": 2,
    "case word when 'n/a' then 'x' else 'y' end": "x",
    "case word when 7 then 'x' else 'y' end": NA,
    "case seven when 7 then 'x' when 8 then 'y' end": "x",
    "case when maybe then 1 else 2 end": Said("perhaps"),
    "case when maybe or seven = 7 then 1 else 2 end": 1,
    "case when maybe and seven = 8 then 1 else 2 end": 2,
    "case when maybe and gone > 1 then 1 else 2 end": 2,
    "case when not (maybe and gone > 1) then 1 else 2 end": Said("perhaps"),
    "case when seven = 7 and (maybe or word > 1) then 1 else 2 end": Said("perhaps"),
    "case when (word * 1) is null then 1 else 2 end": 2,
    "case when (gone * 1) is null then 1 else 2 end": 1,
    "case when (word * 1) is not null then 1 else 2 end": 1,
}

#: filter → true, false, or what keeps one from telling.
FILTERS: dict[str, Any] = {
    "seven < 400": True,
    "gone < 400": False,
    "word < 400": NA,
    "not word < 400": NA,
    "word in (1, 2)": NA,
    "word in ('n/a', 'x')": True,
    "word between 1 and 2": NA,
    "seven between 8 and word": False,
    "seven between 1 and word": NA,
    "word like 'n%'": True,
    "seven < 400 and word < 400": NA,
    "seven > 400 and word < 400": False,
    "word < 400 and seven > 400": False,
    "seven < 400 or word < 400": True,
    "seven > 400 or word < 400": NA,
    "gone < 400 and word < 400": False,
    "gone < 400 or word < 400": NA,
    "not (seven > 400 and word < 400)": True,
    "not (gone < 400 and word < 400)": NA,
    "coalesce(word, 200) < 400": NA,
    "coalesce(gone, 200) < 400": True,
    "word is null": False,
    "maybe": Said("perhaps"),
    "yes": True,
    "gone": False,
    "maybe = true": Said("perhaps"),
    "(maybe and yes) or seven = 7": True,
    "(maybe and yes) or (comma > 1 and seven = 8)": Said("perhaps"),
    "(maybe and gone) or (comma > 1 and seven = 7)": COMMA,
}


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("SET TimeZone = 'UTC'")
    return made


def evaluated(
    compiled: Compiled, text: str, record: Mapping[str, Any], connection: duckdb.DuckDBPyConnection
) -> tuple[Any, Any]:
    """(value, what cannot be read)."""
    found = compiled.unreadable
    said = f"CASE WHEN {found.when} THEN {found.said} END" if found else "NULL"
    made = f"SELECT text, {record_leaves(paths_of(text))} AS r FROM (SELECT $record AS text)"
    sql = f"SELECT {compiled.sql}, {said} FROM ({made})"
    row = connection.execute(sql, {"record": json.dumps(record)}).fetchone()
    assert row is not None
    value = row[0].astimezone(UTC) if isinstance(row[0], datetime) else row[0]
    return value, row[1]


@pytest.mark.parametrize(("text", "expected"), MAPPINGS.items())
def test_a_mapping_has_a_value_or_is_absent_or_cannot_be_read(
    text: str, expected: Any, connection: duckdb.DuckDBPyConnection
) -> None:
    for scope in (RecordScope(), RecordScope(paths_of(text))):
        found = evaluated(compile_mapping(text, scope), text, RECORD, connection)
        assert found == ((None, str(expected)) if isinstance(expected, Said) else (expected, None))


@pytest.mark.parametrize(("text", "expected"), FILTERS.items())
def test_a_filter_is_true_or_false_or_cannot_be_told(
    text: str, expected: Any, connection: duckdb.DuckDBPyConnection
) -> None:
    compiled = compile_filter(text, RecordScope(paths_of(text)))
    found = evaluated(compiled, text, RECORD, connection)
    assert found == ((False, str(expected)) if isinstance(expected, Said) else (expected, None))


def test_what_can_always_be_read_asks_for_nothing_more() -> None:
    for text in (
        "word",
        "coalesce(a, b, 'x')",
        "lower(a) || b",
        "case when a like 'x%' then b end",
        "split_part(a, '/', 2)",
    ):
        assert compile_mapping(text, RecordScope()).unreadable is None
    assert compile_filter("a = 'x' and (b is null or not c like 'y')", RecordScope()).unreadable is None


LEAVES = st.sampled_from([None, "7", "8.5", "n/a", "", "true", "false", "1e3", "-1"])
NAMES = ("a", "b", "c")
#: Conditions, each with what it is for a record: true, false, None (absent), or Said.
ATOMS = ("a > 5", "b = 7", "c", "a is null", "b like '%a'")


def atom(text: str, record: Mapping[str, str | None]) -> Any:
    value = record[text[0]]
    if text == "a is null":
        return value is None
    if value is None:
        return None
    if text == "b like '%a'":
        return value.endswith("a")
    if text == "c":
        return {"true": True, "false": False}.get(value, Said(value))
    numbers = {"7": 7.0, "8.5": 8.5, "1e3": 1000.0, "-1": -1.0}
    if value not in numbers:
        return Said(value)
    return numbers[value] > 5 if text == "a > 5" else numbers[value] == 7


CONDITIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.just("and"), inner, inner),
        st.tuples(st.just("or"), inner, inner),
    ),
    max_leaves=5,
)


def written(condition: Any) -> str:
    if isinstance(condition, str):
        return condition
    word, *parts = condition
    return f"not ({written(parts[0])})" if word == "not" else f"(({written(parts[0])}) {word} ({written(parts[1])}))"


def possible(condition: Any, record: Mapping[str, str | None]) -> set[bool | None]:
    """What a condition can be, when each of its parts that cannot be read may be true or false."""
    if isinstance(condition, str):
        found = atom(condition, record)
        return {True, False} if isinstance(found, Said) else {found}
    word, *parts = condition
    sides = [possible(part, record) for part in parts]
    if word == "not":
        return {None if value is None else not value for value in sides[0]}
    return {(_and if word == "and" else _or)(one, other) for one in sides[0] for other in sides[1]}


def _and(one: bool | None, other: bool | None) -> bool | None:
    return False if False in (one, other) else None if None in (one, other) else True


def _or(one: bool | None, other: bool | None) -> bool | None:
    return True if True in (one, other) else None if None in (one, other) else False


@settings(max_examples=60)
@given(condition=CONDITIONS, record=st.fixed_dictionaries(dict.fromkeys(NAMES, LEAVES)))
def test_a_filter_cannot_be_told_only_where_what_cannot_be_read_decides(
    connection: duckdb.DuckDBPyConnection, condition: Any, record: Mapping[str, str | None]
) -> None:
    """What is told is what every way to read the parts that cannot be read would tell."""
    text = written(condition)
    compiled = compile_filter(text, RecordScope())
    value, said = evaluated(compiled, text, record, connection)
    answers = {answer is True for answer in possible(condition, record)}
    if said is None:
        assert answers == {value}
    else:
        assert value is False


def test_a_value_of_a_meter_is_absent_only_where_nothing_is_there_that_cannot_be_read(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    absent = {"gone": True, "gone + seven": True, "word": False, "gone + word": False, "great * 10": False}
    for text, expected in absent.items():
        made = compile_value(text, RecordScope())
        sql = f"SELECT {made.decimal_sql} IS NULL, {made.absent_sql} FROM (SELECT $record AS text)"
        assert connection.execute(sql, {"record": json.dumps(RECORD)}).fetchone() == (True, expected)
