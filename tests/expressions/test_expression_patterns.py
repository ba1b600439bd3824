"""Patterns: what is allowed compiles in DuckDB's RE2; what engines read differently is refused."""

import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monetization_pipeline.expressions import ExpressionError, RecordScope, compile_mapping
from monetization_pipeline.expressions.patterns import check_pattern, check_time_format


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        ("", 0),
        ("^/v[0-9]+/([a-z_]+)$", 1),
        (r"\d{4}-\d{2}-\d{2}", 0),
        ("(?i)bot|crawler", 0),
        ("(?:a|b)*?(c)(?P<name>d)", 2),
        (r"[^\]\[\s]+", 0),
        (r"\bword\b", 0),
        ("a{2,}b{0,3}", 0),
        (".{1000}", 0),
        (r"\$\{x\}", 0),
        ("é+", 0),
    ],
)
def test_a_plain_pattern_is_allowed(pattern: str, groups: int) -> None:
    assert check_pattern(pattern) == groups
    duckdb.execute("SELECT regexp_matches('x', $pattern)", {"pattern": pattern})


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(",
            ")",
            "[",
            "[]",
            "[]a]",
            "[z-a]",
            "*",
            "+a",
            "a**",
            "a*+",
            "a++",
            "a{2}{3}",
            "a{3,2}",
            "a{,3}",
            "a{",
            "a{x}",
        ),
        *("(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "(?<n>a)", "(?#c)", "(?s)a", "a(?i)b", "(?P=n)", "(?P<1>a)"),
        *(
            r"(a)\1",
            r"\A",
            r"\Z",
            r"\z",
            r"\p{L}",
            r"\x41",
            r"\u0041",
            r"\Qa\E",
            r"\k",
            r"\G",
            "\\",
            "[\\",
            r"[\b]",
            r"[\p{L}]",
        ),
        *(
            "[[:alpha:]]",
            "[a&&b]",
            "[a--b]",
            "[a~~b]",
            "[a||b]",
            "a{1001}",
            "(a{100}){11}",
            "((a{20}){20}){20}",
            "^*",
            "|*",
        ),
        *(r"\b+", "(*)", "(?P<n>a)(?P<n>b)", "a" * 501, "(" * 300, "[^a]{1000}[^b]{1000}"),
    ],
)
def test_a_pattern_that_engines_may_read_differently_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionError, match="pattern"):
        check_pattern(pattern)


PIECES = r"""
    a é . ^ $ | ( ) (?: (?P<n> [ ] [^ - * + ? { } {2} {3,} {1,500} 1 , \d \W \b \. \- \ z (?i) [a-z] [\d_] (a) / " '
"""
pieces = st.sampled_from(PIECES.split())


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(pieces, max_size=10).map("".join), st.text(max_size=10)))
def test_whatever_is_allowed_compiles_in_duckdb_and_python(pattern: str) -> None:
    try:
        groups = check_pattern(pattern)
    except ExpressionError:
        return
    assert re.compile(pattern).groups == groups
    duckdb.execute("SELECT regexp_extract('x', $pattern, $groups)", {"pattern": pattern, "groups": groups})


@pytest.mark.parametrize(
    "time_format", ["%Y-%m-%dT%H:%M:%S.%fZ", "%d/%b/%Y:%H:%M:%S %z", "%y%m%d", "%Y%%", "%-d.%-m.%Y"]
)
def test_a_time_format_of_duckdb_is_allowed(time_format: str) -> None:
    assert {"Y", "y"} & check_time_format(time_format)
    sql = compile_mapping(f"parse_time(t, '{time_format}')", RecordScope()).sql
    assert duckdb.execute(f"""SELECT {sql} FROM (SELECT '{{"t": "x"}}' AS text)""").fetchone() == (None,)


@pytest.mark.parametrize("time_format", ["", "%", "%Q", "%d", "%Y%", "%Y %Z", "%Y %c", "%-Y", "%Y %-", "%j"])
def test_another_time_format_is_refused(time_format: str) -> None:
    with pytest.raises(ExpressionError, match="time format"):
        check_time_format(time_format)


@pytest.mark.parametrize(
    ("text", "time_format", "expected"),
    [
        ("2023-08-31T23:59:59.999999999Z", "%Y-%m-%dT%H:%M:%S.%nZ", "2023-08-31T23:59:59.999999Z"),
        ("2023-08-31T23:59:59.999999999+02:00", "%Y-%m-%dT%H:%M:%S.%n%z", "2023-08-31T21:59:59.999999Z"),
        ("2023-08-31T23:59:59.5-0500", "%Y-%m-%dT%H:%M:%S.%f%z", "2023-09-01T04:59:59.500000Z"),
        ("0001-01-01", "%Y-%m-%d", "0001-01-01T00:00:00.000000Z"),
        ("0000-01-01", "%Y-%m-%d", None),
        ("10000-01-01", "%Y-%m-%d", None),
        ("2023-02-30", "%Y-%m-%d", None),
        ("infinity", "%Y-%m-%d", None),
        ("epoch", "%Y-%m-%d", None),
        ("", "%Y", None),
    ],
)
def test_a_time_is_parsed_in_utc_unless_it_says_otherwise(text: str, time_format: str, expected: str | None) -> None:
    sql = compile_mapping(f"cast(parse_time(t, '{time_format}') as text)", RecordScope()).sql
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        assert connection.execute(f"""SELECT {sql} FROM (SELECT '{{"t": "{text}"}}' AS text)""").fetchone() == (
            expected,
        )
