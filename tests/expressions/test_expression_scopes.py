"""Paths: what may be written, and how a record's fields are read in one parse."""

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monetization_pipeline.expressions import (
    EventScope,
    ExpressionError,
    Kind,
    RecordScope,
    compile_column,
    compile_mapping,
    paths_of,
    record_leaves,
)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("TIMESTAMP", ("TIMESTAMP",)),
        ("time", ("time",)),
        ("date", ("date",)),
        ("user", ("user",)),
        ("type", ("type",)),
        ("method", ("method",)),
        ("path", ("path",)),
        ("row", ("row",)),
        ("map", ("map",)),
        ("interval", ("interval",)),
        ("current_date", ("current_date",)),
        ("left", ("left",)),
        ("key", ("key",)),
        ("value", ("value",)),
        ("comment", ("comment",)),
        ("group", ("group",)),
        ("size", ("size",)),
        ("request.time", ("request", "time")),
        ("request.select", ("request", "select")),
        ("request.not.null.and", ("request", "not", "null", "and")),
        ("select.a", ("select", "a")),
        ("order.by", ("order", "by")),
        ('"select"', ("select",)),
        ('"null"', ("null",)),
        ('request.headers."x-foo"', ("request", "headers", "x-foo")),
        ('request."a.b"', ("request", "a.b")),
        ('request."a""b"', ("request", 'a"b')),
        ("a.b.c.d.e.f.g.h", ("a", "b", "c", "d", "e", "f", "g", "h")),
        ("a[0].b[12][3]", ("a", 0, "b", 12, 3)),
        ("größe.ß", ("größe", "ß")),
        (" a . b ", ("a", "b")),
        ("a.from.where", ("a", "from", "where")),
        ('"p0"', ("p0",)),
        ("lower", ("lower",)),
    ],
)
def test_any_word_can_be_a_field(text: str, path: tuple[str | int, ...]) -> None:
    assert paths_of(text) == {path}
    assert compile_column(text, RecordScope()).paths == {path}


def test_paths_of_several_fields() -> None:
    assert paths_of("coalesce(a.b, c, 'd') || a.b") == {("a", "b"), ("c",)}


def test_a_dimension_is_a_column_or_a_json_path() -> None:
    assert compile_column("user_id", EventScope()).sql == '"user_id"'
    assert compile_column("user_id", EventScope("e")).sql == '"e"."user_id"'
    assert compile_column("metadata.model", EventScope()).kind is Kind.LOOSE
    assert compile_column("status", EventScope()).kind is Kind.INTEGER
    assert compile_column("STATUS", EventScope()).sql == '"status"'


@pytest.mark.parametrize("name", ["bloc\u212aed_by", "\u017ftatus", "\uff53tatus", "metadat\u0430.x"])
def test_a_column_is_not_known_by_a_name_that_only_looks_like_it(name: str) -> None:
    with pytest.raises(ExpressionError, match="unknown column"):
        compile_column(name, EventScope())


def test_each_path_of_a_record_is_read_once_by_its_number() -> None:
    texts = ["userIdentity.arn", "userIdentity.type", "metadata", 'request.headers."x-foo"', "userIdentity", "a[0]"]
    paths = paths_of(f"concat({', '.join(texts)})") | paths_of("lower(metadata)")
    scope = RecordScope(paths)
    assert record_leaves(paths).count("$") == len(texts)
    places = {compile_mapping(text, scope).sql for text in texts}
    assert places == {f'"r"[{place}]' for place in range(1, len(texts) + 1)}


def test_no_name_of_a_user_is_a_name_in_sql() -> None:
    for path in (("Tokens",), ("tokens",), ("request", "drop table")):
        for scope in (RecordScope([path]), RecordScope()):
            found = scope.resolve(path)
            assert found is not None
            assert f'"{path[-1]}"' not in found.sql.replace(f'$."{path[0]}"', "").replace(f'."{path[-1]}"\'', "")


@pytest.mark.parametrize("path", [("",), ("a", ""), ("*",), ("a", "*"), ("a", -1), ("a", 10**6)])
def test_a_field_that_json_paths_cannot_name_is_refused(path: tuple[str | int, ...]) -> None:
    with pytest.raises(ExpressionError):
        RecordScope().resolve(path)


names = st.one_of(
    st.text(min_size=1, max_size=8).filter(lambda name: name != "*" and name.isprintable()),
    st.sampled_from(
        ["X-Id", "x-id", "a", "A", "a.b", "$", "[0]", "'", '"', "\\", "**", "a*", "#", "/", "?", "-1", "; drop"]
    ),
)
keys = st.lists(names, min_size=1, max_size=3).map(tuple)


def leaf(record: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        record = record.get(part) if isinstance(record, dict) else None
    return record


@settings(max_examples=60, deadline=None)
@given(st.lists(keys, min_size=1, max_size=6, unique=True))
def test_every_field_name_is_read_back_whichever_way(paths: list[tuple[str, ...]]) -> None:
    record: dict[str, Any] = {}
    for index, path in enumerate(paths):
        node = record
        for part in path[:-1]:
            below = node.setdefault(part, {})
            node = below if isinstance(below, dict) else {}
        node[path[-1]] = f"value {index}"
    expected = [found if not isinstance(found := leaf(record, path), dict) else "object" for path in paths]
    with duckdb.connect() as connection:
        for scope in (RecordScope(paths), RecordScope()):
            quoted = [".".join('"' + part.replace('"', '""') + '"' for part in path) for path in paths]
            columns = ", ".join(compile_mapping(text, scope).sql for text in quoted)
            row = connection.execute(
                f"SELECT {columns} FROM (SELECT text, {record_leaves(paths)} AS r FROM (SELECT $text AS text))",
                {"text": json.dumps(record)},
            ).fetchone()
            assert row is not None
            assert ["object" if value and value.startswith("{") else value for value in row] == expected
