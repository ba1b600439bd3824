"""Draft invoices → booked and issued invoices."""

from dataclasses import dataclass

from monetization_pipeline.clock import Clock
from monetization_pipeline.closing.gate import InvoiceState, publishable
from monetization_pipeline.closing.opening import opened_ledger, opened_provider
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.protocol import Provider
from monetization_pipeline.publishing.publisher import PublishReport, publish
from monetization_pipeline.publishing.registry import registered
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.publications import record_publications


@dataclass(frozen=True, slots=True)
class PublishedPeriod:
    """What publishing a billing period did. `differing` were left alone (`publishable`), `not_final` not due."""

    provider: str
    mode: str
    account: str
    report: PublishReport
    booked: tuple[str, ...]
    differing: tuple[InvoiceState, ...]
    not_final: tuple[InvoiceState, ...]

    @property
    def complete(self) -> bool:
        """Whether every final invoice is booked and, if it is to be issued, issued."""
        return self.report.complete and not self.differing


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

    Raises PublishRefusedError where the gate is closed, before anything is booked or sent.
    """
    known, now = Known.now(pipeline), clock()
    final, differing, not_final = publishable(pipeline, known, ledger, month, now)
    invoices = [state.invoice for state in final]
    to = registered(provider.name)
    booked = ledger.book(invoices, period=month, as_of=now, by=by, at=now, reason="publish")
    report = publish(
        invoices,
        provider,
        ledger,
        clock,
        limits=to.limits,
        companies=known.customers.companies,
        issue_zero=pipeline.seller.issue_zero,
    )
    record_publications(pipeline, ledger, provider.name, to.invoices, month)
    return PublishedPeriod(
        provider.name, provider.mode, provider.account, report, booked, tuple(differing), tuple(not_final)
    )
