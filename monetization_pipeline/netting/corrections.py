"""corrections → which of them hold, which events they remove, which events they bring (rule 3).

Reads `corrections`, the rows of that dataset that are visible. Makes the relations that `Corrections` names.
"""

from dataclasses import dataclass

from monetization_pipeline.datasets import CORRECTIONS, RAW_EVENTS
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.ingest_log import IngestLog
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.visible import view_received


@dataclass(frozen=True, slots=True)
class Corrections:
    """Relations of a session, by name.

    `corrected`: every correction with what it is `against`, a text, where it does not hold or its event does not live;
    `removed`: identities of events that are no more (identity_hash, source, event_id);
    `replacements`: the events that they bring, as rows of raw_events, with `against`.
    """

    corrected: str
    removed: str
    replacements: str


def find_corrections(session: Session, lake: Lake, log: IngestLog) -> Corrections:
    """Make relations from all corrections that are visible."""
    made = Corrections("corrected", "removed", "replacements")
    view_received(session, "corrections", lake, CORRECTIONS, log.correction_batches)
    session.keep(made.corrected, _CORRECTED)
    session.keep(made.removed, _removed_sql(made.corrected))
    session.define(made.replacements, _replacements_sql(made.corrected))
    return made


# Of copies of one identity the first received holds; of those that hold and replace one event, the first received.
_CORRECTED = """
    SELECT * EXCLUDE (received_at, first_content, first_place),
        copy = 1 AS holds, content_hash <> first_content AS differs,
        CASE
            WHEN copy > 1 THEN 'differs from ' || first_place
            WHEN kind = 'replacement' AND row_number() OVER rivals > 1
                THEN 'replaces an event that ' || first_value(file || ':' || line) OVER rivals || ' replaced first'
            END AS against
    FROM (
        SELECT kind, source, event_id, identity_hash, target_source, target_event_id, target_hash, content_hash,
            received_at, file, line, record, occurred_on, row_number() OVER copies AS copy,
            first_value(content_hash) OVER copies AS first_content,
            first_value(file || ':' || line) OVER copies AS first_place
        FROM corrections
        WINDOW copies AS (
            PARTITION BY identity_hash, source, event_id ORDER BY received_at, file, line, record
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))
    WINDOW rivals AS (
        PARTITION BY kind = 'replacement' AND copy = 1, target_hash, target_source, target_event_id
        ORDER BY received_at, file, line, record, source
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"""


def _removed_sql(corrected: str) -> str:
    return f"""
        SELECT DISTINCT target_hash AS identity_hash, target_source AS source, target_event_id AS event_id
        FROM {corrected} WHERE holds"""


def _replacements_sql(corrected: str) -> str:
    columns = ", ".join(f'corrections."{name}"' for name in RAW_EVENTS.schema.names)
    return f"""
        SELECT {columns}, against FROM corrections JOIN {corrected} USING (source, file, line, record)
        WHERE corrections.kind = 'replacement'"""
