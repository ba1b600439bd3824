"""Booked invoices and lines, customers, publications, requests and what became of them."""

import sqlalchemy as sa
from alembic import op

from monetization_pipeline.ledger.migrations.append_only import protect

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_INSTANT = sa.String(27)


def upgrade() -> None:
    _booked()
    _customers()
    _publications()
    _requests()
    for table in (
        "booked_invoices",
        "booked_lines",
        "customer_mappings",
        "publications",
        "publication_events",
        "provider_requests",
        "provider_outcomes",
    ):
        protect(table)


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _instants(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _INSTANT, nullable=False) for name in names]


def _booked() -> None:
    op.create_table(
        "booked_invoices",
        *_text("invoice_id"),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_text("company_id"),
        sa.Column("subscription_id", sa.Text(), nullable=True),
        *_text("currency"),
        *_instants("bill_at"),
        *_text("billing_period", "total", "content_hash", "content_json"),
        *_instants("as_of", "booked_at"),
        *_text("booked_by", "reason"),
        sa.PrimaryKeyConstraint("invoice_id", "revision"),
    )
    op.create_index("ix_booked_invoices_billing_period", "booked_invoices", ["billing_period"])
    op.create_table(
        "booked_lines",
        *_text("invoice_id"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *_text("line_id", "subscription_id", "price_id"),
        sa.Column("meter_id", sa.Text(), nullable=True),
        *_instants("period_start", "period_end"),
        *_text("quantity", "amount", "exact_amount", "description"),
        sa.PrimaryKeyConstraint("invoice_id", "revision", "position"),
        sa.ForeignKeyConstraint(["invoice_id", "revision"], ["booked_invoices.invoice_id", "booked_invoices.revision"]),
        sa.UniqueConstraint("line_id", "revision", name="booked_lines_once"),
    )


def _customers() -> None:
    op.create_table(
        "customer_mappings",
        *_text("provider", "account", "mode", "company_id"),
        sa.Column("sequence", sa.Integer(), nullable=False),
        *_text("provider_customer_id"),
        *_instants("created_at"),
        sa.PrimaryKeyConstraint("provider", "account", "mode", "company_id", "sequence"),
    )


def _publications() -> None:
    op.create_table(
        "publications",
        *_text("publication_id", "provider", "account", "mode", "invoice_id"),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_text("content_hash", "provider_customer_id", "currency", "total"),
        *_instants("created_at"),
        sa.PrimaryKeyConstraint("publication_id"),
        sa.ForeignKeyConstraint(["invoice_id", "revision"], ["booked_invoices.invoice_id", "booked_invoices.revision"]),
        sa.UniqueConstraint("provider", "account", "mode", "invoice_id", "revision", name="publications_once"),
    )
    op.create_table(
        "publication_events",
        sa.Column("event_id", sa.Integer(), nullable=False),
        *_text("publication_id", "state", "provider_invoice_id"),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("total", sa.Text(), nullable=True),
        *_text("detail"),
        *_instants("at"),
        sa.PrimaryKeyConstraint("event_id"),
        sa.ForeignKeyConstraint(["publication_id"], ["publications.publication_id"]),
    )
    op.create_index("ix_publication_events_publication_id", "publication_events", ["publication_id"])
    issued = sa.text("state = 'issued'")
    op.create_index(
        "publication_events_issued_once",
        "publication_events",
        ["publication_id"],
        unique=True,
        sqlite_where=issued,
        postgresql_where=issued,
    )


def _requests() -> None:
    op.create_table(
        "provider_requests",
        sa.Column("request_id", sa.Integer(), nullable=False),
        *_text("subject", "step"),
        sa.Column("attempt", sa.Integer(), nullable=False),
        *_text("idempotency_key"),
        *_instants("sent_at"),
        sa.PrimaryKeyConstraint("request_id"),
    )
    op.create_index("provider_requests_of_step", "provider_requests", ["subject", "step"])
    op.create_table(
        "provider_outcomes",
        sa.Column("request_id", sa.Integer(), nullable=False),
        *_text("outcome", "detail"),
        *_instants("at"),
        sa.PrimaryKeyConstraint("request_id"),
        sa.ForeignKeyConstraint(["request_id"], ["provider_requests.request_id"]),
    )
