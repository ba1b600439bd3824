"""The rows of the ledger as the rest of the program sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.periods import Period


@dataclass(frozen=True, slots=True)
class BookedInvoice:
    """One booked invoice, with who booked it, when, why, and from which cut-off of the events.

    `form` is the form that it was booked in, `content_hash` the hash of its JSON in that form.
    """

    invoice: Invoice
    revision: int
    billing_period: str
    form: int
    content_hash: str
    as_of: datetime
    booked_at: datetime
    booked_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class BookedPlan:
    """A plan as it was when lines were booked: all of its prices."""

    plan_id: str
    price_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChargedFor:
    """What lines charge for beside what they show: the group of each, a JSON object, by line_id, and the plan of each
    subscription.
    """

    groups: Mapping[str, str] = field(default_factory=dict[str, str])
    plans: Mapping[str, BookedPlan] = field(default_factory=dict[str, BookedPlan])


@dataclass(frozen=True, slots=True)
class BookedLine:
    """A booked line as what it charges for.

    `group`, and `plan_prices`, the price_ids of the subscription's plan of then, are None where the line was booked
    before they were written.
    """

    invoice_id: str
    line_id: str
    subscription_id: str
    price_id: str
    meter_id: str | None
    group: str | None
    time: Period
    amount: Decimal
    billing_period: str
    as_of: datetime
    plan_prices: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class BookedLines:
    """Every booked line of some subscriptions whose time overlaps `time`, by invoice and position."""

    subscription_ids: tuple[str, ...]
    time: Period
    lines: tuple[BookedLine, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where invoices are issued: one mode of one account of a provider."""

    provider: str
    mode: str
    account: str

    def __str__(self) -> str:
        account = f", account {self.account}" if self.account else ""
        return f"{self.provider}, mode {self.mode}{account}"


@dataclass(frozen=True, slots=True)
class SettledPlace:
    """A place that was published to from an instant on, and as which seller; `seller_id` is empty for one that
    published before sellers had ids."""

    place: Place
    seller_id: str
    settled_at: datetime
    settled_by: str


class PublicationState(StrEnum):
    """How far a publication has come: the last of its events, `intent` before the first one."""

    INTENT = "intent"
    DRAFT = "draft"
    ISSUED = "issued"


@dataclass(frozen=True, slots=True)
class Intent:
    """The decision to publish one booked invoice to one customer of one provider's account.

    `publication_id` is also the publish key that stands in the provider's metadata; `total` is what the provider is
    to show, in major units of `currency`.
    """

    publication_id: str
    provider: str
    account: str
    mode: str
    invoice_id: str
    revision: int
    content_hash: str
    provider_customer_id: str
    currency: str
    total: Decimal

    @property
    def place(self) -> Place:
        """Where it is published."""
        return Place(self.provider, self.mode, self.account)


@dataclass(frozen=True, slots=True)
class Publication:
    """An intent and what has become of it; the provider's fields are None until the provider has given them."""

    intent: Intent
    state: PublicationState
    attempt: int
    provider_invoice_id: str | None
    number: str | None
    created_at: datetime
    changed_at: datetime

    @property
    def publication_id(self) -> str:
        """The publication's id, which is also the publish key that the provider knows it by."""
        return self.intent.publication_id


class EventState(StrEnum):
    """What can become of a publication."""

    DRAFT = "draft"
    ABANDONED = "abandoned"
    ISSUED = "issued"


@dataclass(frozen=True, slots=True)
class PublicationEvent:
    """One thing that became of a publication; `number` and `total` are the issued invoice's."""

    publication_id: str
    state: EventState
    provider_invoice_id: str
    at: datetime
    number: str | None = None
    total: Decimal | None = None
    detail: str = ""


class Outcome(StrEnum):
    """How one request to a provider ended.

    `not_done`: refused before anything happened, and its key is as good as new. `unknown`: no answer. `spent`: an
    answer that the provider may repeat for this key, so that the next request needs another.
    """

    DONE = "done"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """Whose customer: a company in one mode of one provider's account."""

    provider: str
    account: str
    mode: str
    company_id: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """The next request of one step for one subject, with the idempotency key it is made under."""

    request_id: int
    idempotency_key: str
