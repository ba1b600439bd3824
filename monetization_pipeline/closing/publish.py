"""Draft invoices → booked and issued invoices."""

from dataclasses import dataclass

from monetization_pipeline.clock import Clock
from monetization_pipeline.closing.books import Books
from monetization_pipeline.closing.deciding import Decided, Does
from monetization_pipeline.closing.gate import Decision, decide_period
from monetization_pipeline.closing.opening import opened_ledger, opened_provider
from monetization_pipeline.ledger.errors import LedgerMovedError
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.protocol import Provider
from monetization_pipeline.publishing.publisher import PublishReport, publish
from monetization_pipeline.publishing.registry import registered
from monetization_pipeline.steps.invoices import SetAside
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.publications import record_publications

#: How often it is decided anew, where other processes book at the same time.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class PublishedPeriod:
    """What publishing a billing period did: `decision` says of each invoice what was to be done, and why."""

    provider: str
    mode: str
    account: str
    report: PublishReport
    booked: tuple[str, ...]
    decision: Decision

    @property
    def left_alone(self) -> list[Decided]:
        """Invoices that were left to somebody to decide."""
        return self.decision.that(Does.LEAVE)

    @property
    def not_final(self) -> list[Decided]:
        """Invoices that are not final yet."""
        return self.decision.that(Does.WAIT)

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """Invoices that are not made, as lines of them cannot be rated."""
        return self.decision.set_aside

    @property
    def complete(self) -> bool:
        """Whether every final invoice is booked as it is computed and, if it is to be issued, issued."""
        differs = any(each.state.differs for each in self.decision.invoices)
        return self.report.complete and not differs and not self.left_alone and not self.set_aside


def publish_to(pipeline: Pipeline, account: Account, month: str, *, clock: Clock, by: str) -> PublishedPeriod:
    """Book and issue a billing period's final invoices at an account.

    Raises PublishRefusedError where the gate is closed, UnknownProviderError, and a ProviderError where not even the
    account can be read.
    """
    with opened_ledger(pipeline) as ledger, opened_provider(pipeline, account) as provider:
        return publish_period(pipeline, ledger, provider, month, clock=clock, by=by)


def publish_period(
    pipeline: Pipeline, ledger: Ledger, provider: Provider, month: str, *, clock: Clock, by: str
) -> PublishedPeriod:
    """Book every final invoice of a billing period in one transaction, then issue those that are to be issued.

    Raises PublishRefusedError where the gate is closed, before anything is booked or sent, and LedgerMovedError where
    other processes keep booking meanwhile.
    """
    to = registered(provider.name)
    books = Books(pipeline, Known.now(pipeline), ledger)
    decision, booked = _book(books, month, clock, by)
    invoices = [each.invoice for each in decision.invoices if each.goes]
    report = publish(
        invoices,
        provider,
        ledger,
        clock,
        limits=to.limits,
        companies=books.known.customers.companies,
        issue_zero=pipeline.seller.issue_zero,
    )
    for period in sorted({month, *_booked_under(decision)}):
        record_publications(pipeline, ledger, provider.name, to.invoices, period)
    return PublishedPeriod(provider.name, provider.mode, provider.account, report, booked, decision)


def _book(books: Books, month: str, clock: Clock, by: str) -> tuple[Decision, tuple[str, ...]]:
    """Decide, and book what was decided; anew where another process booked in between."""
    for left in reversed(range(_TRIES)):
        now = clock()
        decision = decide_period(books, month, now)
        try:
            booked = books.ledger.book(
                [each.invoice for each in decision.invoices if each.goes],
                period=month,
                as_of=now,
                by=by,
                at=now,
                reason="publish",
                charged_for=decision.charged_for,
                seen=decision.seen,
            )
        except LedgerMovedError:
            if not left:
                raise
        else:
            return decision, booked
    raise AssertionError("unreachable")


def _booked_under(decision: Decision) -> set[str]:
    """Other billing periods that invoices of this one are booked under."""
    return {each.state.booked.billing_period for each in decision.invoices if each.goes and each.state.booked}
