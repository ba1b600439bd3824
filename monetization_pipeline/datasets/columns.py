"""Columns that several datasets have in common, and the types of all.

Instants are UTC microseconds. A value is DECIMAL(28,12), a sum DECIMAL(38,12), an exact amount DECIMAL(38,24) (rule 8).
"""

from collections.abc import Sequence

import pyarrow as pa

from monetization_pipeline.datasets.spec import Column

INSTANT = pa.timestamp("us", tz="UTC")

VALUE = pa.decimal128(28, 12)

SUM = pa.decimal128(38, 12)

EXACT_AMOUNT = pa.decimal128(38, 24)

#: The partition of a dataset that has none.
WHOLE = "all"

TEXT, LONG, DAY = pa.string(), pa.int64(), pa.date32()

PLACE: Sequence[Column] = (
    ("source", TEXT, "declared source that the record came from"),
    ("file", TEXT, "name of the landing file"),
    ("line", LONG, "line in the file, from 1"),
    ("record", LONG, "ordinal within the line or the records path, from 1"),
)

RECEIVED_ON: Column = ("received_on", DAY, "UTC day of received_at; partition")

OCCURRED_ON: Column = ("occurred_on", DAY, "UTC day of occurred_at; partition")

PERIOD_KEY: Column = ("billing_period", TEXT, "YYYY-MM; partition")

#: Whose call it is (rule 5); the first is what an event is that says nothing.
DIRECTIONS = ("Incoming", "Outgoing", "Internal")

#: What an event says, in the order in which its content is hashed.
EVENT_CONTENT: Sequence[Column] = (
    ("event_type", TEXT, "api_call or action"),
    ("action_name", TEXT, "name of an action"),
    ("occurred_at", INSTANT, "when it happened"),
    ("company_id", TEXT, "company as sent"),
    ("user_id", TEXT, "user as sent"),
    ("subscription_id", TEXT, "subscription as sent; charges that one only"),
    ("session_token", TEXT, "SHA-256 of the session token"),
    ("verb", TEXT, "HTTP method"),
    ("uri", TEXT, "address without query values"),
    ("route", TEXT, "route template"),
    ("status", pa.int32(), "HTTP status"),
    ("duration_ms", LONG, "milliseconds from request to response"),
    ("request_size", LONG, "bytes of the request"),
    ("response_size", LONG, "bytes of the response"),
    ("api_version", TEXT, "version of the API"),
    ("weight", LONG, "how many calls this one stands for; multiplies counts only"),
    ("blocked_by", TEXT, "rule that blocked the call"),
    ("metadata", TEXT, "JSON object; numbers of 14 or more characters stand as text"),
    ("direction", TEXT, f"{', '.join(DIRECTIONS[:-1])} or {DIRECTIONS[-1]}; empty: {DIRECTIONS[0]}"),
)

#: Columns of events that came later than the others.
ADDED_TO_EVENTS = ("direction", "unreadable")

EVENT: Sequence[Column] = (
    ("event_id", TEXT, "identity within the source"),
    *EVENT_CONTENT,
    (
        "unreadable",
        TEXT,
        "JSON object of what is there and cannot be read, by column, or as metadata.KEY; empty: it was not kept yet",
    ),
    ("received_at", INSTANT, "when we got it"),
    *PLACE,
    ("identity_hash", LONG, "63 bits of the hash of (source, event_id)"),
    ("content_hash", LONG, "63 bits of the hash of identity and content"),
)

VALIDITY: Sequence[Column] = (
    ("valid_from", INSTANT, "from when this version holds; empty: ever since"),
    ("valid_to", INSTANT, "until when; empty: still"),
)
