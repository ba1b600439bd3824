"""Intents, what became of them, and each request made to a provider. Within the transaction of the connection given."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select

from monetization_pipeline.ledger.chunks import chunks
from monetization_pipeline.ledger.errors import PublicationDiffersError
from monetization_pipeline.ledger.records import (
    Attempt,
    CustomerKey,
    EventState,
    Intent,
    Outcome,
    Place,
    Publication,
    PublicationEvent,
    PublicationState,
)
from monetization_pipeline.ledger.tables import (
    BOOKED_INVOICES,
    CustomerMappingRow,
    ProviderOutcomeRow,
    ProviderRequestRow,
    PublicationEventRow,
    PublicationRow,
)

_DETAIL_LENGTH = 500


def publications(
    connection: Connection, *conditions: ColumnElement[bool], until: datetime | None = None
) -> tuple[Publication, ...]:
    """The publications that meet `conditions`, by id; with `until`, those begun until then, as they stood then."""
    begun = () if until is None else (PublicationRow.created_at <= until,)
    happened = () if until is None else (PublicationEventRow.at <= until,)
    chosen = select(PublicationRow.__table__).where(*conditions, *begun).order_by(PublicationRow.publication_id)
    events: dict[str, list[Any]] = {}
    for event in connection.execute(
        select(PublicationEventRow.__table__)
        .join(PublicationRow, PublicationRow.publication_id == PublicationEventRow.publication_id)
        .where(*conditions, *happened)
        .order_by(PublicationEventRow.event_id)
    ):
        events.setdefault(event.publication_id, []).append(event)
    return tuple(_publication(row, events.get(row.publication_id, [])) for row in connection.execute(chosen))


def of_period(billing_period: str) -> ColumnElement[bool]:
    """Condition: publications of invoices booked under a billing period."""
    booked = select(BOOKED_INVOICES.c.invoice_id).where(BOOKED_INVOICES.c.billing_period == billing_period)
    return PublicationRow.invoice_id.in_(booked)


def of_invoices(
    connection: Connection, invoice_ids: Iterable[str], until: datetime | None = None
) -> tuple[Publication, ...]:
    """The publications of some invoices, by id; with `until`, as they stood then."""
    found = [
        publication
        for chunk in chunks(invoice_ids)
        for publication in publications(connection, PublicationRow.invoice_id.in_(chunk), until=until)
    ]
    return tuple(sorted(found, key=lambda publication: publication.publication_id))


def with_id(publication_id: str) -> ColumnElement[bool]:
    """Condition: the one publication of that id."""
    return PublicationRow.publication_id == publication_id


def of_account(provider: str, account: str, mode: str) -> ColumnElement[bool]:
    """Condition: publications to one mode of one provider's account."""
    return (PublicationRow.provider == provider) & (PublicationRow.account == account) & (PublicationRow.mode == mode)


def of_invoice(place: Place, invoice_id: str, revision: int) -> ColumnElement[bool]:
    """Condition: the one publication of a revision of an invoice at a place."""
    there = of_account(place.provider, place.account, place.mode)
    return there & (PublicationRow.invoice_id == invoice_id) & (PublicationRow.revision == revision)


def record_intent(connection: Connection, intent: Intent, at: datetime) -> Publication:
    """The publication of `intent`, made if it is new.

    Raises PublicationDiffersError where it exists with another content, total or customer.
    """
    existing = publications(connection, with_id(intent.publication_id))
    if not existing:
        row = {field: getattr(intent, field) for field in intent.__dataclass_fields__}
        connection.execute(insert(PublicationRow), [row | {"created_at": at}])
        return publications(connection, with_id(intent.publication_id))[0]
    if existing[0].intent != intent:
        raise PublicationDiffersError(
            f"publication {intent.publication_id} of invoice {intent.invoice_id} was begun with other content: "
            f"{existing[0].intent}, now {intent}. A publication never changes; nothing was sent"
        )
    return existing[0]


def record_event(connection: Connection, event: PublicationEvent) -> Publication:
    """Append what became of a publication and return it as it now is."""
    row = {field: getattr(event, field) for field in PublicationEvent.__dataclass_fields__}
    row |= {"state": event.state.value, "detail": event.detail[:_DETAIL_LENGTH]}
    connection.execute(insert(PublicationEventRow), [row])
    return publications(connection, with_id(event.publication_id))[0]


def record_request(connection: Connection, subject: str, step: str, at: datetime) -> Attempt:
    """Append a request that is about to be sent, and the idempotency key to send it under.

    The key stays the same while the outcome of the last request is unknown, so that the provider can recognize the
    repetition. It changes once a key is spent (the provider remembers a failure under it) or a draft was abandoned.
    """
    attempt = 1 + _abandoned(connection, subject) + _spent(connection, subject, step)
    key = f"{subject}:{step}:{attempt}"
    row = {"subject": subject, "step": step, "attempt": attempt, "idempotency_key": key, "sent_at": at}
    statement = insert(ProviderRequestRow).returning(ProviderRequestRow.request_id)
    return Attempt(connection.execute(statement, row).scalar_one(), key)


def record_outcome(connection: Connection, request_id: int, outcome: Outcome, detail: str, at: datetime) -> None:
    """Append how a request ended; of `detail`, which is for people, the first 500 characters."""
    row = {"request_id": request_id, "outcome": outcome.value, "detail": detail[:_DETAIL_LENGTH], "at": at}
    connection.execute(insert(ProviderOutcomeRow), [row])


def customer(connection: Connection, key: CustomerKey) -> str | None:
    """The provider's id of a company's customer, None while it has none."""
    return connection.execute(
        select(CustomerMappingRow.provider_customer_id)
        .where(*_of_customer(key))
        .order_by(CustomerMappingRow.sequence.desc())
        .limit(1)
    ).scalar_one_or_none()


def put_customer(connection: Connection, key: CustomerKey, provider_customer_id: str, at: datetime) -> None:
    """Map a company to a customer of the provider from now on; nothing is added where it is so already."""
    if customer(connection, key) == provider_customer_id:
        return
    last = connection.execute(select(func.max(CustomerMappingRow.sequence)).where(*_of_customer(key))).scalar_one()
    row = {
        "provider": key.provider,
        "account": key.account,
        "mode": key.mode,
        "company_id": key.company_id,
        "sequence": (last or 0) + 1,
        "provider_customer_id": provider_customer_id,
        "created_at": at,
    }
    connection.execute(insert(CustomerMappingRow), [row])


def _of_customer(key: CustomerKey) -> tuple[ColumnElement[bool], ...]:
    return (
        CustomerMappingRow.provider == key.provider,
        CustomerMappingRow.account == key.account,
        CustomerMappingRow.mode == key.mode,
        CustomerMappingRow.company_id == key.company_id,
    )


def _abandoned(connection: Connection, subject: str) -> int:
    query = select(func.count()).where(
        PublicationEventRow.publication_id == subject, PublicationEventRow.state == EventState.ABANDONED
    )
    return connection.execute(query).scalar_one()


def _spent(connection: Connection, subject: str, step: str) -> int:
    query = (
        select(func.count())
        .select_from(ProviderRequestRow)
        .join(ProviderOutcomeRow, ProviderOutcomeRow.request_id == ProviderRequestRow.request_id)
        .where(
            ProviderRequestRow.subject == subject,
            ProviderRequestRow.step == step,
            ProviderOutcomeRow.outcome == Outcome.SPENT.value,
        )
    )
    return connection.execute(query).scalar_one()


def _publication(row: Any, events: Sequence[Any]) -> Publication:
    last = events[-1] if events else None
    held = last if last is not None and last.state != EventState.ABANDONED else None
    return Publication(
        intent=Intent(**{field: getattr(row, field) for field in Intent.__dataclass_fields__}),
        state=PublicationState(held.state) if held else PublicationState.INTENT,
        attempt=1 + sum(event.state == EventState.ABANDONED for event in events),
        provider_invoice_id=held.provider_invoice_id if held else None,
        number=held.number if held else None,
        created_at=row.created_at,
        changed_at=last.at if last is not None else row.created_at,
    )
