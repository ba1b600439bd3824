"""SQL that turns records into staged rows: events with typed columns, and what is wrong with the others.

Relations it reads: `records` (RECORD_SCHEMA) and `files` (file_no, source, file, received_at).
Staged rows have an `outcome`: event, void, replacement, refused, empty, slow (a line to be read in Python), company,
user, subscription.
"""

from collections.abc import Mapping

from monetization_pipeline.datasets import DIRECTIONS, EVENT_CONTENT
from monetization_pipeline.expressions import to_whole
from monetization_pipeline.expressions.quoting import identifier, text_literal
from monetization_pipeline.ingest.exact_json import CUT, FRACTION_TO_CUT, RISKY, WHOLE_FRACTION
from monetization_pipeline.ingest.mapping import (
    EXACT_TEXT,
    IDS,
    INSTANTS,
    METADATA,
    REFUSAL,
    TEXTS,
    WHOLE_NUMBERS,
    RecordSql,
)
from monetization_pipeline.ingest.unreadable import (
    kept_columns,
    refused_as_unreadable,
    said_columns,
    there_and_unreadable,
    unread_columns,
)
from monetization_pipeline.lake.fingerprints import hash_sql
from monetization_pipeline.netting.identities import made_id_sql

_CONTENT = tuple(f'"{name}"' for name, _, _ in EVENT_CONTENT)
_DIRECTION = '"direction"'
#: What an event says, to be hashed: with what cannot be read, where there is some.
_SAID = tuple(
    f"CASE WHEN unreadable <> '{{}}' THEN concat({name}, unreadable) ELSE {name} END"
    if name == f'"{METADATA}"'
    else name
    for name in _CONTENT
)
#: RE2 pattern of a text that says one instant, to everybody: a day, a time, an offset or a zone's full name.
_TIME = (
    r"\s*[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}(?:[T\s]\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]*)?)?"
    r"(?:\s*(?:(?i:z|utc|gmt|est|mst|hst)|[-+](?:0?[0-9]|1[0-4])(?::?[0-9]{2}(?::[0-9]{2})?)?|[A-Za-z_]+(?:/[-+\w]+)+))?"
    r")?\s*"
)
_RECEIPT = """files.source, files.file, files.received_at,
            CAST(files.received_at AT TIME ZONE 'UTC' AS DATE) AS received_on"""

#: Columns of the staged table that `stage_sql` yields, in order.
PLACE = ("file_no", "line", "record", "scope")


def stage_sql(record: RecordSql, *, actions_at_receipt: bool) -> str:
    """A query over `records` that yields staged rows. Parameter: the first instant that an event may have.

    `actions_at_receipt`: an action without a time happened when it was received (Moesif's rule).
    """
    # A line that is JSON makes a list; TRY costs less than to ask first whether it is valid. Within a CASE, and only
    # there, the regex is spared the lines that need none.
    parsed = f"""
        SELECT *, CASE
            WHEN kind = 'event' THEN {record.leaves}
            WHEN kind = 'line' AND starts_with(ltrim(text), '{{')
                AND CASE WHEN risky THEN NOT regexp_matches(text, {text_literal(RISKY)}) ELSE true END
                THEN TRY({record.leaves}) END AS r
        FROM (SELECT *, {_one_text()} AS {EXACT_TEXT} FROM records)"""
    classified = f"""
        SELECT *, CASE
            WHEN kind <> 'line' THEN kind
            WHEN r IS NULL THEN 'slow'
            ELSE 'event' END AS outcome
        FROM ({parsed})"""
    raw = f"""
        SELECT {_columns(*PLACE, "outcome", "reason", "record_hash")}, r,
            CASE WHEN outcome <> 'empty' THEN text END AS text,
            {_named(_raw_values(record))}
        FROM ({classified})"""
    told = f"SELECT * EXCLUDE (r), {_named(unread_columns(record))} FROM ({raw})"
    typed = f"""
        SELECT raw.* REPLACE ({_typed(record)}), files.received_at, files.source
        FROM ({told}) AS raw JOIN files USING (file_no)"""
    timed = f"""
        SELECT * REPLACE ({_occurred_at(record, actions_at_receipt)}) FROM ({typed})"""
    said = said_columns(record)
    beside = f"SELECT * {', ' + _named(said) if said else ''} FROM ({timed})"
    kept = kept_columns(said)
    unreadable = kept.pop("unreadable")
    replaced = f"REPLACE ({_named(kept)})" if kept else ""
    marked = f"""
        SELECT * {replaced}, {unreadable} AS unreadable FROM ({beside})"""
    judged = f"""
        SELECT *, CASE WHEN outcome = 'event' THEN {_reason(record)} ELSE reason END AS problem FROM ({marked})"""
    return f"""
        SELECT {_columns(*PLACE)},
            CASE WHEN outcome <> 'event' THEN outcome WHEN problem IS NOT NULL THEN 'refused'
                ELSE coalesce(correction, 'event') END AS outcome,
            problem AS reason,
            CASE WHEN outcome <> 'event' OR problem IS NOT NULL THEN text END AS text,
            {_final_columns()}
        FROM ({judged})"""


def _one_text() -> str:
    """A record's text with each number by its one text, as far as the engine reads it: 7.0 as 7."""
    found = f"kind = 'line' AND risky AND regexp_matches(text, {text_literal(WHOLE_FRACTION)})"
    return f"CASE WHEN {found} THEN {_without_fractions('text')} ELSE text END"


def _whole_numbers_of_text(metadata: str) -> str:
    """The same for metadata that is sent as text with JSON in it."""
    found = f"contains(text, '\\\"') AND regexp_matches({metadata}, {text_literal(WHOLE_FRACTION)})"
    return f"CASE WHEN {found} THEN {_without_fractions(metadata)} ELSE {metadata} END"


def _without_fractions(json: str) -> str:
    cut = f"regexp_replace({json}, {text_literal(FRACTION_TO_CUT)}, {text_literal(CUT)}, 'g')"
    # What is no JSON might become some.
    return f"CASE WHEN json_valid({json}) THEN {cut} ELSE {json} END"


def _columns(*names: str) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _named(columns: Mapping[str, str]) -> str:
    return ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())


def _raw_values(record: RecordSql) -> dict[str, str]:
    wanted = (*TEXTS, *WHOLE_NUMBERS, *INSTANTS, METADATA)
    values = {name: record.values.get(name, "CAST(NULL AS VARCHAR)") for name in wanted}
    values[METADATA] = _whole_numbers_of_text(values[METADATA])
    # A record has a `reason` already: why it is refused.
    values["correction_reason"] = values.pop("reason")
    # The texts of what is checked stay beside the typed values, to tell `absent` from `wrong`.
    return values | {f"{name}_text": values[name] for name in _checked(record)}


def _checked(record: RecordSql) -> list[str]:
    return [name for name in (*WHOLE_NUMBERS, *INSTANTS) if name in record.checked]


def _typed(record: RecordSql) -> str:
    casts: list[str] = []
    for name in (*WHOLE_NUMBERS, *INSTANTS):
        if name not in record.checked:
            kind = "TIMESTAMPTZ" if name in INSTANTS else "BIGINT"
            casts.append(f'TRY_CAST("{name}" AS {kind}) AS "{name}"')
        elif name in INSTANTS:
            # What the engine takes for a time besides has another meaning, or several, or none.
            time = f'ends_with("{name}", \'Z\') OR regexp_full_match("{name}", {text_literal(_TIME)})'
            casts.append(f'CASE WHEN {time} THEN TRY_CAST("{name}" AS TIMESTAMPTZ) END AS "{name}"')
        else:
            casts.append(f'{to_whole(identifier(name))} AS "{name}"')
    return ", ".join(casts)


def _occurred_at(record: RecordSql, actions_at_receipt: bool) -> str:
    if not actions_at_receipt:
        return "occurred_at AS occurred_at"
    there = there_and_unreadable(record, "occurred_at")
    absent = "occurred_at IS NULL AND event_type = 'action'" + (f" AND {there} IS NULL" if there else "")
    return f"CASE WHEN {absent} THEN received_at ELSE occurred_at END AS occurred_at"


def _reason(record: RecordSql) -> str:
    late = "received_at + INTERVAL 1 DAY"
    shown = "strftime(occurred_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')"
    checks = refused_as_unreadable(record)
    checks += [(f"{REFUSAL} IS NOT NULL", REFUSAL), *(_single(name) for name in IDS)]
    if "correction" in record.values:
        checks += _correction_checks()
    if there := there_and_unreadable(record, "occurred_at"):
        reason = f"'occurred_at has no meaning as a time: ' || left({there}, 100)"
        checks.append((f"occurred_at IS NULL AND {there} IS NOT NULL", reason))
    checks += [
        ("occurred_at IS NULL", "'occurred_at is missing'"),
        (
            "occurred_at < ?",
            f"'occurred_at ' || {shown} || ' lies before the first month that is billed'",
        ),
        (
            f"occurred_at > {late}",
            "'occurred_at lies more than a day after the file was received'",
        ),
        *_direction_checks(record),
        ("event_type IS NULL OR event_type NOT IN ('api_call', 'action')", "'event_type is not api_call or action'"),
        ("event_type = 'action' AND action_name IS NULL", "'an action needs an action_name'"),
    ]
    if there := there_and_unreadable(record, "weight"):
        reason = f"'weight is not a whole number: ' || left({there}, 100)"
        checks.append((f"weight IS NULL AND {there} IS NOT NULL", reason))
    checks += [
        ("weight < 0", "'weight is negative'"),
        ("weight > 9999999999999999", "'weight has more than 16 digits'"),
    ]
    return "CASE " + " ".join(f"WHEN {condition} THEN {reason}" for condition, reason in checks) + " END"


def _direction_checks(record: RecordSql) -> list[tuple[str, str]]:
    if "direction" not in record.values:
        return []
    known = ", ".join(text_literal(name.lower()) for name in DIRECTIONS)
    said = f"{', '.join(DIRECTIONS[:-1])} or {DIRECTIONS[-1]}"
    return [(f"lower(direction) NOT IN ({known})", f"'direction is not {said}: ' || left(direction, 100)")]


def _single(name: str) -> tuple[str, str]:
    condition = f"{name} IS NOT NULL AND (starts_with({name}, '{{') OR starts_with({name}, '['))"
    return condition, f"'{name} is not a single value'"


def _correction_checks() -> list[tuple[str, str]]:
    """What is wrong with a correction (rule 3); after these, a void needs no more."""
    return [
        *(_single(name) for name in ("correction", "target_event_id", "target_source")),
        ("correction NOT IN ('void', 'replacement')", "'correction is not void or replacement'"),
        ("correction IS NOT NULL AND target_event_id IS NULL", "'a correction needs a target_event_id'"),
        (
            "correction IS NOT NULL AND target_event_id = event_id AND coalesce(target_source, source) = source",
            "'a correction needs an event_id of its own, not that of its target'",
        ),
        ("correction = 'void'", "NULL"),
    ]


def _final_columns() -> str:
    columns = {name: f'"{name}"' for name in (*(name for name, _, _ in EVENT_CONTENT), "unreadable")}
    columns["session_token"] = "sha256(session_token)"  # noqa: S105 - the hash of one
    columns["uri"] = "CASE WHEN contains(uri, '=') THEN regexp_replace(uri, '=[^&#]*', '=', 'g') ELSE uri END"
    columns["weight"] = "coalesce(weight, 1)"
    named = " ".join(f"WHEN {text_literal(name.lower())} THEN {text_literal(name)}" for name in DIRECTIONS)
    columns["direction"] = f"CASE lower(direction) {named} END"
    columns["duration_ms"] = (
        "CASE WHEN duration_ms IS NULL AND ended_at >= occurred_at "
        "THEN date_sub('millisecond', occurred_at, ended_at) ELSE duration_ms END"
    )
    # A line that the engine read itself is hashed as it is written; other records come with the hash of their content.
    made = "coalesce(record_hash, md5(trim(text, chr(9) || chr(10) || chr(13) || ' ')))"
    columns |= {"target_event_id": "target_event_id", "target_source": "coalesce(target_source, source)"}
    columns["correction_reason"] = "correction_reason"
    identity = {
        "event_id": f"CASE WHEN event_id IS NULL AND outcome = 'event' THEN {made_id_sql(made)} ELSE event_id END",
        "generated": "event_id IS NULL",
    }
    return ", ".join(f'{value} AS "{name}"' for name, value in (identity | columns).items())


def raw_events_sql(*, by_day: bool) -> str:
    """Staged events as rows of `raw_events`; by day where a batch spans many, so that one can be read alone."""
    order = "ORDER BY occurred_on, staged.file_no, line, record" if by_day else ""
    return f"""
        SELECT staged.*, {_RECEIPT},
            CAST(occurred_at AT TIME ZONE 'UTC' AS DATE) AS occurred_on,
            {hash_sql(("files.source", "event_id"))} AS identity_hash,
            {_content_hash("files.source", "event_id")} AS content_hash
        FROM staged JOIN files USING (file_no)
        WHERE outcome = 'event' {order}"""


def _content_hash(*said: str) -> str:
    """Hash of an event's content behind what identifies it. A direction came later: the first says what none says."""
    before = (*said, *(name for name in _SAID if name != _DIRECTION))
    first = f"coalesce({_DIRECTION}, {text_literal(DIRECTIONS[0])}) = {text_literal(DIRECTIONS[0])}"
    return f"CASE WHEN {first} THEN {hash_sql(before)} ELSE {hash_sql((*before, _DIRECTION))} END"


def corrections_sql() -> str:
    """Staged voids and replacements as rows of `corrections`. A void brings no event, whatever its record says.

    The content of a correction is its kind, its target and its event; the reason is for people.
    """
    brought = (*_CONTENT, "unreadable")
    event = ", ".join(f"CASE WHEN outcome = 'replacement' THEN {name} END AS {name}" for name in brought)
    said = ("source", "event_id", "outcome", "target_source", "target_event_id")
    return f"""
        SELECT *, outcome AS kind, correction_reason AS reason,
            CAST(occurred_at AT TIME ZONE 'UTC' AS DATE) AS occurred_on,
            {hash_sql(("source", "event_id"))} AS identity_hash,
            {hash_sql(("target_source", "target_event_id"))} AS target_hash,
            {_content_hash(*said)} AS content_hash
        FROM (
            SELECT file_no, line, record, outcome, event_id, target_source, target_event_id, correction_reason,
                {event}, {_RECEIPT}
            FROM staged JOIN files USING (file_no)
            WHERE outcome IN ('void', 'replacement'))"""
