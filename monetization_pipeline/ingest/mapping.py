"""A source's mapping as SQL: each target column's value, and what is wrong with a record, in words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from monetization_pipeline.expressions import (
    Compiled,
    ExpressionError,
    Kind,
    RecordScope,
    Unreadable,
    compile_mapping,
    paths_of,
    record_leaves,
)
from monetization_pipeline.expressions.decimals import whole_of
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.expressions.unreadable import either, lost
from monetization_pipeline.sources.declared import Source, SourceError

IDS = ("event_id", "company_id", "user_id", "subscription_id")
#: Why a record is set aside; null where it is good.
REFUSAL = "refusal"
#: What makes a record a correction (rule 3), of which event, and why. Without `correction`, it is an ordinary event.
CORRECTION = ("correction", "target_event_id", "target_source", "reason")
TEXTS = (
    *IDS, "event_type", "action_name", "session_token", "verb", "uri", "route", "api_version", "blocked_by",
    "direction", REFUSAL, *CORRECTION,
)  # fmt: skip
WHOLE_NUMBERS = ("status", "duration_ms", "request_size", "response_size", "weight")
INSTANTS = ("occurred_at", "ended_at")
METADATA = "metadata"
TARGETS = (*TEXTS, *WHOLE_NUMBERS, *INSTANTS, METADATA)

_KEY = re.compile(rf"{METADATA}\.(?P<key>.+)")
#: A record's text, in which every number is by its one text (rule 8).
EXACT_TEXT = "exact_text"
_RECORD = "r"
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class RecordSql:
    """A mapping as SQL. `leaves`: what is read of a record's EXACT_TEXT, the list `r`. `values` are over `r`.

    The values of ids, texts and metadata are VARCHAR; of whole numbers and instants, VARCHAR too where the record's own
    text is to be checked (`checked`), else already typed. `unreadable`: by target, and by `metadata.<key>`, where an
    expression finds what cannot be read; of a key, metadata keeps the text.
    """

    leaves: str
    values: Mapping[str, str]
    checked: frozenset[str]
    unreadable: Mapping[str, Unreadable]


def record_sql(source: Source) -> RecordSql:
    """The SQL of a source's mapping. Raises SourceError naming the column whose expression is refused."""
    targets = {target: text for target, text in source.columns.items() if _KEY.fullmatch(target) is None}
    keys = {match["key"]: text for target, text in source.columns.items() if (match := _KEY.fullmatch(target))}
    unknown = sorted(set(targets) - set(TARGETS))
    if unknown:
        raise _error(source, unknown[0], f"there is no such column; columns are {', '.join(TARGETS)}, metadata.<key>")
    for required in ("target_event_id",) if "correction" in targets else ("occurred_at", "event_type"):
        if required not in targets:
            raise _error(source, required, "this column is required")
    texts = [*targets.items(), *((f"{METADATA}.{key}", text) for key, text in keys.items())]
    paths = {path for target, text in texts for path in _compile(source, target, text, paths_of)}
    scope = RecordScope(paths, record=_RECORD, text=EXACT_TEXT)
    compiled = {
        target: _compile(source, target, text, lambda text: compile_mapping(text, scope)) for target, text in texts
    }
    values = {target: _typed(source, target, compiled[target]) for target in targets}
    if keys:
        values[METADATA] = _metadata(values.get(METADATA), {key: compiled[f"{METADATA}.{key}"] for key in keys})
    checked = frozenset(target for target in targets if compiled[target].kind in (Kind.LOOSE, Kind.TEXT))
    unreadable = {
        target: found for target, each in compiled.items() if (found := _unreadable(target, each)) is not None
    }
    return RecordSql(record_leaves(paths, text=EXACT_TEXT), values, checked, unreadable)


def _unreadable(target: str, compiled: Compiled) -> Unreadable | None:
    if target in WHOLE_NUMBERS and compiled.kind is Kind.DECIMAL:
        return either(compiled.unreadable, lost(whole_of(compiled.sql), compiled.sql, compiled.text_sql))
    return compiled.unreadable


def _metadata(whole: str | None, keys: Mapping[str, Compiled]) -> str:
    """An object of the given keys, over the record's own metadata where there is some; absent values are left out."""
    pairs = ", ".join(f"{text_literal(key)}, {_text_of(value)}" for key, value in keys.items())
    own = f"json_merge_patch('{{}}', json_object({pairs}))"
    if whole is None:
        return f"CAST({own} AS VARCHAR)"
    # What is no object stays as it is, to be refused.
    is_object = f"starts_with({whole}, '{{') AND json_valid({whole})"
    merged = f"CASE WHEN {is_object} THEN json_merge_patch({whole}, {own}) ELSE {own} END"
    return f"CASE WHEN {whole} IS NULL OR ({is_object}) THEN CAST({merged} AS VARCHAR) ELSE {whole} END"


def _text_of(value: Compiled) -> str:
    """A value as text, or what is there where it cannot be read."""
    found = value.unreadable
    return (
        value.text_sql if found is None else f"coalesce({value.text_sql}, CASE WHEN {found.when} THEN {found.said} END)"
    )


def _typed(source: Source, target: str, compiled: Compiled) -> str:
    if target in INSTANTS and compiled.kind not in (Kind.LOOSE, Kind.TEXT, Kind.INSTANT):
        raise _error(source, target, "a time is expected; use epoch_ms(…) or epoch_s(…) for numbers")
    if target in WHOLE_NUMBERS and compiled.kind not in (Kind.LOOSE, Kind.TEXT, Kind.INTEGER, Kind.DECIMAL):
        raise _error(source, target, "a whole number is expected; use cast(… as integer)")
    if target in WHOLE_NUMBERS and compiled.kind is Kind.DECIMAL:
        return whole_of(compiled.sql)
    if target in TEXTS:
        return f"nullif({compiled.text_sql}, '')"
    return compiled.sql


def _compile(source: Source, target: str, text: str, compile_text: Callable[[str], _Result]) -> _Result:
    try:
        return compile_text(text)
    except ExpressionError as error:
        raise _error(source, target, str(error)) from None


def _error(source: Source, target: str, problem: str) -> SourceError:
    return SourceError(f"{source.place('mapping', target)}: {problem}")
