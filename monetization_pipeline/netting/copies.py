"""Copies and corrections of a day's events judged: which are events, duplicates, conflicts, voided (rules 2 and 3).

Reads the relations that `Received` and `Corrections` name. Makes, for itself and for the SQL that it hands back:
  candidates      the day's events, as sent or brought by replacements: columns of raw_events, `against`
  foreign_copies  the same of other days, as far as they may be copies of the day's
  questioned      identity_hash: of these there are several copies, or a correction speaks of them
  judged          all copies of questioned identities, with their `outcome`
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from monetization_pipeline.datasets import RAW_EVENTS
from monetization_pipeline.engines.base import Session
from monetization_pipeline.expressions.quoting import date_literal
from monetization_pipeline.netting.corrections import Corrections

#: Conflicts that a day's state names one by one, at most.
NAMED_CONFLICTS = 20

#: Fact: events without a company that name a subscription, or else a user, which decides who pays.
BY_SUBSCRIPTION, BY_USER = "by_subscription", "by_user"

_COLUMNS = ", ".join(f'"{name}"' for name in RAW_EVENTS.schema.names)


@dataclass(frozen=True, slots=True)
class Received:
    """What was received for a day: relations with the columns of raw_events, by name, which may hold other days too.

    `own` has the day's raw events; `elsewhere` those of `copy_days`, which may hold copies of their ids.
    """

    own: str
    elsewhere: str
    copy_days: Collection[date]


@dataclass(frozen=True, slots=True)
class Netted:
    """The events of a day: `sql` selects them, sorted by company, with the columns of raw_events.

    `replacements` are those that corrections brought for the day. `outcomes` are its duplicates, conflicts and voided.
    `conflicts` are copies that differ, and corrections of the day's events that do not hold: the first NAMED_CONFLICTS
    of them, in words, with places.
    """

    sql: str
    replacements: int
    outcomes: Mapping[str, int]
    conflicts: Sequence[str] = ()


def net(session: Session, day: date, received: Received, corrections: Corrections) -> Netted:
    """Judge what was received for a day, and corrected. The SQL holds until the next day is netted in the session."""
    on_day = f"occurred_on = {date_literal(day)}"
    session.define("candidates", _candidates_sql(received.own, on_day, corrections.replacements, on_day))
    copies, others = _on_any(received.copy_days), f"occurred_on <> {date_literal(day)}"
    session.define("foreign_copies", _candidates_sql(received.elsewhere, copies, corrections.replacements, others))
    session.keep("questioned", _questioned_sql(corrections, on_day))
    replacements = session.rows(f"SELECT count(*) FROM {corrections.replacements} WHERE {on_day}")[0][0]
    if not session.rows("SELECT count(*) FROM questioned")[0][0]:
        return Netted(_UNQUESTIONED, replacements, dict.fromkeys(("duplicates", "conflicts", "voided"), 0))
    session.keep("judged", _judged_sql(corrections.removed))
    duplicates, conflicts, voided = session.rows(_outcomes_sql(on_day))[0]
    outcomes = {"duplicates": duplicates, "conflicts": conflicts, "voided": voided}
    named = session.rows(_conflicts_sql(corrections.corrected, on_day), [NAMED_CONFLICTS])
    words = [f"{source} {event_id}: {place} {against}" for source, event_id, place, against in named]
    return Netted(_netted_sql(on_day), replacements, outcomes, words)


def count_orphans(session: Session, events: str) -> Mapping[str, int]:
    """Facts about a relation of events: how many come without a company, by what else decides who pays."""
    by_subscription, by_user = session.rows(f"""
        SELECT count(*) FILTER (subscription_id IS NOT NULL),
            count(*) FILTER (subscription_id IS NULL AND user_id IS NOT NULL)
        FROM {events} WHERE company_id IS NULL""")[0]
    return {BY_SUBSCRIPTION: by_subscription, BY_USER: by_user}


def _on_any(days: Collection[date]) -> str:
    return f"occurred_on IN ({', '.join(date_literal(day) for day in sorted(days))})" if days else "false"


def _candidates_sql(raw: str, chosen: str, replacements: str, brought: str) -> str:
    return f"""
        SELECT {_COLUMNS}, CAST(NULL AS VARCHAR) AS against FROM {raw} WHERE {chosen}
        UNION ALL
        SELECT {_COLUMNS}, against FROM {replacements} WHERE {brought}"""


def _questioned_sql(corrections: Corrections, on_day: str) -> str:
    return f"""
        SELECT identity_hash FROM (
            SELECT identity_hash FROM candidates UNION ALL SELECT identity_hash FROM foreign_copies)
        GROUP BY identity_hash HAVING count(*) > 1
        UNION
        SELECT identity_hash FROM candidates WHERE identity_hash IN (SELECT target_hash FROM {corrections.corrected})
        UNION
        SELECT identity_hash FROM {corrections.replacements} WHERE {on_day}"""


def _judged_sql(removed: str) -> str:
    """The first copy received wins (ties: file, then line); it is an event, unless a correction says otherwise."""
    return f"""
        SELECT * EXCLUDE (against), CASE
                WHEN copy > 1 AND content_hash = first_content THEN 'duplicate'
                WHEN copy > 1 OR against IS NOT NULL THEN 'conflict'
                WHEN (identity_hash, source, event_id) IN (SELECT identity_hash, source, event_id FROM {removed})
                    THEN 'voided'
                ELSE 'event' END AS outcome,
            CASE WHEN copy > 1 THEN 'differs from ' || first_place ELSE against END AS against
        FROM (
            SELECT *, row_number() OVER copies AS copy, first_value(content_hash) OVER copies AS first_content,
                first_value(file || ':' || line) OVER copies AS first_place
            FROM (SELECT * FROM candidates UNION ALL SELECT * FROM foreign_copies)
            WHERE identity_hash IN (SELECT identity_hash FROM questioned)
            WINDOW copies AS (
                PARTITION BY identity_hash, source, event_id ORDER BY received_at, file, line, record
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))"""


def _outcomes_sql(on_day: str) -> str:
    return f"""
        SELECT count(*) FILTER (outcome = 'duplicate'), count(*) FILTER (outcome = 'conflict'),
            count(*) FILTER (outcome = 'voided')
        FROM judged WHERE {on_day}"""


def _conflicts_sql(corrected: str, on_day: str) -> str:
    return f"""
        SELECT source, event_id, file || ':' || line, against FROM judged
        WHERE outcome = 'conflict' AND {on_day}
        UNION ALL
        SELECT source, event_id, file || ':' || line, against FROM {corrected}
        WHERE kind = 'void' AND differs AND target_hash IN (SELECT identity_hash FROM candidates)
        ORDER BY ALL LIMIT ?"""


_UNQUESTIONED = f"SELECT {_COLUMNS} FROM candidates ORDER BY company_id"


def _netted_sql(on_day: str) -> str:
    return f"""
        SELECT {_COLUMNS} FROM judged WHERE outcome = 'event' AND {on_day}
        UNION ALL
        SELECT {_COLUMNS} FROM candidates WHERE identity_hash NOT IN (SELECT identity_hash FROM questioned)
        ORDER BY company_id"""
