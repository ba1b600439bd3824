"""SQL of what is there in a record and cannot be read (rule 8): what refuses it, and what an event keeps beside it.

Of a target there may be columns beside it: `<name>_unread`, where its expression finds what cannot be read;
`<name>_text`, its own text, where that is yet to be read; and `<name>_said`, what of both is kept of an event.
"""

from collections.abc import Iterable, Mapping

from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.expressions.scopes import MAY_BE_UNREADABLE
from monetization_pipeline.ingest.exact_json import RISKY
from monetization_pipeline.ingest.mapping import CORRECTION, IDS, METADATA, REFUSAL, WHOLE_NUMBERS, RecordSql

#: What cannot be read is kept of an event, so much of it.
_KEPT = 1_000
_KEYS = "keys_unread"
#: No record is an event, or a correction, without these.
NEEDED = (REFUSAL, *CORRECTION[:3], *IDS, "event_type", "action_name", "direction")
_LEAST, _GREATEST = -(2**31), 2**31 - 1


def unread_columns(record: RecordSql) -> dict[str, str]:
    """Over a record's values and what they are made of: what expressions find that cannot be read."""
    targets = {name: found for name, found in record.unreadable.items() if name in record.values and name != METADATA}
    columns = {
        f"{name}_unread": f'CASE WHEN "{name}" IS NULL THEN CASE WHEN {found.when} THEN {found.said} END END'
        for name, found in targets.items()
    }
    # Of metadata as a whole and by key: neither is NULL where it is kept as the text that it is.
    kept = {
        name: f"CASE WHEN {found.when} THEN {found.said} END"
        for name, found in record.unreadable.items()
        if name not in targets
    }
    return columns | {_KEYS: _object(kept)}


def said_columns(record: RecordSql) -> dict[str, str]:
    """Over a record's typed values: what is kept of an event because it is there and cannot be read."""
    found: dict[str, list[str]] = {}
    for name in (*sorted(MAY_BE_UNREADABLE), "ended_at"):
        if name in record.unreadable:
            found.setdefault(name, []).append(f"{name}_unread")
        if name in record.checked and name in (*WHOLE_NUMBERS, "ended_at"):
            found.setdefault(name, []).append(f"CASE WHEN {name} IS NULL THEN {name}_text END")
    if "status" in record.values:
        beyond = f"CASE WHEN status NOT BETWEEN {_LEAST} AND {_GREATEST} THEN CAST(status AS VARCHAR) END"
        found.setdefault("status", []).append(beyond)
    if METADATA in record.values:
        found[METADATA] = [f"CASE WHEN {_no_metadata()} THEN {METADATA} END"]
    return {f"{name}_said": _first(texts) for name, texts in found.items()}


def kept_columns(said: Iterable[str]) -> dict[str, str]:
    """Over the columns of `said_columns`: what replaces columns, and `unreadable`, a JSON object."""
    by_name = {column.removesuffix("_said"): column for column in said}
    some = _object({name: f"left({column}, {_KEPT})" for name, column in by_name.items()}, over=_KEYS)
    columns = {
        name: f"CASE WHEN {name}_said IS NULL THEN {name} END" for name in ("status", METADATA) if name in by_name
    }
    return columns | {"unreadable": some}


def refused_as_unreadable(record: RecordSql) -> list[tuple[str, str]]:
    """(condition, reason) of what no event can do without."""
    return [
        (f"{name}_unread IS NOT NULL", f"'{name} cannot be read: ' || left({name}_unread, 100)")
        for name in NEEDED
        if name in record.unreadable
    ]


def there_and_unreadable(record: RecordSql, name: str) -> str | None:
    """SQL of the text of a column that is checked or computed, and NULL; None where it can always be read."""
    texts = [f"{name}_unread"] if name in record.unreadable else []
    texts += [f"{name}_text"] if name in record.checked else []
    return _first(texts) if texts else None


def _no_metadata() -> str:
    """Metadata that is no object, or is sent as text with JSON in it: what that holds was not read digit by digit."""
    risky = text_literal(RISKY)
    return f"""{METADATA} IS NOT NULL AND (
        NOT (starts_with({METADATA}, '{{') AND json_valid({METADATA}))
        OR (contains(text, '\\"') OR contains(text, '\\u0022')) AND regexp_matches({METADATA}, {risky})
            AND regexp_matches(regexp_replace({METADATA}, '"(?:[^"\\\\]|\\\\.)*"', '""', 'g'), {risky}))"""


def _first(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})"


def _object(texts: Mapping[str, str], *, over: str = "'{}'") -> str:
    """JSON text of an object of those texts that are not NULL, over another object."""
    if not texts:
        return over
    some = " OR ".join(f"({text}) IS NOT NULL" for text in texts.values())
    pairs = ", ".join(f"{text_literal(name)}, {text}" for name, text in texts.items())
    return f"CASE WHEN {some} THEN CAST(json_merge_patch({over}, json_object({pairs})) AS VARCHAR) ELSE {over} END"
