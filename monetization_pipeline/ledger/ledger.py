"""The ledger's face: typed questions and additions, each in a transaction of its own."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Engine
from sqlalchemy.exc import IntegrityError

from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger import booking, places, publications
from monetization_pipeline.ledger.locks import hold
from monetization_pipeline.ledger.records import (
    Attempt,
    BookedInvoice,
    BookedLines,
    ChargedFor,
    CustomerKey,
    EventState,
    Intent,
    Outcome,
    Place,
    Publication,
    PublicationEvent,
    SettledPlace,
)
from monetization_pipeline.periods import Period

T = TypeVar("T")

#: Nothing is said of groups and plans.
UNKNOWN = ChargedFor()


class Ledger:
    """An open ledger (`ledger.opening.open_ledger`). Rows are only ever added; several processes may use it at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Close all connections to the database."""
        self._engine.dispose()

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock of this ledger while the block runs; LedgerBusyError where another process holds it."""
        return hold(self._engine, name, wait_seconds=0.0)

    def book(
        self,
        invoices: Sequence[Invoice],
        *,
        period: str,
        as_of: datetime,
        by: str,
        at: datetime,
        reason: str = "",
        charged_for: ChargedFor = UNKNOWN,
        seen: BookedLines | None = None,
    ) -> tuple[str, ...]:
        """Book `invoices` under billing period `period`, all or none; the ids of those newly booked.

        Booking the same again does nothing. Raises LedgerMovedError where what is booked of their subscriptions is not
        what was `seen`, BookedDiffersError where one is booked and does not charge the same now,
        LineBookedElsewhereError where a line stands in another booked invoice.
        """
        entry = booking.Booking(billing_period=period, as_of=as_of, booked_by=by, booked_at=at, reason=reason)
        return self._write(lambda connection: booking.book(connection, invoices, entry, charged_for, seen))

    def booked(self, invoice_ids: Iterable[str]) -> dict[str, BookedInvoice]:
        """Each booked invoice among `invoice_ids`, by its id."""
        return self._read(lambda connection: booking.booked(connection, invoice_ids))

    def periods(self) -> tuple[str, ...]:
        """The billing periods under which anything is booked, in order."""
        return self._read(booking.periods)

    def booked_in(self, period: str, until: datetime | None = None) -> tuple[BookedInvoice, ...]:
        """What is booked under a billing period, by company, currency and bill_at; `until`: what was until then."""
        booked = self._read(lambda connection: booking.booked_in(connection, period))
        return booked if until is None else tuple(entry for entry in booked if entry.booked_at <= until)

    def lines_of(self, subscription_ids: Iterable[str], time: Period, until: datetime | None = None) -> BookedLines:
        """What subscriptions are charged for a time by what is booked; `until`: by what was booked until then."""
        return self._read(lambda connection: booking.lines_of(connection, subscription_ids, time, until))

    def places(self, until: datetime | None = None) -> tuple[SettledPlace, ...]:
        """Every place that was published to, in order; the last one holds. With `until`: those of until then."""
        return self._read(lambda connection: places.places(connection, until))

    def settle(self, place: Place, seller_id: str, at: datetime, by: str, *, switch: bool) -> SettledPlace:
        """Remember where invoices are issued from now on. Raises OtherPlaceError where that is another place than
        before and not to be switched, OtherSellerError where it is another seller."""
        return self._write(lambda connection: places.settle(connection, place, seller_id, at, by, switch=switch))

    def begun(self, place: Place, invoice_id: str, revision: int) -> Publication | None:
        """The publication of one revision of an invoice at a place, whatever its id; None where there is none."""
        return next(iter(self._publications(publications.of_invoice(place, invoice_id, revision))), None)

    def publication(self, publication_id: str) -> Publication | None:
        """One publication, None where there was never an intent."""
        return next(iter(self._publications(publications.with_id(publication_id))), None)

    def publications(self, period: str, until: datetime | None = None) -> tuple[Publication, ...]:
        """The publications, to any provider, of the invoices booked under a billing period, by id.

        With `until`: those that were begun until then, as they stood then.
        """
        condition = publications.of_period(period)
        return self._read(lambda connection: publications.publications(connection, condition, until=until))

    def publications_for(self, invoice_ids: Iterable[str], until: datetime | None = None) -> tuple[Publication, ...]:
        """The publications, to any provider, of some invoices, by id; `until`: as they stood then."""
        return self._read(lambda connection: publications.of_invoices(connection, invoice_ids, until))

    def publications_of(self, provider: str, account: str, mode: str) -> tuple[Publication, ...]:
        """Every publication to one mode of one provider's account, by id."""
        return self._publications(publications.of_account(provider, account, mode))

    def record_intent(self, intent: Intent, at: datetime) -> Publication:
        """The publication of `intent`, made if it is new; PublicationDiffersError where it exists otherwise."""
        return self._write(lambda connection: publications.record_intent(connection, intent, at))

    def record_draft(self, publication_id: str, provider_invoice_id: str, at: datetime) -> Publication:
        """Append that a draft of a publication stands at the provider; the publication as it now is."""
        return self._event(PublicationEvent(publication_id, EventState.DRAFT, provider_invoice_id, at))

    def record_abandoned(self, publication_id: str, provider_invoice_id: str, detail: str, at: datetime) -> Publication:
        """Append that a publication's draft is gone, and why; the next one is made under new idempotency keys."""
        return self._event(
            PublicationEvent(publication_id, EventState.ABANDONED, provider_invoice_id, at, detail=detail)
        )

    def record_issued(
        self, publication_id: str, provider_invoice_id: str, number: str | None, total: Decimal, at: datetime
    ) -> Publication:
        """Append that a publication is issued, with the provider's number and total in major units.

        The database refuses a second time.
        """
        return self._event(
            PublicationEvent(publication_id, EventState.ISSUED, provider_invoice_id, at, number=number, total=total)
        )

    def record_request(self, subject: str, step: str, at: datetime) -> Attempt:
        """Commit that a request is about to be sent; returns its id and the idempotency key to send it under."""
        return self._write(lambda connection: publications.record_request(connection, subject, step, at))

    def record_outcome(self, request_id: int, outcome: Outcome, detail: str, at: datetime) -> None:
        """Append how a request ended; `detail` is for people."""
        self._write(lambda connection: publications.record_outcome(connection, request_id, outcome, detail, at))

    def customer(self, key: CustomerKey) -> str | None:
        """The provider's id of a company's customer, None while it has none."""
        return self._read(lambda connection: publications.customer(connection, key))

    def put_customer(self, key: CustomerKey, provider_customer_id: str, at: datetime) -> None:
        """Map a company to a customer of the provider from now on; nothing is added where it is so already."""
        self._write(lambda connection: publications.put_customer(connection, key, provider_customer_id, at))

    def _publications(self, condition: ColumnElement[bool]) -> tuple[Publication, ...]:
        return self._read(lambda connection: publications.publications(connection, condition))

    def _event(self, event: PublicationEvent) -> Publication:
        return self._write(lambda connection: publications.record_event(connection, event))

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect().execution_options(ledger_reads=True) as connection:
            return work(connection)

    def _write(self, work: Callable[[Connection], T]) -> T:
        """Do `work` and commit it; once more where another process added the same rows meanwhile (PostgreSQL)."""
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except IntegrityError:
            with self._engine.begin() as connection:
                return work(connection)
