"""What of a statement in DuckDB's dialect does not come over to Spark 4 by sqlglot. Nothing is run: it is read."""

import re
from collections.abc import Iterator
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError, UnsupportedError


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


#: Functions of Spark's that statements use, as sqlglot writes them. One that is not here has to be looked up.
SPARK_FUNCTIONS = _words("""
    ARRAY CAST CHR COALESCE CONCAT_WS COUNT DATE_TRUNC EXPLODE FIRST_VALUE FROM_UTC_TIMESTAMP GET_JSON_OBJECT LEAD LEFT
    LENGTH LOWER MAX MIN REGEXP_EXTRACT REPEAT REPLACE ROW_NUMBER SPLIT_PART STARTSWITH STRUCT SUBSTRING SUM TRIM
    TRY_CAST""")
_SPARK_TYPES = _words("ARRAY BIGINT BOOLEAN DATE DECIMAL INT STRUCT TEXT TIMESTAMP TIMESTAMPNTZ TIMESTAMPTZ")
#: Words that stand before a parenthesis without being a function's name.
_NO_FUNCTIONS = _words("""
    ALL AND AS BY DECIMAL DISTINCT EXCEPT EXISTS FILTER FROM IN JOIN NOT ON OR OVER SELECT THEN USING WHEN WHERE""")


def not_on_spark(sql: str) -> frozenset[str]:
    """What Spark would refuse, or take for something else; empty where the statement comes over."""
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
        carried = sqlglot.transpile(sql, read="duckdb", write="spark", unsupported_level=ErrorLevel.RAISE)[0]
        sqlglot.parse_one(carried, read="spark")
    except (UnsupportedError, ParseError) as error:
        return frozenset({f"sqlglot: {str(error).partition('.')[0]}"})
    return frozenset([*_written(tree), *_unknown_functions(carried)])


def _written(tree: exp.Expr) -> Iterator[str]:
    """What sqlglot lets through as it stands."""
    if not isinstance(tree, exp.Query):
        yield f"statement {tree.key.upper()}"
    for node in tree.walk():
        if isinstance(node, exp.SetOperation | exp.Insert) and node.args.get("by_name"):
            yield "BY NAME"
        if isinstance(node, exp.CTE) and node.args.get("materialized") is not None:
            yield "MATERIALIZED"
        if isinstance(node, exp.Star) and (node.args.get("replace") or node.args.get("rename")):
            yield "star with REPLACE or RENAME"
        if isinstance(node, exp.DataType) and node.this.name not in _SPARK_TYPES:
            yield f"type {node.this.name}"
        if isinstance(node, exp.ReadParquet | exp.ReadCSV) or (
            isinstance(node, exp.Table) and isinstance(node.this, exp.Func)
        ):
            yield "table function"
        if isinstance(node, exp.Column) and node.name.lower() == "rowid":
            yield "rowid"
        if isinstance(node, exp.In) and _is_a_struct(node.args.get("query")):
            yield "row IN structs"
        if isinstance(node, exp.JSONExtractScalar | exp.JSONExtract) and not _has_a_path(node):
            yield "JSON by what is not one path"


def _is_a_struct(query: exp.Expr | None) -> bool:
    inner = query.unnest() if query is not None else None
    return isinstance(inner, exp.Select) and [type(column) for column in inner.selects] == [exp.Tuple]


def _has_a_path(node: exp.Expr) -> bool:
    return isinstance(node.expression, exp.JSONPath) or node.expression.name.startswith("$")


def _unknown_functions(sql: str) -> Iterator[str]:
    tokens = sqlglot.tokenize(sql, read="spark")
    for token, following in pairwise(tokens):
        name = token.text.upper()
        called = following.text == "(" and re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) and token.text == name
        if called and name not in SPARK_FUNCTIONS | _NO_FUNCTIONS:
            yield name
