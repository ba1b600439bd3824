"""Which event days the rows of an ingest touch: one search of all history for all of its batches (rules 2 and 3).

They are the days of its events, those that hold another copy of one of their ids, and for a correction those of its
target and of other replacements of it. Hashes are compared, not texts: rather a day too many than one too few.

Reads `new_raw` and `new_corrections`, rows of some Parquet files, and `old_raw` and `old_corrections`, those of these
datasets that are visible. Makes, for itself alone:
  brought     new events: source, file, identity_hash, content_hash, occurred_on
  aimed       what new corrections speak of: source, file, content_hash, target_hash
  found       of old events those that either names: identity_hash, occurred_on
  everywhere  the days of each identity that is on several, or is corrected: identity_hash, occurred_on
"""

from collections.abc import Mapping, Sequence
from datetime import date

from monetization_pipeline.datasets import CORRECTIONS, RAW_EVENTS
from monetization_pipeline.engines.address import Address
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.fingerprints import fingerprint, hash_sum_sql
from monetization_pipeline.lake.ingest_log import IngestLog, TouchedDay
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.visible import visible_files

#: (source, name of the landing file).
FileKey = tuple[str, str]


def touched_days(
    session: Session, lake: Lake, log: IngestLog, raw_events: Sequence[Address], corrections: Sequence[Address]
) -> Mapping[FileKey, Sequence[TouchedDay]]:
    """The event days that each landing file touches, from Parquet files of its rows that are not in the log yet."""
    session.view("new_raw", RAW_EVENTS.schema, raw_events)
    session.view("new_corrections", CORRECTIONS.schema, corrections)
    session.view("old_raw", RAW_EVENTS.schema, visible_files(lake, RAW_EVENTS, log.batches))
    session.view("old_corrections", CORRECTIONS.schema, visible_files(lake, CORRECTIONS, log.correction_batches))
    session.define("brought", _BROUGHT)
    session.keep("aimed", _AIMED)
    session.keep("found", _FOUND)
    session.keep("everywhere", _EVERYWHERE)
    days: dict[FileKey, list[TouchedDay]] = {}
    for source, file, day, hashes in session.rows(_CORRECTED):
        days.setdefault((source, file), []).append(TouchedDay(day, 0, fingerprint(0, hashes)))
    elsewhere: dict[tuple[FileKey, date], set[date]] = {}
    for source, file, day, other, hashes in session.rows(_COPIES):
        elsewhere.setdefault(((source, file), day), set()).add(other)
        days.setdefault((source, file), []).append(TouchedDay(other, 0, fingerprint(0, hashes), (day,)))
    for source, file, day, rows, hashes in session.rows(_OWN):
        copy_days = tuple(sorted(elsewhere.get(((source, file), day), ())))
        days.setdefault((source, file), []).append(TouchedDay(day, rows, fingerprint(rows, hashes), copy_days))
    return days


_HASHES = hash_sum_sql("content_hash")

_BROUGHT = """
    SELECT source, file, identity_hash, content_hash, occurred_on FROM new_raw
    UNION ALL
    SELECT source, file, identity_hash, content_hash, occurred_on FROM new_corrections WHERE kind = 'replacement'"""

# A new correction may show that another one of its identity does not hold: what that one aims at counts as well.
_AIMED = """
    SELECT DISTINCT new_corrections.source, new_corrections.file, new_corrections.content_hash, same.target_hash
    FROM new_corrections JOIN (
        SELECT identity_hash, target_hash FROM new_corrections
        UNION ALL
        SELECT identity_hash, target_hash FROM old_corrections) AS same USING (identity_hash)"""

_FOUND = """
    SELECT identity_hash, occurred_on FROM old_raw
    WHERE identity_hash IN (SELECT identity_hash FROM brought UNION ALL SELECT target_hash FROM aimed)
    UNION
    SELECT identity_hash, occurred_on FROM old_corrections WHERE kind = 'replacement'"""

# Of most ids there is one copy: only the others are looked at one by one.
_EVERYWHERE = """
    SELECT identity_hash, occurred_on FROM found
    UNION
    SELECT identity_hash, occurred_on FROM brought WHERE identity_hash IN (
        SELECT identity_hash FROM found
        UNION ALL
        SELECT target_hash FROM aimed
        UNION ALL
        SELECT identity_hash FROM brought GROUP BY identity_hash HAVING min(occurred_on) <> max(occurred_on))"""

_CORRECTED = f"""
    SELECT source, file, occurred_on, CAST({_HASHES} AS VARCHAR)
    FROM (
        SELECT source, file, content_hash, occurred_on
        FROM aimed JOIN everywhere ON target_hash = identity_hash
        UNION
        SELECT aimed.source, aimed.file, aimed.content_hash, rivals.occurred_on
        FROM aimed JOIN (
            SELECT target_hash, occurred_on FROM new_corrections
            UNION ALL
            SELECT target_hash, occurred_on FROM old_corrections) AS rivals USING (target_hash)
        WHERE rivals.occurred_on IS NOT NULL)
    GROUP BY ALL ORDER BY ALL"""

_COPIES = f"""
    SELECT source, file, brought.occurred_on, everywhere.occurred_on AS other_day,
        CAST({_HASHES} AS VARCHAR)
    FROM brought JOIN everywhere USING (identity_hash)
    WHERE brought.occurred_on <> everywhere.occurred_on
    GROUP BY ALL ORDER BY ALL"""

_OWN = f"""
    SELECT source, file, occurred_on, count(*), CAST({_HASHES} AS VARCHAR)
    FROM brought GROUP BY ALL ORDER BY ALL"""
