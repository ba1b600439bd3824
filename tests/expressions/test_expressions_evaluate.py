"""Good expressions, and what they yield for a record: results written by hand."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monetization_pipeline.expressions import (
    Compiled,
    EventScope,
    Kind,
    RecordScope,
    compile_filter,
    compile_mapping,
    compile_value,
    paths_of,
    record_leaves,
)

RECORD = {
    "TIMESTAMP": "2023-08-01T12:00:00Z",
    "request": {
        "time": "01/Aug/2023:12:30:00 +0200",
        "headers": {"x-foo": "Bar", "Content-Length": "120"},
        "uri": "/v1/items?q=1",
    },
    "user": {"id": 42, "type": "admin", "active": True},
    "method": "GET",
    "path": "/v1/items",
    "status": 200,
    "cost": "1.250",
    "small": "2.5e-3",
    "huge": "12345678901234567",
    "many": "0.1234567890123",
    "words": "abc",
    "flag": "TRUE",
    "no": False,
    "nothing": None,
    "empty": "",
    "epoch": 1690848000123,
    "epoch_s": "1690848000.5",
    "list": [{"a": 5}, {"a": "six"}],
    "deep": {"b": {"c": {"d": {"e": {"f": "bottom"}}}}},
    "order": {"select": "x", "not": "y", "case": 3},
}


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


#: mapping → (kind, value)
MAPPINGS: dict[str, tuple[Kind, Any]] = {
    "method": (Kind.LOOSE, "GET"),
    "status": (Kind.LOOSE, "200"),
    "user.id": (Kind.LOOSE, "42"),
    '"user"."id"': (Kind.LOOSE, "42"),
    'request.headers."x-foo"': (Kind.LOOSE, "Bar"),
    "deep.b.c.d.e.f": (Kind.LOOSE, "bottom"),
    "deep.b.c.d.missing.f": (Kind.LOOSE, None),
    "order.select || order.not": (Kind.TEXT, "xy"),
    "order.case + 1": (Kind.DECIMAL, Decimal(4)),
    "list[0].a": (Kind.LOOSE, "5"),
    "list[1].a": (Kind.LOOSE, "six"),
    "list[2].a": (Kind.LOOSE, None),
    "user": (Kind.LOOSE, '{"id":42,"type":"admin","active":true}'),
    "words.below": (Kind.LOOSE, None),
    "nothing": (Kind.LOOSE, None),
    "empty": (Kind.LOOSE, ""),
    "lower(method)": (Kind.TEXT, "get"),
    "upper(user.type)": (Kind.TEXT, "ADMIN"),
    "trim('  a b ')": (Kind.TEXT, "a b"),
    "length(path)": (Kind.INTEGER, 9),
    "coalesce(nothing, missing, method)": (Kind.LOOSE, "GET"),
    "coalesce(nothing, 'none')": (Kind.TEXT, "none"),
    "coalesce(missing, 0)": (Kind.DECIMAL, Decimal(0)),
    "nullif(empty, '')": (Kind.LOOSE, None),
    "nullif(status, 200)": (Kind.DECIMAL, None),
    "nullif(cost, '') * 2": (Kind.DECIMAL, Decimal("2.5")),
    "substr(path, 2, 2)": (Kind.TEXT, "v1"),
    "substring(path, -5)": (Kind.TEXT, "items"),
    "replace(path, '/', '.')": (Kind.TEXT, ".v1.items"),
    "split_part(request.uri, '?', 1)": (Kind.TEXT, "/v1/items"),
    "split_part(request.uri, '?', 5)": (Kind.TEXT, ""),
    "concat(method, ' ', nothing, status)": (Kind.TEXT, "GET 200"),
    "method || nothing": (Kind.TEXT, None),
    "regexp_extract(request.uri, 'q=([0-9]+)', 1)": (Kind.TEXT, "1"),
    "regexp_extract(request.uri, '^/v[0-9]+')": (Kind.TEXT, "/v1"),
    "'it''s'": (Kind.TEXT, "it's"),
    "'a\"; drop table x; --'": (Kind.TEXT, 'a"; drop table x; --'),
    "1e3": (Kind.INTEGER, 1000),
    "0.1": (Kind.DECIMAL, Decimal("0.1")),
    "1e-12": (Kind.DECIMAL, Decimal("1e-12")),
    "-5": (Kind.INTEGER, -5),
    "1 - 3 * 2": (Kind.INTEGER, -5),
    "null": (Kind.TEXT, None),
    "true": (Kind.BOOLEAN, True),
    "cost + 1": (Kind.DECIMAL, Decimal("2.25")),
    "cost - small - 1": (Kind.DECIMAL, Decimal("0.2475")),
    "-(cost * 3)": (Kind.DECIMAL, Decimal("-3.75")),
    "cost * 0.00000001": (Kind.DECIMAL, Decimal("0.0000000125")),
    "cost * 0.000000000001": (Kind.DECIMAL, None),
    "huge * 1": (Kind.DECIMAL, None),
    "many + 0": (Kind.DECIMAL, None),
    "words + 1": (Kind.DECIMAL, None),
    "abs(-cost)": (Kind.DECIMAL, Decimal("1.25")),
    "abs(-3)": (Kind.DECIMAL, Decimal(3)),
    "cast(cost as decimal)": (Kind.DECIMAL, Decimal("1.25")),
    "cost::decimal::text": (Kind.TEXT, "1.25"),
    "cast(cost as integer)": (Kind.INTEGER, None),
    "try_cast(status as bigint)": (Kind.INTEGER, 200),
    "cast(words as integer)": (Kind.INTEGER, None),
    "cast(flag as boolean)": (Kind.BOOLEAN, True),
    "cast(words as boolean)": (Kind.BOOLEAN, None),
    "cast(1.50 as text)": (Kind.TEXT, "1.5"),
    "cast(status < 300 as text)": (Kind.TEXT, "true"),
    "status * 10 || ''": (Kind.TEXT, "2000"),
    "epoch_ms(epoch)": (Kind.INSTANT, at(2023, 8, 1, 0, 0, 0, 123000)),
    "epoch_s(epoch_s)": (Kind.INSTANT, at(2023, 8, 1, 0, 0, 0, 500000)),
    "epoch_s(huge)": (Kind.INSTANT, None),
    "epoch_ms(words)": (Kind.INSTANT, None),
    "epoch_s(0)": (Kind.INSTANT, at(1970, 1, 1)),
    "parse_time(request.time, '%d/%b/%Y:%H:%M:%S %z')": (Kind.INSTANT, at(2023, 8, 1, 10, 30)),
    "parse_time(TIMESTAMP, '%Y-%m-%dT%H:%M:%SZ')": (Kind.INSTANT, at(2023, 8, 1, 12)),
    "parse_time(words, '%Y-%m-%d')": (Kind.INSTANT, None),
    "cast(epoch_s(epoch_s) as text)": (Kind.TEXT, "2023-08-01T00:00:00.500000Z"),
    "case when status < 300 then 'ok' when status < 500 then 'bad' end": (Kind.TEXT, "ok"),
    "case method when 'POST' then 1 when 'GET' then 2.5 else 0 end": (Kind.DECIMAL, Decimal("2.5")),
    "case when nothing then 1 else null end": (Kind.INTEGER, None),
    "case status when 200 then user.type else method end": (Kind.LOOSE, "admin"),
    "/* a comment */ method -- and another": (Kind.LOOSE, "GET"),
}

FILTERS: dict[str, bool] = {
    "status = 200": True,
    "status <> 200": False,
    "status < 300 and status >= 200": True,
    "status = '200'": True,
    "status > '1000'": True,
    "status > 1000": False,
    "cost = 1.25": True,
    "cost = '1.25'": False,
    "cost between 1 and 2": True,
    "cost not between 1 and 2": False,
    "small = 0.0025": True,
    "huge > 1": False,
    "words > 1": False,
    "not words > 1": False,
    "method in ('GET', 'PUT')": True,
    "method not in ('GET', 'PUT')": False,
    "status in (200, 2.04e2)": True,
    "status in (-200)": False,
    "path like '/v1/%'": True,
    "path not like '/v1/%'": False,
    "path like '%'''": False,
    "method ilike 'get'": True,
    "nothing is null": True,
    "nothing is not null": False,
    "missing.below is null and not empty is null": True,
    "missing = 'x'": False,
    "not missing = 'x'": False,
    "missing = 'x' or true": True,
    "user.active": True,
    "not user.active": False,
    "user.active = true": True,
    "flag and not no": True,
    "words": False,
    "not words": False,
    "no = false": True,
    "method = user.type": False,
    "user.id < status": False,
    "starts_with(path, '/v1') and contains(path, 'item')": True,
    "regexp_matches(path, '^/v[0-9]+/[a-z]+$')": True,
    "regexp_matches(method, '(?i)^get$')": True,
    "epoch_ms(epoch) >= '2023-08-01'": True,
    "epoch_ms(epoch) < '2023-08-01T02:00:00+02:00'": False,
    "epoch_ms(epoch) between '2023-08-01' and '2023-08-01T00:00:01Z'": True,
    "epoch_ms(epoch) in ('2023-08-01 00:00:00.123')": True,
    "length(path) = 9 and length(empty) < 0.5": True,
    "length(path) * 2 = 18.0": True,
    "(status = 1 or status = 200) and (path = '/v1/items')": True,
    "abs(cost - 2) = 0.75": True,
    "case when status = 200 then user.active else false end": True,
}


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("SET TimeZone = 'America/New_York'")
    return made


def evaluate(compiled: Compiled, text: str, record: Any, connection: duckdb.DuckDBPyConnection) -> list[Any]:
    """The value, with the paths of a text read at once beside it."""
    leaves = record_leaves(paths_of(text))
    sql = f"SELECT {compiled.sql} FROM (SELECT text, {leaves} AS r FROM (SELECT $record AS text))"
    row = connection.execute(sql, {"record": json.dumps(record)}).fetchone()
    assert row is not None
    return [value.astimezone(UTC) if isinstance(value, datetime) else value for value in row]


@pytest.mark.parametrize(("text", "expected"), MAPPINGS.items())
def test_a_mapping_yields_its_value(
    text: str, expected: tuple[Kind, Any], connection: duckdb.DuckDBPyConnection
) -> None:
    for scope in (RecordScope(), RecordScope(paths_of(text))):
        compiled = compile_mapping(text, scope)
        assert compiled.kind == expected[0]
        assert evaluate(compiled, text, RECORD, connection) == [expected[1]]
        assert type(evaluate(compiled, text, RECORD, connection)[0]) is type(expected[1])


@pytest.mark.parametrize(("text", "expected"), FILTERS.items())
def test_a_filter_is_true_or_false(text: str, expected: bool, connection: duckdb.DuckDBPyConnection) -> None:
    for scope in (RecordScope(), RecordScope(paths_of(text))):
        compiled = compile_filter(text, scope)
        assert compiled.kind is Kind.BOOLEAN
        assert evaluate(compiled, text, RECORD, connection) == [expected]


@pytest.mark.parametrize("text", MAPPINGS)
def test_numbers_come_as_decimals_of_28_digits(text: str, connection: duckdb.DuckDBPyConnection) -> None:
    compiled = compile_mapping(text, RecordScope())
    types = {
        Kind.DECIMAL: {"DECIMAL(28,12)"},
        Kind.INTEGER: {"BIGINT"},
        Kind.INSTANT: {"TIMESTAMP WITH TIME ZONE"},
        Kind.BOOLEAN: {"BOOLEAN"},
        Kind.TEXT: {"VARCHAR"},
        Kind.LOOSE: {"VARCHAR", "JSON"},
    }
    row = connection.execute(f"SELECT typeof({compiled.sql}) FROM (SELECT '{{}}' AS text)").fetchone()
    assert row is not None
    assert row[0] in types[compiled.kind] or (compiled.kind is Kind.INTEGER and text.startswith("case"))


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        [
            "9" * 16,
            "-" + "9" * 16 + "." + "9" * 12,
            "1e15",
            "1e400",
            "infinity",
            "0000",
            "253402300799.9999999",
            "é",
            "\x00",
        ]
    ),
    st.lists(st.integers(), max_size=2),
)
paths = sorted({path for text in [*MAPPINGS, *FILTERS] for path in paths_of(text)}, key=str)


def nested(fields: dict[Any, Any]) -> Any:
    """A record with a leaf at each path; what lies in the way gives way."""
    record: Any = {}
    for path, leaf in fields.items():
        node = record
        for part in map(str, path[:-1]):
            if not isinstance(node.get(part), dict):
                node[part] = {}
            node = node[part]
        node[str(path[-1])] = leaf
    return record


records = st.dictionaries(st.sampled_from(paths), leaves, max_size=8).map(nested)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.one_of(records, leaves), min_size=1, max_size=12))
def test_no_record_makes_an_expression_raise(rows: list[Any]) -> None:
    scope = RecordScope(paths)
    compiled = [compile_mapping(text, scope) for text in MAPPINGS] + [compile_filter(text, scope) for text in FILTERS]
    values = [
        compile_value(text, scope) for text in ("cost", "-cost * 12345678 + huge - many", "status + user.id * 0.5")
    ]
    made = [sql for each in compiled for sql in (each.sql, each.text_sql)]
    made += [sql for each in compiled if each.unreadable for sql in (each.unreadable.when, each.unreadable.said)]
    made += [sql for each in values for sql in (each.text_sql, each.decimal_sql, each.absent_sql)]
    columns = ", ".join(f"{sql} AS c{index}" for index, sql in enumerate(made))
    source = "(SELECT unnest($rows::VARCHAR[]) AS text)"
    with duckdb.connect() as connection:
        result = connection.execute(
            f"SELECT {columns} FROM (SELECT text, {record_leaves(paths)} AS r FROM {source})",
            {"rows": [json.dumps(row) for row in rows]},
        ).fetchall()
    assert len(result) == len(rows)


EVENT = """
    SELECT 'e1' AS event_id, 'api_call' AS event_type, NULL::VARCHAR AS action_name, 'acme' AS company_id,
           'u1' AS user_id, NULL::VARCHAR AS subscription_id, NULL::VARCHAR AS session_token, 'GET' AS verb,
           'https://x/v1/items' AS uri, '/v1/items' AS route, 'v1' AS api_version, NULL::VARCHAR AS blocked_by,
           'gateway' AS source, 404::INTEGER AS status, 9223372036854775807::BIGINT AS duration_ms,
           (-9223372036854775808)::BIGINT AS request_size, NULL::BIGINT AS response_size, 1::BIGINT AS weight,
           TIMESTAMPTZ '2023-08-01 00:00:00+00' AS occurred_at, TIMESTAMPTZ '2023-08-01 00:00:01+00' AS received_at,
           '{"tokens": "12.5", "a b": {"c\\"d": [1, 2]}, "model": "m1", "n": null}' AS metadata
"""

EVENT_FILTERS: dict[str, bool] = {
    "status < 400 and route like '/v1/%'": False,
    "STATUS = 404": True,
    '"status" = 404': True,
    "status between 400.5 and 499": True,
    "status between 404.5 and 499": False,
    "status in (404, 410)": True,
    "blocked_by is null": True,
    "company_id = 'acme' and metadata.model = 'm1'": True,
    "metadata.tokens > 12": True,
    'metadata."a b"."c""d"[1] = 2': True,
    "metadata.n is null": True,
    "occurred_at >= '2023-08-01' and occurred_at < received_at": True,
    "occurred_at = '2023-08-01T02:00:00+02:00'": True,
    "duration_ms * duration_ms > 0": True,
    "duration_ms + request_size = -1": True,
    "abs(request_size) > duration_ms": True,
    "duration_ms = metadata.tokens": False,
    "duration_ms > 0.000000000001": True,
    "response_size > 0": False,
    "cast(status as text) = '404'": True,
    "cast(occurred_at as text) = '2023-08-01T00:00:00.000000Z'": True,
}


@pytest.mark.parametrize(("text", "expected"), EVENT_FILTERS.items())
def test_a_filter_over_events(text: str, expected: bool, connection: duckdb.DuckDBPyConnection) -> None:
    compiled = compile_filter(text, EventScope("e"))
    assert connection.execute(f"SELECT {compiled.sql} FROM ({EVENT}) AS e").fetchone() == (expected,)


#: value → (text, decimal, absent)
VALUES: dict[str, tuple[str | None, Decimal | None, bool]] = {
    "metadata.tokens": ("12.5", Decimal("12.5"), False),
    "metadata.tokens * 0.001": ("12.5", Decimal("0.0125"), False),
    "metadata.tokens * 0.000000000001": ("12.5", None, False),
    "-metadata.tokens + 2 * (1 + 1)": ("12.5", Decimal("-8.5"), False),
    "metadata.tokens - status": ("metadata.tokens=12.5 status=404", Decimal("-391.5"), False),
    "metadata.tokens + metadata.n": ("metadata.n=null metadata.tokens=12.5", None, True),
    "metadata.n + metadata.missing": ("metadata.missing=null metadata.n=null", None, True),
    "metadata.model + metadata.n": ("metadata.model=m1 metadata.n=null", None, False),
    "metadata.model": ("m1", None, False),
    "metadata.n": (None, None, True),
    "metadata.missing * 2": (None, None, True),
    "status": ("404", Decimal(404), False),
    "(status)": ("404", Decimal(404), False),
    "duration_ms": ("9223372036854775807", None, False),
    "duration_ms * 0.001": ("9223372036854775807", Decimal("9223372036854775.807"), False),
    "response_size": (None, None, True),
    "user_id": ("u1", None, False),
}


@pytest.mark.parametrize(("text", "expected"), VALUES.items())
def test_a_meters_value_is_exact_or_not_usable(
    text: str, expected: tuple[str | None, Decimal | None, bool], connection: duckdb.DuckDBPyConnection
) -> None:
    value = compile_value(text, EventScope())
    columns = [value.text_sql, value.decimal_sql, value.absent_sql, f"typeof({value.decimal_sql})"]
    row = connection.execute(f"SELECT {', '.join(columns)} FROM ({EVENT})").fetchone()
    assert row == (*expected, "DECIMAL(28,12)")
