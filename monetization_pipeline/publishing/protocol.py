"""What the publisher asks of a provider of invoices, and the three ways in which a provider can fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from monetization_pipeline.customers.models import Company
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ledger.records import Place


class ProviderError(MonetizeError):
    """A provider did not do what it was asked to."""


class RetryableError(ProviderError):
    """Nothing was done, and the same request may be sent again later."""


class UnknownOutcomeError(ProviderError):
    """Whether it was done is not known: look before doing it again.

    `answered`: the provider answered with a failure of its own, which it may repeat for the same idempotency key.
    """

    def __init__(self, message: str, *, answered: bool) -> None:
        super().__init__(message)
        self.answered = answered


class PermanentError(ProviderError):
    """Nothing was done, and nothing will be until somebody changes something."""


class RemoteState(StrEnum):
    """Where an invoice stands at the provider: only a draft can still change."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class RemoteLine:
    """A line as it stands at the provider; `line_key` is None where it is not one of ours."""

    line_key: str | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class RemoteInvoice:
    """An invoice as it stands at the provider, with all its lines.

    `total` is in major units, before balances and payments; `publish_key` and `content_hash` are the ones that we gave
    it, None where it has none.
    """

    provider_invoice_id: str
    provider_customer_id: str
    state: RemoteState
    number: str | None
    currency: str
    total: Decimal
    publish_key: str | None
    content_hash: str | None
    created_at: datetime
    lines: tuple[RemoteLine, ...]


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A line to be shown; the period is half-open, the amount in major units."""

    line_key: str
    amount: Decimal
    description: str
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice to be shown, as the provider will show it: `lines` add up to `total`."""

    publish_key: str
    content_hash: str
    invoice_id: str
    provider_customer_id: str
    currency: str
    lines: tuple[DocumentLine, ...]
    total: Decimal


def place_of(provider: "Provider") -> Place:
    """Where a provider issues invoices; it may have to be asked for its account, and raise a ProviderError."""
    return Place(provider.name, provider.mode, provider.account)


class Provider(Protocol):
    """One mode of one account of a provider. Every method may raise a ProviderError.

    Methods that change something take the idempotency key to do it under, and may be repeated with it.
    """

    @property
    def name(self) -> str:
        """The provider's name in keys and rows of the ledger: `stripe`."""
        ...

    @property
    def account(self) -> str:
        """The provider's id of the account that the credentials belong to."""
        ...

    @property
    def mode(self) -> str:
        """`live` where invoices bill somebody, else a word for what they are, such as `test` or `sandbox`."""
        ...

    def customer_exists(self, provider_customer_id: str) -> bool:
        """Whether there is such a customer, not deleted."""
        ...

    def find_customer(self, seller_id: str, company_id: str) -> str | None:
        """The customer that bears both ids; PermanentError where several do. One that bears no seller's is ''s."""
        ...

    def create_customer(self, seller_id: str, company: Company, idempotency_key: str) -> str:
        """Make a customer that bears the seller's id, if there is one, and the company's; return the provider's."""
        ...

    def find(self, provider_customer_id: str, publish_key: str) -> Sequence[RemoteInvoice]:
        """Every invoice of that customer that bears the publish key, drafts too, oldest first, read consistently."""
        ...

    def fetch(self, provider_invoice_id: str) -> RemoteInvoice | None:
        """One invoice as it now is, None where there is none."""
        ...

    def create_draft(self, document: Document, idempotency_key: str) -> RemoteInvoice:
        """An empty draft that never finalizes by itself and bears the publish key and the content's hash."""
        ...

    def add_lines(
        self, document: Document, provider_invoice_id: str, lines: Sequence[DocumentLine], idempotency_key: str
    ) -> None:
        """Add `lines` to a draft: all of them or none."""
        ...

    def finalize(self, provider_invoice_id: str, idempotency_key: str) -> RemoteInvoice:
        """Make a draft final: it gets its number, and its amounts never change again."""
        ...

    def cancel_draft(self, provider_invoice_id: str) -> None:
        """Delete a draft; nothing happens where it is gone already."""
        ...
