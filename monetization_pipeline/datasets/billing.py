"""Catalogs, rated lines and invoices."""

from collections.abc import Iterable, Iterator

from monetization_pipeline.datasets.columns import EXACT_AMOUNT, INSTANT, LONG, PERIOD_KEY, SUM, TEXT
from monetization_pipeline.datasets.invoice_fields import INVOICE_FIELDS, LINE_FIELDS, Field, Kind
from monetization_pipeline.datasets.spec import Column, DatasetSpec, schema

CATALOGS = DatasetSpec(
    "catalogs",
    "every catalog that a run used, kept when it differs from the one before; append-only",
    schema(
        ("catalog_digest", TEXT, "SHA-256 of the content"),
        ("prices_digest", TEXT, "digest of its prices, as rated_lines names it"),
        ("used_from", INSTANT, "as_of of the first run that used it"),
        ("content", TEXT, "meters and plans as JSON; what stands at its default is left out"),
    ),
    ("used_from",),
)

RATED_LINES = DatasetSpec(
    "rated_lines",
    "usage and fees × prices: exact amounts",
    schema(
        ("line_id", TEXT, "id of the line; stays the same when figures change"),
        ("company_id", TEXT, "company charged"),
        ("subscription_id", TEXT, "subscription charged"),
        ("plan_id", TEXT, "plan"),
        ("price_id", TEXT, "price"),
        ("meter_id", TEXT, "meter; empty for a fee"),
        ("kind", TEXT, "usage or fee"),
        ("currency", TEXT, "ISO 4217 code"),
        ("bill_at", INSTANT, "when the line is due to be invoiced"),
        ("period_start", INSTANT, "start, clipped to the segment"),
        ("period_end", INSTANT, "end, clipped to the segment"),
        ("full_period_start", INSTANT, "start of the full billing period"),
        ("full_period_end", INSTANT, "end of the full billing period"),
        ("group", TEXT, "JSON object of the group"),
        ("quantity", SUM, "quantity before transformation"),
        ("amount", EXACT_AMOUNT, "exact, unrounded amount"),
        ("description", TEXT, "what the company reads, at most 500 characters"),
        PERIOD_KEY,
    ),
    ("line_id",),
    "billing_period",
    # What line_id is made of (rule 18).
    volatile=("subscription_id", "price_id", "kind", "period_start", "full_period_start", "full_period_end", "group"),
)

ELSEWHERE = DatasetSpec(
    "elsewhere",
    "usage and fees × prices of a time before the first invoice here: billed elsewhere, and never booked",
    RATED_LINES.schema,
    RATED_LINES.key,
    RATED_LINES.partition_column,
    volatile=RATED_LINES.volatile,
)

SET_ASIDE = DatasetSpec(
    "set_aside",
    "lines that cannot be rated, each with its reason: their invoices are not made",
    schema(
        ("company_id", TEXT, "company of the invoice"),
        ("currency", TEXT, "ISO 4217 code"),
        ("bill_at", INSTANT, "when the line would be due to be invoiced"),
        ("subscription_id", TEXT, "subscription"),
        ("price_id", TEXT, "price"),
        ("meter_id", TEXT, "meter; empty for a fee"),
        ("group", TEXT, "JSON object of the group"),
        ("reason", TEXT, "why it cannot be rated"),
        PERIOD_KEY,
    ),
    ("subscription_id", "price_id", "group", "bill_at"),
    "billing_period",
)

_TYPES = {
    Kind.ID: TEXT,
    Kind.TEXT: TEXT,
    Kind.WORDS: TEXT,
    Kind.INSTANT: INSTANT,
    Kind.QUANTITY: SUM,
    Kind.AMOUNT: SUM,
    Kind.EXACT_AMOUNT: EXACT_AMOUNT,
}


def _columns(fields: Iterable[Field]) -> Iterator[Column]:
    return ((field.name, _TYPES[field.kind], field.doc) for field in fields)


INVOICES = DatasetSpec(
    "invoices",
    "draft invoices: what each company would pay",
    schema(
        *_columns(INVOICE_FIELDS),
        ("lines", LONG, "number of lines"),
        ("content_hash", TEXT, "SHA-256 of the invoice's JSON"),
        PERIOD_KEY,
    ),
    ("invoice_id",),
    "billing_period",
)

INVOICE_LINES = DatasetSpec(
    "invoice_lines",
    "lines of the draft invoices: rounded, exact amount beside it",
    schema(("invoice_id", TEXT, "invoice"), *_columns(LINE_FIELDS), PERIOD_KEY),
    ("invoice_id", "line_id"),
    "billing_period",
)
