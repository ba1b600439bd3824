"""Filters, values and mappings that users write: parsed, checked against an allow-list, typed, rendered as DuckDB SQL.

The text is SQL-like (dialect DuckDB). What comes out is built from the checked syntax tree alone; it never raises when
it runs, whatever the data, and never rounds a number.
"""

from monetization_pipeline.expressions.compiling import (
    compile_column,
    compile_filter,
    compile_mapping,
    compile_value,
)
from monetization_pipeline.expressions.decimals import (
    decimal_text_ok,
    number_text,
    python_decimal,
    to_decimal,
    to_whole,
)
from monetization_pipeline.expressions.model import (
    Compiled,
    CompiledValue,
    ExpressionError,
    Kind,
    Path,
    Reference,
    Scope,
    Unreadable,
)
from monetization_pipeline.expressions.reading import paths_of
from monetization_pipeline.expressions.scopes import EVENT_COLUMNS, EventScope, RecordScope, record_leaves

__all__ = [
    "EVENT_COLUMNS",
    "Compiled",
    "CompiledValue",
    "EventScope",
    "ExpressionError",
    "Kind",
    "Path",
    "RecordScope",
    "Reference",
    "Scope",
    "Unreadable",
    "compile_column",
    "compile_filter",
    "compile_mapping",
    "compile_value",
    "decimal_text_ok",
    "number_text",
    "paths_of",
    "python_decimal",
    "record_leaves",
    "to_decimal",
    "to_whole",
]
