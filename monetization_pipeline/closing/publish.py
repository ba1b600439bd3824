"""Draft invoices → booked and issued invoices."""

from dataclasses import dataclass
from datetime import datetime

from monetization_pipeline.clock import Clock
from monetization_pipeline.closing import places
from monetization_pipeline.closing.books import Books
from monetization_pipeline.closing.deciding import Cause, Decided, Does
from monetization_pipeline.closing.gate import Decision, decide_period
from monetization_pipeline.closing.limits import Limits
from monetization_pipeline.closing.opening import opened_ledger, opened_provider
from monetization_pipeline.closing.wishes import AS_BEFORE, Wish
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ledger.errors import LedgerMovedError
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.records import Place
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.protocol import Provider
from monetization_pipeline.publishing.publisher import PublishReport, publish
from monetization_pipeline.publishing.registry import registered
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.publications import record_publications

#: How often it is decided anew, where other processes book at the same time.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Ready:
    """What publishing a billing period at a place would do now."""

    place: Place
    decision: Decision


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What publishing a billing period would do, or why it cannot be published now."""

    place: Place
    ready: Ready | None
    refused: str


@dataclass(frozen=True, slots=True)
class PublishedPeriod:
    """What publishing a billing period did: `decision` says of each invoice what was to be done, and why."""

    place: Place
    report: PublishReport
    booked: tuple[str, ...]
    decision: Decision

    @property
    def left_alone(self) -> list[Decided]:
        """Invoices that were left to somebody to decide."""
        return self.decision.that(Does.LEAVE)

    @property
    def complete(self) -> bool:
        """Whether every final invoice is booked as it is computed and, if it is to be issued, issued.

        What was booked before the folder was switched to another place is not to be issued at this one.
        """
        left = len(self.left_alone) - len(self.decision.because(Cause.BEFORE_SWITCH))
        differs = any(each.state.differs for each in self.decision.invoices)
        return self.report.complete and not left and not differs and not self.decision.set_aside


def publish_to(
    pipeline: Pipeline, account: Account, month: str, *, clock: Clock, by: str, wish: Wish = AS_BEFORE
) -> PublishedPeriod:
    """Book and issue a billing period's final invoices at an account.

    Raises what `publish_period` does, and UnknownProviderError.
    """
    with opened_ledger(pipeline) as ledger, opened_provider(pipeline, account) as provider:
        return publish_period(pipeline, ledger, provider, month, clock=clock, by=by, wish=wish)


def look_at(pipeline: Pipeline, account: Account, month: str, now: datetime, wish: Wish = AS_BEFORE) -> Ready:
    """What publishing a billing period at an account would do now; only whose account it is, is asked.

    Raises what publishing would raise before anything is booked.
    """
    with opened_ledger(pipeline) as ledger, opened_provider(pipeline, account) as provider:
        books = Books(pipeline, Known.now(pipeline), ledger)
        return ready(books, places.reach(ledger, provider, wish), month, now, wish=wish)


def ready(books: Books, place: Place, month: str, now: datetime, *, wish: Wish = AS_BEFORE) -> Ready:
    """What publishing a billing period at a place would do now with each invoice; nobody is asked.

    Raises OtherPlaceError and OtherSellerError (`places.check`), PublishRefusedError where the gate is closed, and
    BookedBeforeError.
    """
    pipeline, ledger = books.pipeline, books.ledger
    places.check(ledger, pipeline.home, place, wish)
    limits = Limits(place, ledger, books.known.customers.companies, pipeline.seller.issue_zero)
    decision = decide_period(books, month, now, place=place, not_taken=limits, wish=wish)
    return Ready(place, places.as_wished(places.before_switch(ledger, place, decision), wish))


def read_back(pipeline: Pipeline, account: Account, month: str, now: datetime) -> ReadBack:
    """Make a billing period of what was published from the ledger, and see what publishing would do; nobody is asked.

    Whose account it is, is taken to be as before.
    """
    provider = registered(account.provider)
    with opened_ledger(pipeline) as ledger:
        known = [each.place for each in ledger.places()]
        as_before = known and (known[-1].provider, known[-1].mode) == (account.provider, account.mode)
        place = known[-1] if as_before else Place(account.provider, account.mode, "")
        record_publications(pipeline, ledger, provider.name, provider.invoices, month)
        try:
            return ReadBack(place, ready(Books(pipeline, Known.now(pipeline), ledger), place, month, now), "")
        except MonetizeError as error:
            return ReadBack(place, None, str(error))


def publish_period(
    pipeline: Pipeline,
    ledger: Ledger,
    provider: Provider,
    month: str,
    *,
    clock: Clock,
    by: str,
    wish: Wish = AS_BEFORE,
) -> PublishedPeriod:
    """Book every final invoice of a billing period that the provider can take, in one transaction; then issue them.

    Raises what `ready` does, and a ProviderError where not even the account can be read, before anything is booked or
    sent; LedgerMovedError where other processes keep booking meanwhile.
    """
    books = Books(pipeline, Known.now(pipeline), ledger)
    place = places.reach(ledger, provider, wish)
    for _ in range(_TRIES - 1):
        try:
            return _publish(books, provider, place, month, clock=clock, by=by, wish=wish)
        except LedgerMovedError:
            continue
    return _publish(books, provider, place, month, clock=clock, by=by, wish=wish)


def _publish(
    books: Books, provider: Provider, place: Place, month: str, *, clock: Clock, by: str, wish: Wish
) -> PublishedPeriod:
    pipeline, ledger, now = books.pipeline, books.ledger, clock()
    decision = ready(books, place, month, now, wish=wish).decision
    invoices = [each.invoice for each in decision.going]
    seller_id = ""
    if invoices or wish.switch_account:
        seller_id = places.settle(ledger, pipeline.home, place, wish, at=now, by=by).seller_id
    booked = ledger.book(
        invoices,
        period=month,
        as_of=now,
        by=by,
        at=now,
        reason="publish",
        charged_for=decision.charged_for,
        seen=decision.seen,
    )
    to = registered(provider.name)
    report = publish(
        invoices,
        provider,
        ledger,
        clock,
        limits=to.limits,
        companies=books.known.customers.companies,
        issue_zero=pipeline.seller.issue_zero,
        seller_id=seller_id,
    )
    for period in sorted({month, *(each.state.booked.billing_period for each in decision.going if each.state.booked)}):
        record_publications(pipeline, ledger, provider.name, to.invoices, period)
    return PublishedPeriod(place, report, booked, decision)
