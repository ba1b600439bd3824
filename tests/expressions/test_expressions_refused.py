"""What a catalog must never bring to an engine, and what is merely a mistake."""

import pytest

from monetization_pipeline.expressions import (
    EventScope,
    ExpressionError,
    RecordScope,
    compile_column,
    compile_filter,
    compile_mapping,
    compile_value,
    paths_of,
)

#: expression → a piece of the message that must be named
HOSTILE = {
    "select 1": "select",
    "SELECT * FROM events": "SELECT",
    "(select 1)": "select",
    "status in (select 1)": "select",
    "status = (select max(status) from events)": "select",
    "exists (select 1)": "exists",
    "status < 400; drop table events": "`;`",
    "status < 400;": "`;`",
    "drop table events": "drop",
    "attach 'x.db' as y": "attach",
    "copy events to 'x.csv'": "copy",
    "pragma version": "pragma",
    "set memory_limit = 1": "set",
    "install httpfs": "install",
    "load httpfs": "load",
    "values (1)": "values",
    "with x as (select 1) select * from x": "with",
    "call pragma_version()": "call",
    "read_csv('/etc/passwd')": "read_csv",
    "read_text('/etc/passwd') = ''": "read_text",
    "read_blob('x') is null": "read_blob",
    "getenv('HOME')": "getenv",
    "current_setting('access_mode')": "current_setting",
    "getvariable('x')": "getvariable",
    "version()": "version",
    "random() < 0.5": "random",
    "now() > occurred_at": "now",
    "uuid()": "uuid",
    "sleep_ms(1000)": "sleep_ms",
    "query('select 1')": "query",
    "query_table('events')": "query_table",
    "sql_auto_complete('a')": "sql_auto_complete",
    "error('x')": "error",
    "count(*)": "count",
    "sum(status)": "sum",
    "max(status) over ()": "max",
    "row_number() over ()": "row_number",
    "lower(uri) over ()": "over",
    "list_transform([1], x -> x)": "list_transform",
    "coalesce(status, x -> x)": "->",
    "lambda x: x": "lambda",
    "lower(uri order by uri)": "order by",
    "lower(distinct uri)": "distinct",
    "status::json": "json",
    "cast(uri as timestamp)": "timestamp",
    "cast(status as double)": "double",
    "cast(status as float)": "float",
    "status::hugeint": "hugeint",
    "cast(uri as decimal(18,2))": "decimal",
    "uri::varchar[]": "[",
    "[1, 2]": "[",
    "{'a': 1}": "{",
    "row(1)": "row",
    "struct_pack(a := 1)": "struct_pack",
    "map {'a': 1}": "{",
    "$1": "$",
    "status = ?": "?",
    "status = :x": ":",
    "status = @x": "@",
    "#1 = 1": "#",
    "*": "`*`",
    "events.*": "field's name",
    "columns('.*')": "columns",
    "status / 2": "quantity transform",
    "status // 2": "quantity transform",
    "status % 2 = 0": "quantity transform",
    "status ** 2": "**",
    "status ^ 2": "^",
    "~status": "~",
    "status & 1": "&",
    "status << 1": "<<",
    "uri ~ 'x'": "~",
    "uri glob '*'": "glob",
    "uri similar to 'x'": "similar to",
    "uri collate nocase": "collate",
    "uri like 'a' escape 'b'": "escape",
    "uri like any ('a')": "any",
    "metadata -> 'a'": "->",
    "metadata ->> 'a'": "->>",
    "metadata.a[1:2]": "brackets",
    "metadata.a['b']": "brackets",
    "metadata.a[-1]": "brackets",
    "metadata.a[99999999]": "brackets",
    "metadata.a.b()": "metadata.a.b",
    "main.read_csv('x')": "main.read_csv",
    "\"read_csv\"('x')": "read_csv",
    "system.\"getenv\"('x')": "getenv",
    "e'\\x27'": "e'",
    "x'00'": "x",
    "$$a$$": "$$a$$",
    "'a' 'b'": "'b'",
    "status as x": "x",
    "status x": "x",
    "status, uri": "cannot be read",
    "interval 1 day": "interval",
    "date '2023-01-01'": "date",
    "timestamp '2023-01-01' < occurred_at": "timestamp",
    "uri at time zone 'UTC'": "at",
    "status is distinct from 1": "from",
    "status is true": "null",
    "1_000 = status": "1_000",
    "0x10 = status": "x10",
    "uri = 'a' -- comment\n; select 1": "`;`",
    "status = 1 /* a */ union /* b */ select 1": "union",
    "status = 1 /* unfinished": "never closed",
    "'unfinished": "never closed",
    '"unfinished': "never closed",
    "uri = 'it''s' or '": "never closed",
    "uri = 'a\x00b'": "U+0000",
    "uri = '\ud800'": "U+D800",
    "`uri` = 'a'": "`",
    "\u2018uri\u2019": "\u2018uri\u2019",
    "\uff53elect 1": "operator is missing",
    "": "empty",
    "   ": "empty",
    "-- nothing": "empty",
    "()": "( , )",
    "status <": "cannot be read",
    "and status": "cannot be read",
    "(status < 1": "never closed",
    "status < 1)": "closes nothing",
    "case when status < 1 then 1": "never closed",
    "{{ status }}": "{",
    "fn_0(uri)": "fn_0",
    '""': "empty",
    'metadata.""': "empty",
    'metadata."*"': "*",
    "(" * 31 + "status" + ")" * 31: "nested",
    "not " * 31 + "blocked_by is null": "in a row",
    "- " * 31 + "status": "in a row",
    " or ".join(["status = 1"] * 201): "in a row",
    " + ".join(["status"] * 51): "in a row",
    "status = 1" + " " * 4000: "4000",
    "blocked_by = not " * 200 + "true": "nested too deeply",
    "status::text" + "::text" * 200: "nested",
    "replace(replace(replace(uri, 'a', '" + "a" * 99 + "'), 'a', '" + "a" * 99 + "'), 'a', 'b')": "longer",
    "cast(cast(" * 8 + "uri" + " as decimal) as text)" * 8 + " = ''": "too large",
}

MISTAKES = {
    "\"p0\" = 'x'": "unknown column `p0`",
    "nothing = 1": "unknown column `nothing`; there are: event_id",
    "metadata = 'x'": "unknown column `metadata`",
    "status.x = 1": "unknown column `status.x`",
    "status < 'abc'": "`status` is a whole number and 'abc' is text",
    "company_id = 5": "`company_id` is text and 5 is a whole number",
    "company_id + 1 > 2": "`company_id` is text, and a number is needed here",
    "uri || 1 + 'a' = ''": "a number is needed here",
    "occurred_at > 5": "`occurred_at` is an instant",
    "occurred_at > 'yesterday'": "'yesterday' is not an instant",
    "occurred_at > '2023-13-01'": "'2023-13-01' is not an instant",
    "occurred_at > uri": "parse_time",
    "occurred_at > metadata.time": "parse_time",
    "status": "`status` is a whole number, and a condition is needed here",
    "uri": "`uri` is text, and a condition is needed here",
    "not status": "a condition is needed here",
    "status and true": "a condition is needed here",
    "status = null": "is null",
    "status in (1, null)": "is null",
    "status in (1, 'a')": "'a' is text",
    "status in (request_size)": "a list",
    "status between 'a' and 'b'": "'a' is text",
    "true < false": "no order",
    "(status < 1) > true": "no order",
    "status like '2%'": "cast(… as text)",
    "uri like route": "single quotes",
    "lower(status) = 'a'": "cast(… as text)",
    "lower() = 'a'": "lower(…) takes 1 argument(s), not 0",
    "lower(uri, uri) = 'a'": "lower(…) takes 1",
    "coalesce(status, 'a') = 'a'": "'a' is text",
    "case when status < 1 then 1 else 'a' end = 1": "'a' is text",
    "substr(uri, status) = 'a'": "written out",
    "substr(uri, 99999999999) = 'a'": "at most",
    "substr(uri, 1, -1) = 'a'": "negative",
    "split_part(uri, '', 1) = 'a'": "empty",
    "split_part(uri, '/', 0) = 'a'": "counted from 1",
    "replace(uri, '', 'a') = ''": "empty",
    "regexp_matches(uri, route)": "single quotes",
    "regexp_matches(uri, '(')": "never closed",
    "regexp_matches(uri, '(?=a)')": "only (…)",
    "regexp_extract(uri, 'a', 1) = ''": "no group 1",
    "parse_time(uri, '%Q') is null": "%Q",
    "parse_time(uri, '%d') is null": "no year",
    "parse_time(uri, route) is null": "single quotes",
    "epoch_ms(uri) is null": "cast(… as decimal)",
    "status < 12345678901234567": "16 digits",
    "status < 0.1234567890123": "12 after the point",
    "status < 1e999999999": "16 digits",
    "status < 1e99999999999999999999999": "16 digits",
    "metadata.a * 123456789012 > 0": "8 digits",
    "metadata.a * metadata.b > 0": "more than 38 digits",
    "metadata.x-id = 'a'": '"x-id"',
    "metadata.a.0 = 'a'": "[0]",
    "status > .5": "0.5",
    "cast(occurred_at as integer) = 1": "a number is needed",
    "cast(status as boolean)": "comparison",
}

BAD_VALUES = {
    "metadata.a / 2": "quantity transform",
    "metadata.a * metadata.b": "written-out numbers only",
    "(metadata.a + 1) * (status - 1)": "written-out numbers only",
    "lower(metadata.a)": "not allowed in a value",
    "cast(metadata.a as decimal)": "not allowed in a value",
    "case when status = 1 then 2 end": "not allowed in a value",
    "metadata.a || 'x'": "not allowed in a value",
    "metadata.a = 1": "not allowed in a value",
    "metadata.a + '1'": "not allowed in a value",
    "5": "count",
    "1 + 1": "count",
    "occurred_at": "a value is a number or text",
    "user_id + 1": "a number is needed",
    "metadata.a * 123456789012": "8 digits",
    "metadata.a * 1000000000000 * 1000": "8 digits",
    "null": "not allowed in a value",
}


@pytest.mark.parametrize(("text", "named"), HOSTILE.items())
def test_what_must_not_reach_an_engine_is_refused_by_name(text: str, named: str) -> None:
    for scope in (EventScope(), RecordScope()):
        for compiler in (compile_filter, compile_mapping):
            with pytest.raises(ExpressionError) as caught:
                compiler(text, scope)
            assert named in str(caught.value)


@pytest.mark.parametrize(("text", "named"), MISTAKES.items())
def test_a_mistake_is_named_when_it_is_compiled(text: str, named: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_filter(text, EventScope())
    assert named in str(caught.value)


@pytest.mark.parametrize(("text", "named"), BAD_VALUES.items())
def test_a_value_is_a_field_or_sums_and_multiples_of_fields(text: str, named: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_value(text, EventScope())
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "text", ["lower(user_id)", "user_id || 'a'", "'user_id'", "1", "(user_id)", "user_id, uri", "metadata.a + 1"]
)
def test_a_dimension_is_one_column_and_nothing_else(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_column(text, EventScope())


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("status < 1 and getenv('x') = ''", 15),
        ("status < 1; drop", 10),
        ("status < 1 and nothing = 2", 15),
        ("uri = 'a' and status < 'b'", 14),
    ],
)
def test_an_error_knows_where_the_piece_stands(text: str, position: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_filter(text, EventScope())
    assert caught.value.position == position


def nested_compile(frames: int, text: str) -> str:
    return nested_compile(frames - 1, text) if frames else compile_mapping(text, EventScope()).sql


def test_how_deep_an_expression_may_be_does_not_depend_on_the_callers_stack() -> None:
    for text in ("(" * 30 + "uri" + ")" * 30, "lower(" * 30 + "uri" + ")" * 30):
        assert nested_compile(600, text) == compile_mapping(text, EventScope()).sql


@pytest.mark.parametrize("text", ["select 1", "a; b", "getenv('x')", "", "a[b]"])
def test_reading_the_paths_alone_checks_the_text_too(text: str) -> None:
    with pytest.raises(ExpressionError):
        paths_of(text)
