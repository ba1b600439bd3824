"""The grammar of numbers: in DuckDB and in Python, the same one."""

from decimal import Decimal

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monetization_pipeline.expressions import decimal_text_ok, python_decimal, to_decimal

NUMBERS = {
    "0": "0",
    "-0": "0",
    "+0.0": "0",
    "7": "7",
    "+7": "7",
    "007": "7",
    "1.5": "1.5",
    "-1.5": "-1.5",
    "1.": "1",
    ".5": "0.5",
    "-.5": "-0.5",
    "0.10000000000000000": "0.1",
    "1234567890123456.123456789012": "1234567890123456.123456789012",
    "-9999999999999999.999999999999": "-9999999999999999.999999999999",
    "0.000000000001": "0.000000000001",
    "1e3": "1000",
    "1E+3": "1000",
    "1.e2": "100",
    ".5e1": "5",
    "-2.5e-3": "-0.0025",
    "1e15": "1000000000000000",
    "1e-12": "0.000000000001",
    "123456789012345678e-2": "1234567890123456.78",
    "0e99999999999999999999": "0",
    "-0.000e-400": "0",
    "1e0000000000000000000003": "1000",
    "1" + "0" * 39 + "e-39": "1",
    "0" * 300 + "42": "42",
    "4." + "0" * 300: "4",
    "." + "0" * 300: "0",
}
REFUSED = [
    *(
        "",
        " ",
        ".",
        "-",
        "+",
        "-.",
        "e5",
        ".e5",
        "1e",
        "1e+",
        "e",
        "--1",
        "+-1",
        "1-",
        "1 ",
        " 1",
        "1\n",
        "\n1",
        "1\x00",
    ),
    *(
        "1_000",
        "1,000",
        "0x10",
        "0b1",
        "1f",
        "NaN",
        "nan",
        "Infinity",
        "-inf",
        "true",
        "null",
        "1.2.3",
        "1e5e5",
        "1e1.5",
    ),
    *(
        "\u0663",
        "\uff11",
        "1\u0660",
        "½",
        "²",
        "−1",
        "1\u00a0",
        "\u200b1",
        "1" * 17,
        "0.0000000000001",
        "1e16",
        "1e-13",
        "1.5e-12",
    ),
    *("1e41", "1e-41", "1e99999999999999999999", "9" * 400, "0." + "0" * 400 + "1", "1." + "0" * 255 + "1", "0.1" * 2),
    *("1" + "0" * 60 + "e-60", "[1]", '{"a":1}', "1;", "'1'", "$1", "1%", "(1)"),
]


def in_duckdb(text: str, connection: duckdb.DuckDBPyConnection) -> tuple[Decimal | None, bool]:
    sql = f"SELECT {to_decimal('x')}, {decimal_text_ok('x')} FROM (SELECT $text::VARCHAR AS x)"
    row = connection.execute(sql, {"text": text}).fetchone()
    assert row is not None
    return row[0], row[1]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_a_number_has_exactly_its_value(text: str, value: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert in_duckdb(text, connection) == (Decimal(value), True)
    assert python_decimal(text) == Decimal(value)


@pytest.mark.parametrize("text", REFUSED)
def test_a_text_that_is_no_number_or_has_too_many_digits_is_refused(
    text: str, connection: duckdb.DuckDBPyConnection
) -> None:
    assert in_duckdb(text, connection) == (None, False)
    assert python_decimal(text) is None


def test_null_is_no_number(connection: duckdb.DuckDBPyConnection) -> None:
    sql = f"SELECT {to_decimal('x')}, {decimal_text_ok('x')} FROM (SELECT NULL::VARCHAR AS x)"
    assert connection.execute(sql).fetchone() == (None, False)


def test_the_result_is_a_decimal_of_28_digits(connection: duckdb.DuckDBPyConnection) -> None:
    assert connection.execute(f"SELECT typeof({to_decimal('x')}) FROM (SELECT '1' AS x)").fetchone() == (
        "DECIMAL(28,12)",
    )


digits = st.text("0123456789", max_size=22)
zeros = st.integers(0, 45).map(lambda count: "0" * count)
number_like = st.tuples(
    st.sampled_from(["", "-", "+"]),
    zeros,
    digits,
    st.sampled_from(["", "."]),
    zeros,
    digits,
    zeros,
    st.sampled_from(["", "e", "E", "e-", "e+", "E-0"]),
    st.one_of(st.just(""), st.integers(0, 45).map(str), digits),
).map("".join)
near_numbers = st.text("0123456789.eE+-_ xNaInf\u0663\u096b\uff11\n\x00", max_size=24)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(number_like, near_numbers, st.text()), min_size=40, max_size=80))
@example([*NUMBERS, *REFUSED])
def test_duckdb_and_python_agree_on_every_text(texts: list[str]) -> None:
    with duckdb.connect() as connection:
        sql = f"SELECT {to_decimal('x')} FROM (SELECT unnest($texts::VARCHAR[]) AS x)"
        rows = connection.execute(sql, {"texts": texts}).fetchall()
    assert [row[0] for row in rows] == [python_decimal(text) for text in texts]


@given(number_like)
def test_python_never_changes_the_value(text: str) -> None:
    value = python_decimal(text)
    if value is not None:
        assert value == Decimal(text)
        assert abs(value) < 10**16
        assert value == value.quantize(Decimal("1e-12"))
