"""Draft invoices → booked and issued invoices."""

from dataclasses import dataclass
from datetime import datetime

from monetization_pipeline.clock import Clock
from monetization_pipeline.closing import places
from monetization_pipeline.closing.gate import InvoiceState, Publishable, publishable
from monetization_pipeline.closing.limits import Limits
from monetization_pipeline.closing.opening import opened_ledger, opened_provider
from monetization_pipeline.closing.places import AS_BEFORE, Wish
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.records import Place
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.protocol import Provider
from monetization_pipeline.publishing.publisher import PublishReport, publish
from monetization_pipeline.publishing.registry import registered
from monetization_pipeline.steps.known import Customers, Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.publications import record_publications


@dataclass(frozen=True, slots=True)
class Ready:
    """What publishing a billing period at a place would do now.

    `before_switch` were booked before the folder was switched to this place. They are left alone, unless they are
    wished for: then they stand among those of `found` that are final.
    """

    place: Place
    found: Publishable
    before_switch: tuple[InvoiceState, ...]


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What publishing a billing period would do, or why it cannot be published now."""

    place: Place
    ready: Ready | None
    refused: str


@dataclass(frozen=True, slots=True)
class PublishedPeriod:
    """What publishing a billing period did, and what it did not do with the rest (`gate.Publishable`, `Ready`)."""

    place: Place
    report: PublishReport
    booked: tuple[str, ...]
    differing: tuple[InvoiceState, ...]
    not_taken: tuple[InvoiceState, ...]
    not_final: tuple[InvoiceState, ...]
    before_switch: tuple[InvoiceState, ...]

    @property
    def complete(self) -> bool:
        """Whether every final invoice is booked and, if it is to be issued, issued."""
        return self.report.complete and not self.differing and not self.not_taken


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
        return ready(pipeline, ledger, places.reach(ledger, provider, wish), month, now, wish=wish)


def ready(
    pipeline: Pipeline, ledger: Ledger, place: Place, month: str, now: datetime, *, wish: Wish = AS_BEFORE
) -> Ready:
    """What publishing a billing period at a place would do now with each invoice; nobody is asked.

    Raises OtherPlaceError and OtherSellerError (`places.check`), PublishRefusedError where the gate is closed, and
    BookedBeforeError.
    """
    places.check(ledger, pipeline.home, place, wish)
    known, issue_zero = Known.now(pipeline), pipeline.seller.issue_zero
    limits = Limits(place, ledger, known.customers.companies, issue_zero)
    found = publishable(pipeline, known, ledger, month, now, place=place, not_taken=limits)
    held = places.before_switch(ledger, place, found.final, issue_zero=issue_zero)
    places.check_booked_before(held, wish)
    if not wish.booked_before:
        left = {state.invoice.invoice_id for state in held}
        found = found._replace(final=[state for state in found.final if state.invoice.invoice_id not in left])
    return Ready(place, found, tuple(held))


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
            return ReadBack(place, ready(pipeline, ledger, place, month, now), "")
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
    sent.
    """
    now = clock()
    todo = ready(pipeline, ledger, places.reach(ledger, provider, wish), month, now, wish=wish)
    invoices = [state.invoice for state in todo.found.final]
    seller_id = ""
    if invoices or wish.switch_account:
        seller_id = places.settle(ledger, pipeline.home, todo.place, wish, at=now, by=by).seller_id
    to = registered(provider.name)
    booked = ledger.book(invoices, period=month, as_of=now, by=by, at=now, reason="publish")
    report = publish(
        invoices,
        provider,
        ledger,
        clock,
        limits=to.limits,
        companies=Customers(pipeline).companies,
        issue_zero=pipeline.seller.issue_zero,
        seller_id=seller_id,
    )
    record_publications(pipeline, ledger, provider.name, to.invoices, month)
    return PublishedPeriod(
        todo.place,
        report,
        booked,
        differing=tuple(todo.found.differing),
        not_taken=tuple(todo.found.not_taken),
        not_final=tuple(todo.found.not_final),
        before_switch=() if wish.booked_before else todo.before_switch,
    )
