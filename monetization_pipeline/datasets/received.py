"""What was received, by received day: it only ever grows."""

import pyarrow as pa

from monetization_pipeline.datasets.columns import (
    ADDED_TO_EVENTS,
    DAY,
    EVENT,
    INSTANT,
    LONG,
    OCCURRED_ON,
    PLACE,
    RECEIVED_ON,
    TEXT,
)
from monetization_pipeline.datasets.spec import DatasetSpec, schema

LANDING_FILES = DatasetSpec(
    "landing_files",
    "every landing file ever ingested; a batch is visible once it is listed here",
    schema(
        ("source", TEXT, "source of the file"),
        ("sha256", TEXT, "hash of the bytes: the file's identity within its source"),
        ("name", TEXT, "name of the landing file"),
        ("received_at", INSTANT, "when the file entered"),
        ("received_on", DAY, "UTC day of received_at"),
        ("batch_id", TEXT, "ingest batch that brought its rows"),
        ("records", LONG, "records in the file, empty lines included"),
        ("raw_events", LONG, "records that became raw events"),
        ("entity_changes", LONG, "records that became changes of companies, users, subscriptions"),
        ("corrections", LONG, "records that became corrections"),
        ("refusals", LONG, "records that could not be used"),
        ("empty", LONG, "lines that carry no record"),
        ("ingested_at", INSTANT, "when it was listed here"),
        (
            "days",
            pa.list_(
                pa.struct(
                    [
                        pa.field("occurred_on", DAY),
                        pa.field("rows", LONG),
                        pa.field("fingerprint", TEXT),
                        pa.field("copy_days", pa.list_(DAY)),
                    ]
                )
            ),
            "event days touched: events brought (replacements too), their fingerprint, days that hold copies of them",
        ),
        ("unreadable", LONG, "events and replacements of which something is there that cannot be read"),
        added=("unreadable",),
    ),
    ("source", "sha256"),
    volatile=("batch_id", "ingested_at"),
)

RAW_EVENTS = DatasetSpec(
    "raw_events",
    "every record that is an event, duplicates included, as received",
    schema(*EVENT, OCCURRED_ON, RECEIVED_ON, added=ADDED_TO_EVENTS),
    ("source", "file", "line", "record"),
    "received_on",
    row_hash="content_hash",
    by_batch=True,
)

REFUSALS = DatasetSpec(
    "refusals",
    "records that could not become an event, with place and reason",
    schema(
        *PLACE,
        ("received_at", INSTANT, "when we got it"),
        ("reason", TEXT, "what is wrong, in words"),
        ("text", TEXT, "the record; secrets masked; base64 where it is not UTF-8"),
        RECEIVED_ON,
    ),
    ("source", "file", "line", "record"),
    "received_on",
    by_batch=True,
)

CORRECTIONS = DatasetSpec(
    "corrections",
    "voids and replacements as received, duplicates included: each has an identity of its own, and a target",
    schema(
        ("kind", TEXT, "void or replacement"),
        ("target_source", TEXT, "source of the event that it removes"),
        ("target_event_id", TEXT, "id of the event that it removes"),
        ("target_hash", LONG, "identity_hash of the event that it removes"),
        ("reason", TEXT, "why, in words; for people"),
        *EVENT,
        ("occurred_on", DAY, "UTC day of occurred_at; empty for a void"),
        RECEIVED_ON,
        added=ADDED_TO_EVENTS,
    ),
    ("source", "file", "line", "record"),
    "received_on",
    row_hash="content_hash",
    by_batch=True,
)

ENTITY_CHANGES = DatasetSpec(
    "entity_changes",
    "upserts of companies, users and subscriptions as received; append-only",
    schema(
        ("kind", TEXT, "company, user or subscription"),
        ("entity_id", TEXT, "id of the entity"),
        ("valid_from", INSTANT, "explicit or modified time; empty where neither is given"),
        ("received_at", INSTANT, "when we got it"),
        *PLACE,
        ("fields", TEXT, "JSON object of the record"),
        RECEIVED_ON,
    ),
    ("kind", "entity_id", "received_at", "source", "file", "line", "record"),
    "received_on",
    by_batch=True,
)
