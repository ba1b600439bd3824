"""Every dataset of the lake: Arrow schema, key, partition column and meaning. The only contract between steps.

Instants are UTC microseconds. A value is DECIMAL(28,12), a sum DECIMAL(38,12), an exact amount DECIMAL(38,24) (rule 8).
"""

from collections.abc import Sequence

import pyarrow as pa

from monetization_pipeline.dataset_specs import Column as _Column
from monetization_pipeline.dataset_specs import DatasetSpec
from monetization_pipeline.dataset_specs import schema as _schema

INSTANT = pa.timestamp("us", tz="UTC")
VALUE = pa.decimal128(28, 12)
SUM = pa.decimal128(38, 12)
EXACT_AMOUNT = pa.decimal128(38, 24)

#: The partition of a dataset that has none.
WHOLE = "all"

_TEXT, _LONG, _DAY = pa.string(), pa.int64(), pa.date32()

_PLACE: Sequence[_Column] = (
    ("source", _TEXT, "declared source that the record came from"),
    ("file", _TEXT, "name of the landing file"),
    ("line", _LONG, "line in the file, from 1"),
    ("record", _LONG, "ordinal within the line or the records path, from 1"),
)
_RECEIVED_ON: _Column = ("received_on", _DAY, "UTC day of received_at; partition")
_OCCURRED_ON: _Column = ("occurred_on", _DAY, "UTC day of occurred_at; partition")
_PERIOD_KEY: _Column = ("billing_period", _TEXT, "YYYY-MM; partition")

#: What an event says, in the order in which its content is hashed.
EVENT_CONTENT: Sequence[_Column] = (
    ("event_type", _TEXT, "api_call or action"),
    ("action_name", _TEXT, "name of an action"),
    ("occurred_at", INSTANT, "when it happened"),
    ("company_id", _TEXT, "company as sent"),
    ("user_id", _TEXT, "user as sent"),
    ("subscription_id", _TEXT, "subscription as sent; charges that one only"),
    ("session_token", _TEXT, "SHA-256 of the session token"),
    ("verb", _TEXT, "HTTP method"),
    ("uri", _TEXT, "address without query values"),
    ("route", _TEXT, "route template"),
    ("status", pa.int32(), "HTTP status"),
    ("duration_ms", _LONG, "milliseconds from request to response"),
    ("request_size", _LONG, "bytes of the request"),
    ("response_size", _LONG, "bytes of the response"),
    ("api_version", _TEXT, "version of the API"),
    ("weight", _LONG, "how many calls this one stands for; multiplies counts only"),
    ("blocked_by", _TEXT, "rule that blocked the call"),
    ("metadata", _TEXT, "JSON object; numbers of 14 or more characters stand as text"),
)
_EVENT: Sequence[_Column] = (
    ("event_id", _TEXT, "identity within the source"),
    *EVENT_CONTENT,
    ("received_at", INSTANT, "when we got it"),
    *_PLACE,
    ("identity_hash", _LONG, "63 bits of the hash of (source, event_id)"),
    ("content_hash", _LONG, "63 bits of the hash of identity and content"),
)

LANDING_FILES = DatasetSpec(
    "landing_files",
    "every landing file ever ingested; a batch is visible once it is listed here",
    _schema(
        ("source", _TEXT, "source of the file"),
        ("sha256", _TEXT, "hash of the bytes: the file's identity within its source"),
        ("name", _TEXT, "name of the landing file"),
        ("received_at", INSTANT, "when the file entered"),
        ("received_on", _DAY, "UTC day of received_at"),
        ("batch_id", _TEXT, "ingest batch that brought its rows"),
        ("records", _LONG, "records in the file, empty lines included"),
        ("raw_events", _LONG, "records that became raw events"),
        ("entity_changes", _LONG, "records that became changes of companies, users, subscriptions"),
        ("corrections", _LONG, "records that became corrections"),
        ("refusals", _LONG, "records that could not be used"),
        ("empty", _LONG, "lines that carry no record"),
        ("ingested_at", INSTANT, "when it was listed here"),
        (
            "days",
            pa.list_(
                pa.struct(
                    [
                        pa.field("occurred_on", _DAY),
                        pa.field("rows", _LONG),
                        pa.field("fingerprint", _TEXT),
                        pa.field("copy_days", pa.list_(_DAY)),
                    ]
                )
            ),
            "event days touched: events brought (replacements too), their fingerprint, days that hold copies of them",
        ),
    ),
    ("source", "sha256"),
    volatile=("batch_id", "ingested_at"),
)

RAW_EVENTS = DatasetSpec(
    "raw_events",
    "every record that is an event, duplicates included, as received",
    _schema(*_EVENT, _OCCURRED_ON, _RECEIVED_ON),
    ("source", "file", "line", "record"),
    "received_on",
    row_hash="content_hash",
    by_batch=True,
)

REFUSALS = DatasetSpec(
    "refusals",
    "records that could not become an event, with place and reason",
    _schema(
        *_PLACE,
        ("received_at", INSTANT, "when we got it"),
        ("reason", _TEXT, "what is wrong, in words"),
        ("text", _TEXT, "the record; secrets masked; base64 where it is not UTF-8"),
        _RECEIVED_ON,
    ),
    ("source", "file", "line", "record"),
    "received_on",
    by_batch=True,
)

CORRECTIONS = DatasetSpec(
    "corrections",
    "voids and replacements as received, duplicates included: each has an identity of its own, and a target",
    _schema(
        ("kind", _TEXT, "void or replacement"),
        ("target_source", _TEXT, "source of the event that it removes"),
        ("target_event_id", _TEXT, "id of the event that it removes"),
        ("target_hash", _LONG, "identity_hash of the event that it removes"),
        ("reason", _TEXT, "why, in words; for people"),
        *_EVENT,
        ("occurred_on", _DAY, "UTC day of occurred_at; empty for a void"),
        _RECEIVED_ON,
    ),
    ("source", "file", "line", "record"),
    "received_on",
    row_hash="content_hash",
    by_batch=True,
)

ENTITY_CHANGES = DatasetSpec(
    "entity_changes",
    "upserts of companies, users and subscriptions as received; append-only",
    _schema(
        ("kind", _TEXT, "company, user or subscription"),
        ("entity_id", _TEXT, "id of the entity"),
        ("valid_from", INSTANT, "explicit or modified time; empty where neither is given"),
        ("received_at", INSTANT, "when we got it"),
        *_PLACE,
        ("fields", _TEXT, "JSON object of the record"),
        _RECEIVED_ON,
    ),
    ("kind", "entity_id", "received_at", "source", "file", "line", "record"),
    "received_on",
    by_batch=True,
)

_VALIDITY: Sequence[_Column] = (
    ("valid_from", INSTANT, "from when this version holds; empty: ever since"),
    ("valid_to", INSTANT, "until when; empty: still"),
)
COMPANIES = DatasetSpec(
    "companies",
    "who is billed: history as intervals",
    _schema(
        ("company_id", _TEXT, "our id"),
        ("name", _TEXT, "name on the invoice"),
        ("time_zone", _TEXT, "IANA zone; empty: the seller's"),
        ("provider_customer_id", _TEXT, "the billing provider's id"),
        ("email", _TEXT, "billing address"),
        ("metadata", _TEXT, "JSON object"),
        *_VALIDITY,
    ),
    ("company_id", "valid_from"),
)
USERS = DatasetSpec(
    "users",
    "persons and keys of companies: history as intervals",
    _schema(("user_id", _TEXT, "id of the user"), ("company_id", _TEXT, "company it belongs to"), *_VALIDITY),
    ("user_id", "valid_from"),
)
SUBSCRIPTIONS = DatasetSpec(
    "subscriptions",
    "companies on plans: history as intervals",
    _schema(
        ("subscription_id", _TEXT, "id of the subscription"),
        ("company_id", _TEXT, "company that is charged"),
        ("plan_id", _TEXT, "plan; without one it prices nothing"),
        ("start_at", INSTANT, "first instant; empty: ever since"),
        ("end_at", INSTANT, "instant of the end; empty: open"),
        ("status", _TEXT, "status as sent"),
        ("metadata", _TEXT, "JSON object"),
        *_VALIDITY,
    ),
    ("subscription_id", "valid_from"),
)

EVENTS = DatasetSpec(
    "events",
    "events of a day, each once, sorted by company as sent",
    _schema(*_EVENT, _OCCURRED_ON),
    ("source", "event_id"),
    "occurred_on",
    row_hash="content_hash",
)

DAILY_USAGE = DatasetSpec(
    "daily_usage",
    "mergeable states of meters, per subscription, dimensions and local day; events that the same meters count are one",
    _schema(
        ("company_id", _TEXT, "company charged"),
        ("subscription_id", _TEXT, "subscription charged"),
        ("segment_start", INSTANT, "start of the segment"),
        ("period_start", INSTANT, "start of the full billing period"),
        ("meters", _TEXT, "JSON list of the meters that this is a state of; they read the same value, or count"),
        ("dimensions", _TEXT, "JSON object of all dimensions that any of the meters may have"),
        ("usage_on", _DAY, "local day"),
        ("events", _LONG, "events metered"),
        ("count_value", SUM, "sum of weights"),
        ("sum_value", SUM, "sum of values"),
        ("min_value", VALUE, "smallest value"),
        ("max_value", VALUE, "greatest value"),
        ("latest_value", VALUE, "value of the greatest (occurred_at, source, event_id)"),
        ("latest_at", INSTANT, "its occurred_at"),
        ("latest_source", _TEXT, "its source"),
        ("latest_event_id", _TEXT, "its event_id"),
        _OCCURRED_ON,
    ),
    ("subscription_id", "segment_start", "period_start", "meters", "dimensions", "usage_on"),
    "occurred_on",
    # What the subscription says; usage takes it from there.
    volatile=("company_id", "usage_on", "occurred_on"),
)
_EVENT_REPORT: Sequence[_Column] = (
    ("source", _TEXT, "source of the event"),
    ("event_id", _TEXT, "id of the event"),
    ("meter_id", _TEXT, "meter; empty where none"),
    ("company_id", _TEXT, "company, where it is known"),
    ("reason", _TEXT, "why"),
)
METER_REFUSALS = DatasetSpec(
    "meter_refusals",
    "values that a meter cannot use",
    _schema(*_EVENT_REPORT, ("value", _TEXT, "the value as sent"), _OCCURRED_ON),
    ("source", "event_id", "meter_id"),
    "occurred_on",
)
UNBILLED = DatasetSpec(
    "unbilled",
    "events nobody is charged for, with the reason",
    _schema(
        *_EVENT_REPORT,
        ("user_id", _TEXT, "user as sent"),
        ("subscription_id", _TEXT, "subscription as sent"),
        ("occurred_at", INSTANT, "when it happened"),
        _OCCURRED_ON,
    ),
    ("source", "event_id", "meter_id"),
    "occurred_on",
)
USAGE = DatasetSpec(
    "usage",
    "quantity of one meter for one segment in one billing period, per grouping",
    _schema(
        ("company_id", _TEXT, "company charged"),
        ("subscription_id", _TEXT, "subscription charged"),
        ("plan_id", _TEXT, "plan of the segment"),
        ("segment_start", INSTANT, "start of the segment"),
        ("segment_end", INSTANT, "end of the segment; empty where it does not lie before the period's end"),
        ("period_start", INSTANT, "start of the full billing period"),
        ("period_end", INSTANT, "end of the full billing period"),
        ("meter_id", _TEXT, "meter"),
        ("grouping", _TEXT, "JSON list of the dimensions grouped by"),
        ("group", _TEXT, "JSON object of their values"),
        ("quantity", SUM, "quantity"),
        ("events", _LONG, "events metered"),
        _PERIOD_KEY,
    ),
    ("subscription_id", "segment_start", "period_start", "meter_id", "grouping", "group"),
    "billing_period",
)
CATALOGS = DatasetSpec(
    "catalogs",
    "every catalog that a run used, kept when it differs from the one before; append-only",
    _schema(
        ("catalog_digest", _TEXT, "SHA-256 of the content"),
        ("prices_digest", _TEXT, "digest of its prices, as rated_lines names it"),
        ("used_from", INSTANT, "as_of of the first run that used it"),
        ("content", _TEXT, "meters and plans as JSON; what stands at its default is left out"),
    ),
    ("used_from",),
)
RATED_LINES = DatasetSpec(
    "rated_lines",
    "usage and fees × prices: exact amounts",
    _schema(
        ("line_id", _TEXT, "id of the line; stays the same when figures change"),
        ("company_id", _TEXT, "company charged"),
        ("subscription_id", _TEXT, "subscription charged"),
        ("plan_id", _TEXT, "plan"),
        ("price_id", _TEXT, "price"),
        ("meter_id", _TEXT, "meter; empty for a fee"),
        ("kind", _TEXT, "usage or fee"),
        ("currency", _TEXT, "ISO 4217 code"),
        ("bill_at", INSTANT, "when the line is due to be invoiced"),
        ("period_start", INSTANT, "start, clipped to the segment"),
        ("period_end", INSTANT, "end, clipped to the segment"),
        ("full_period_start", INSTANT, "start of the full billing period"),
        ("full_period_end", INSTANT, "end of the full billing period"),
        ("group", _TEXT, "JSON object of the group"),
        ("quantity", SUM, "quantity before transformation"),
        ("amount", EXACT_AMOUNT, "exact, unrounded amount"),
        ("description", _TEXT, "what the company reads"),
        _PERIOD_KEY,
    ),
    ("line_id",),
    "billing_period",
    # What line_id is made of (rule 18).
    volatile=("subscription_id", "price_id", "kind", "period_start", "full_period_start", "full_period_end", "group"),
)
INVOICES = DatasetSpec(
    "invoices",
    "draft invoices: what each company would pay",
    _schema(
        ("invoice_id", _TEXT, "id of the invoice; stays the same when figures change"),
        ("company_id", _TEXT, "company"),
        ("subscription_id", _TEXT, "subscription; empty where the lines have several"),
        ("currency", _TEXT, "ISO 4217 code"),
        ("bill_at", INSTANT, "when it is due to be issued"),
        ("total", SUM, "sum of the rounded lines"),
        ("lines", _LONG, "number of lines"),
        ("content_hash", _TEXT, "SHA-256 of the invoice's JSON"),
        _PERIOD_KEY,
    ),
    ("invoice_id",),
    "billing_period",
)
INVOICE_LINES = DatasetSpec(
    "invoice_lines",
    "lines of the draft invoices: rounded, exact amount beside it",
    _schema(
        ("invoice_id", _TEXT, "invoice"),
        ("line_id", _TEXT, "rated line"),
        ("subscription_id", _TEXT, "subscription"),
        ("price_id", _TEXT, "price"),
        ("meter_id", _TEXT, "meter; empty for a fee"),
        ("period_start", INSTANT, "start of the time charged"),
        ("period_end", INSTANT, "end of the time charged"),
        ("quantity", SUM, "quantity"),
        ("amount", SUM, "rounded amount"),
        ("exact_amount", EXACT_AMOUNT, "exact amount"),
        ("description", _TEXT, "what the company reads"),
        _PERIOD_KEY,
    ),
    ("invoice_id", "line_id"),
    "billing_period",
)
STRIPE_INVOICES = DatasetSpec(
    "stripe_invoices",
    "invoices published to Stripe, read from the ledger",
    _schema(
        ("publication_id", _TEXT, "id of the publication"),
        ("invoice_id", _TEXT, "our invoice"),
        ("company_id", _TEXT, "company"),
        ("currency", _TEXT, "ISO 4217 code"),
        ("total", SUM, "total"),
        ("account", _TEXT, "provider account"),
        ("mode", _TEXT, "sandbox, test or live"),
        ("state", _TEXT, "intent, draft or issued"),
        ("provider_invoice_id", _TEXT, "the provider's id"),
        ("number", _TEXT, "number that the provider gave"),
        _PERIOD_KEY,
    ),
    ("publication_id",),
    "billing_period",
)

ALL: tuple[DatasetSpec, ...] = (
    LANDING_FILES,
    RAW_EVENTS,
    REFUSALS,
    CORRECTIONS,
    ENTITY_CHANGES,
    COMPANIES,
    USERS,
    SUBSCRIPTIONS,
    EVENTS,
    DAILY_USAGE,
    METER_REFUSALS,
    UNBILLED,
    USAGE,
    CATALOGS,
    RATED_LINES,
    INVOICES,
    INVOICE_LINES,
    STRIPE_INVOICES,
)
