"""The ledger's tables. Rows are only ever added: triggers refuse UPDATE and DELETE (see the migrations).

Decimals and instants are text, the same bytes on SQLite and PostgreSQL: SQLite would store a decimal as a float and
an instant without its zone.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    Column,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from monetization_pipeline.datasets.invoice_fields import INVOICE_FIELDS, LINE_FIELDS, Field, Kind


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal as plain text; scale is kept, so `0.00` stays `0.00`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else format(value, "f")

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else Decimal(value)


class UtcInstant(TypeDecorator[datetime]):
    """An aware instant as `2023-08-01T00:00:00.000000Z`: sorts as text, loses nothing."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the ledger takes aware instants only")
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else datetime.fromisoformat(value)


class Base(DeclarativeBase):
    """Metadata of all tables."""

    type_annotation_map: ClassVar[dict[type, TypeEngine[Any] | type[TypeEngine[Any]]]] = {
        str: Text,
        Decimal: ExactDecimal,
        datetime: UtcInstant,
    }


_TYPES: Mapping[Kind, type[TypeEngine[Any]]] = {
    Kind.ID: Text,
    Kind.TEXT: Text,
    Kind.WORDS: Text,
    Kind.INSTANT: UtcInstant,
    Kind.QUANTITY: ExactDecimal,
    Kind.AMOUNT: ExactDecimal,
    Kind.EXACT_AMOUNT: ExactDecimal,
}


def _columns(fields: Iterable[Field], *key: str) -> Iterator[Column[Any]]:
    for field in fields:
        yield Column(field.name, _TYPES[field.kind], nullable=field.optional, primary_key=field.name in key)


#: Booked invoices: their fields, and `content_json`, the invoice as booked, with its hash and the form that it has.
#: A program that names no form is one of before there were several, which booked in the first.
BOOKED_INVOICES = Table(
    "booked_invoices",
    Base.metadata,
    *_columns(INVOICE_FIELDS, "invoice_id"),
    Column("revision", Integer, primary_key=True),
    Column("billing_period", Text, nullable=False, index=True),
    Column("content_hash", Text, nullable=False),
    Column("form", Integer, nullable=False, server_default="1"),
    Column("content_json", Text, nullable=False),
    Column("as_of", UtcInstant, nullable=False),
    Column("booked_at", UtcInstant, nullable=False),
    Column("booked_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

#: Of a line's amount, which is text: that it is not zero.
_CHARGES = text("replace(replace(replace(amount, '0', ''), '.', ''), '-', '') <> ''")

#: Lines of booked invoices. A line_id is booked once for each revision, whatever invoice it stands in, zeros aside.
#: `line_group` is the JSON object of its group, NULL where it was booked before that was written.
BOOKED_LINES = Table(
    "booked_lines",
    Base.metadata,
    Column("invoice_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    *_columns(LINE_FIELDS),
    Column("line_group", Text, nullable=True),
    ForeignKeyConstraint(["invoice_id", "revision"], ["booked_invoices.invoice_id", "booked_invoices.revision"]),
    Index("booked_lines_once", "line_id", "revision", unique=True, sqlite_where=_CHARGES, postgresql_where=_CHARGES),
)


class BookedPlanRow(Base):
    """The plan that a subscription had when lines of it were booked; `price_ids`: all of its prices, a JSON list."""

    __tablename__ = "booked_plans"
    __table_args__ = (
        ForeignKeyConstraint(["invoice_id", "revision"], ["booked_invoices.invoice_id", "booked_invoices.revision"]),
    )

    invoice_id: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    subscription_id: Mapped[str] = mapped_column(primary_key=True)
    plan_id: Mapped[str]
    price_ids: Mapped[str]


class CustomerMappingRow(Base):
    """A company's customer at a provider; a changed mapping is a row with the next `sequence`, the last one holds."""

    __tablename__ = "customer_mappings"

    provider: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(primary_key=True)
    company_id: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    provider_customer_id: Mapped[str]
    created_at: Mapped[datetime]


class PublicationRow(Base):
    """The intent to publish one revision of one invoice to one account in one mode: there is one, or none."""

    __tablename__ = "publications"
    __table_args__ = (
        UniqueConstraint("provider", "account", "mode", "invoice_id", "revision", name="publications_once"),
        ForeignKeyConstraint(["invoice_id", "revision"], ["booked_invoices.invoice_id", "booked_invoices.revision"]),
    )

    publication_id: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str]
    account: Mapped[str]
    mode: Mapped[str]
    invoice_id: Mapped[str]
    revision: Mapped[int]
    content_hash: Mapped[str]
    provider_customer_id: Mapped[str]
    currency: Mapped[str]
    total: Mapped[Decimal]
    created_at: Mapped[datetime]


class PublicationEventRow(Base):
    """What became of a publication: `draft` made, draft `abandoned`, `issued` (at most once)."""

    __tablename__ = "publication_events"
    __table_args__ = (
        Index(
            "publication_events_issued_once",
            "publication_id",
            unique=True,
            sqlite_where=text("state = 'issued'"),
            postgresql_where=text("state = 'issued'"),
        ),
    )

    event_id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[str] = mapped_column(ForeignKey("publications.publication_id"), index=True)
    state: Mapped[str]
    provider_invoice_id: Mapped[str]
    number: Mapped[str | None]
    total: Mapped[Decimal | None]
    detail: Mapped[str]
    at: Mapped[datetime]


class ProviderRequestRow(Base):
    """One request that changes something at a provider, committed before it is sent.

    `subject` is a publication_id or a customer's key; `idempotency_key` is `<subject>:<step>:<attempt>`.
    """

    __tablename__ = "provider_requests"
    __table_args__ = (Index("provider_requests_of_step", "subject", "step"),)

    request_id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    step: Mapped[str]
    attempt: Mapped[int]
    idempotency_key: Mapped[str]
    sent_at: Mapped[datetime]


class ProviderOutcomeRow(Base):
    """How one request ended. A request without an outcome was cut short: what it did is not known."""

    __tablename__ = "provider_outcomes"

    request_id: Mapped[int] = mapped_column(ForeignKey("provider_requests.request_id"), primary_key=True)
    outcome: Mapped[str]
    detail: Mapped[str]
    at: Mapped[datetime]


class PublishingPlaceRow(Base):
    """Where invoices are issued, and as which seller: another place is a row with the next `sequence`; the last one
    holds."""

    __tablename__ = "publishing_places"

    sequence: Mapped[int] = mapped_column(primary_key=True)
    provider: Mapped[str]
    mode: Mapped[str]
    account: Mapped[str]
    seller_id: Mapped[str]
    settled_at: Mapped[datetime]
    settled_by: Mapped[str]


#: Every table whose rows never change; the migrations put triggers on each.
APPEND_ONLY = tuple(Base.metadata.tables)
