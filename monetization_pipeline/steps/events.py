"""raw_events and corrections → events: each identity once, on the day that its first copy says (rules 2 and 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from monetization_pipeline.datasets import EVENTS, RAW_EVENTS
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.day_inputs import NO_INPUT, DayInput
from monetization_pipeline.lake.ingest_log import IngestLog, read_log
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.steps import corrections
from monetization_pipeline.steps.pipeline import CODE_VERSION, Pipeline
from monetization_pipeline.steps.received import view_received
from monetization_pipeline.steps.tables import fingerprint_of

#: Conflicts that a day's state names one by one.
_NAMED_CONFLICTS = 20

#: Fact: events without a company that name a subscription, or else a user, which decides who pays.
BY_SUBSCRIPTION, BY_USER = "by_subscription", "by_user"


@dataclass(frozen=True, slots=True)
class _Day:
    day: date
    file: NewFile
    state: PartitionState


def expected_state(log: IngestLog, day: date) -> PartitionState:
    """What `events` of a day would be made from now; fingerprint and rows are not known by it."""
    source = log.days.get(day, NO_INPUT)
    return PartitionState("", 0, inputs={"raw_events": source.fingerprint}, code_version=CODE_VERSION)


def is_current(pipeline: Pipeline, log: IngestLog, day: date) -> bool:
    """Whether `events` of a day were made from what there is now. A day that never had events is current."""
    state = pipeline.lake.table(EVENTS).state(day.isoformat())
    if state is None:
        return day not in log.days
    return state.made_from(expected_state(log, day))


def build(pipeline: Pipeline, days: Sequence[date]) -> Mapping[date, PartitionState]:
    """Make `events` of the given days, in one commit. Raises ConcurrentCommitError."""
    table = pipeline.lake.table(EVENTS)
    claim = table.claim(day.isoformat() for day in days)
    log = read_log(pipeline.lake)
    with pipeline.engine.session() as session:
        corrections.register(session, pipeline.lake, log)
        built = [_build_day(pipeline, session, log, day) for day in days]
    files = [item.file for item in built if item.file.rows]
    table.replace(claim, files, {item.day.isoformat(): item.state for item in built})
    for item in built:
        if not item.file.rows:
            item.file.path.unlink()
    return {item.day: item.state for item in built}


def _build_day(pipeline: Pipeline, session: Session, log: IngestLog, day: date) -> _Day:
    source = log.days.get(day, NO_INPUT)
    path = pipeline.lake.table(EVENTS).new_path(day.isoformat())
    view_received(session, "raw", pipeline.lake, RAW_EVENTS, source.batches)
    copied = {batch for other in source.copy_days if other in log.days for batch in log.days[other].batches}
    view_received(session, "elsewhere", pipeline.lake, RAW_EVENTS, copied)
    replacements = _find_questioned(session, day, source)
    counts = {"raw_events": source.rows - replacements, "replacements": replacements}
    counts |= dict.fromkeys(("duplicates", "conflicts", "voided"), 0)
    conflicts: list[str] = []
    if session.rows("SELECT count(*) FROM questioned")[0][0]:
        counts |= _judge(session)
        conflicts = _named_conflicts(session)
        rows = session.write(_NETTED, path, EVENTS.schema)
    else:
        rows = session.write("SELECT * FROM candidates ORDER BY company_id", path, EVENTS.schema)
    fingerprint = fingerprint_of(session, EVENTS, [path])
    by_subscription, by_user = session.rows(_ORPHANS)[0]
    state = PartitionState(
        fingerprint,
        rows,
        inputs={"raw_events": source.fingerprint},
        code_version=CODE_VERSION,
        counts=counts | {"events": rows},
        facts={BY_SUBSCRIPTION: by_subscription, BY_USER: by_user},
        notes={"conflicts": conflicts} if conflicts else {},
    )
    return _Day(day, NewFile(path, day.isoformat(), rows), state)


def _find_questioned(session: Session, day: date, source: DayInput) -> int:
    """Make `candidates` (the day's events, as sent or brought by replacements) and `questioned`; count replacements.

    `questioned` are the hashes of identities of which there are several copies, or which a correction speaks of.
    """
    session.run("SET VARIABLE day = CAST(? AS DATE)", [day])
    session.run("SET VARIABLE copy_days = CAST(? AS DATE[])", [sorted(source.copy_days)])
    session.run("""
        CREATE OR REPLACE TEMP VIEW candidates AS
        SELECT *, CAST(NULL AS VARCHAR) AS against FROM raw WHERE occurred_on = getvariable('day')
        UNION ALL BY NAME
        SELECT * FROM replacements WHERE occurred_on = getvariable('day')""")
    session.run("""
        CREATE OR REPLACE TEMP VIEW foreign_copies AS
        SELECT *, CAST(NULL AS VARCHAR) AS against FROM elsewhere
        WHERE list_contains(getvariable('copy_days'), occurred_on)
        UNION ALL BY NAME
        SELECT * FROM replacements WHERE occurred_on <> getvariable('day')""")
    session.run("""
        CREATE OR REPLACE TEMP TABLE questioned AS
        SELECT identity_hash FROM (
            SELECT identity_hash FROM candidates UNION ALL SELECT identity_hash FROM foreign_copies)
        GROUP BY identity_hash HAVING count(*) > 1
        UNION
        SELECT identity_hash FROM candidates WHERE identity_hash IN (SELECT target_hash FROM corrected)
        UNION
        SELECT identity_hash FROM replacements WHERE occurred_on = getvariable('day')""")
    return session.rows("SELECT count(*) FROM replacements WHERE occurred_on = getvariable('day')")[0][0]


def _judge(session: Session) -> dict[str, int]:
    """Make `judged`: all copies of questioned identities with their `outcome`; the day's counts by outcome.

    The first copy received wins (ties: file, then line); it is an event, unless a correction says otherwise.
    """
    session.run("""
        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT * EXCLUDE (against), CASE
                WHEN copy > 1 AND content_hash = first_content THEN 'duplicate'
                WHEN copy > 1 OR against IS NOT NULL THEN 'conflict'
                WHEN (identity_hash, source, event_id) IN (SELECT (identity_hash, source, event_id) FROM removed)
                    THEN 'voided'
                ELSE 'event' END AS outcome,
            CASE WHEN copy > 1 THEN 'differs from ' || first_place ELSE against END AS against
        FROM (
            SELECT *, row_number() OVER copies AS copy, first_value(content_hash) OVER copies AS first_content,
                first_value(file || ':' || line) OVER copies AS first_place
            FROM (SELECT * FROM candidates UNION ALL BY NAME SELECT * FROM foreign_copies)
            WHERE identity_hash IN (SELECT identity_hash FROM questioned)
            WINDOW copies AS (
                PARTITION BY identity_hash, source, event_id ORDER BY received_at, file, line, record
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))""")
    duplicates, conflicts, voided = session.rows("""
        SELECT count(*) FILTER (outcome = 'duplicate'), count(*) FILTER (outcome = 'conflict'),
            count(*) FILTER (outcome = 'voided')
        FROM judged WHERE occurred_on = getvariable('day')""")[0]
    return {"duplicates": duplicates, "conflicts": conflicts, "voided": voided}


def _named_conflicts(session: Session) -> list[str]:
    """Copies that differ, and corrections of the day's events that do not hold."""
    rows = session.rows(
        """
        SELECT source, event_id, file || ':' || line, against FROM judged
        WHERE outcome = 'conflict' AND occurred_on = getvariable('day')
        UNION ALL
        SELECT source, event_id, file || ':' || line, against FROM corrected
        WHERE kind = 'void' AND differs AND target_hash IN (SELECT identity_hash FROM candidates)
        ORDER BY ALL LIMIT ?""",
        [_NAMED_CONFLICTS],
    )
    return [f"{source} {event_id}: {place} {against}" for source, event_id, place, against in rows]


_NETTED = """
    SELECT * FROM judged WHERE outcome = 'event' AND occurred_on = getvariable('day')
    UNION ALL BY NAME
    SELECT * FROM candidates WHERE identity_hash NOT IN (SELECT identity_hash FROM questioned)
    ORDER BY company_id"""

# `fingerprinted` is the view that `fingerprint_of` leaves behind: the day's events as written.
_ORPHANS = """
    SELECT count(*) FILTER (subscription_id IS NOT NULL),
        count(*) FILTER (subscription_id IS NULL AND user_id IS NOT NULL)
    FROM fingerprinted WHERE company_id IS NULL"""
