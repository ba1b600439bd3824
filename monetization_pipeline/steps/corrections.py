"""corrections → which of them hold, which events they remove, which events they bring (rule 3)."""

from monetization_pipeline.datasets import CORRECTIONS, RAW_EVENTS
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.ingest_log import IngestLog
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.steps.received import view_received


def register(session: Session, lake: Lake, log: IngestLog) -> None:
    """Make three relations from all corrections that are visible.

    `corrected`: every correction with what it is `against`, a text, where it does not hold or its event does not live;
    `removed`: identities of events that are no more (identity_hash, source, event_id);
    `replacements`: the events that they bring, as rows of raw_events, with `against`.
    """
    view_received(session, "corrections", lake, CORRECTIONS, log.correction_batches)
    session.run(_CORRECTED)
    session.run(_REMOVED)
    session.run(_REPLACEMENTS)


# Of copies of one identity the first received holds; of those that hold and replace one event, the first received.
_CORRECTED = """
    CREATE OR REPLACE TEMP TABLE corrected AS
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

_REMOVED = """
    CREATE OR REPLACE TEMP TABLE removed AS
    SELECT DISTINCT target_hash AS identity_hash, target_source AS source, target_event_id AS event_id
    FROM corrected WHERE holds"""

_EVENT_COLUMNS = ", ".join(f'corrections."{name}"' for name in RAW_EVENTS.schema.names)
_REPLACEMENTS = f"""
    CREATE OR REPLACE TEMP VIEW replacements AS
    SELECT {_EVENT_COLUMNS}, against FROM corrections JOIN corrected USING (source, file, line, record)
    WHERE corrections.kind = 'replacement'"""
