"""Draft invoices → booked and issued invoices."""

from dataclasses import dataclass
from datetime import datetime

from monetization_pipeline.clock import Clock
from monetization_pipeline.closing.gate import InvoiceState, Publishable, publishable
from monetization_pipeline.closing.limits import Limits
from monetization_pipeline.closing.opening import opened_ledger, opened_provider
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.protocol import Provider
from monetization_pipeline.publishing.publisher import PublishReport, publish
from monetization_pipeline.publishing.registry import registered
from monetization_pipeline.steps.known import Customers, Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.publications import record_publications


@dataclass(frozen=True, slots=True)
class PublishedPeriod:
    """What publishing a billing period did, and what it did not do with the rest (`gate.Publishable`)."""

    provider: str
    mode: str
    account: str
    report: PublishReport
    booked: tuple[str, ...]
    differing: tuple[InvoiceState, ...]
    not_taken: tuple[InvoiceState, ...]
    not_final: tuple[InvoiceState, ...]

    @property
    def complete(self) -> bool:
        """Whether every final invoice is booked and, if it is to be issued, issued."""
        return self.report.complete and not self.differing and not self.not_taken


def publish_to(pipeline: Pipeline, account: Account, month: str, *, clock: Clock, by: str) -> PublishedPeriod:
    """Book and issue a billing period's final invoices at an account.

    Raises PublishRefusedError where the gate is closed, UnknownProviderError, and a ProviderError where not even the
    account can be read.
    """
    with opened_ledger(pipeline) as ledger, opened_provider(pipeline, account) as provider:
        return publish_period(pipeline, ledger, provider, month, clock=clock, by=by)


def ready(pipeline: Pipeline, ledger: Ledger, provider: Provider, month: str, now: datetime) -> Publishable:
    """What publishing a billing period would do now with each invoice; nothing is booked or sent.

    Raises PublishRefusedError where the gate is closed, and a ProviderError where the account cannot be read.
    """
    known = Known.now(pipeline)
    limits = Limits(provider, ledger, known.customers.companies, pipeline.seller.issue_zero)
    return publishable(pipeline, known, ledger, month, now, not_taken=limits)


def publish_period(
    pipeline: Pipeline, ledger: Ledger, provider: Provider, month: str, *, clock: Clock, by: str
) -> PublishedPeriod:
    """Book every final invoice of a billing period that the provider can take, in one transaction; then issue them.

    Raises PublishRefusedError where the gate is closed, and a ProviderError where not even the account can be read,
    before anything is booked or sent.
    """
    now, account = clock(), provider.account
    found = ready(pipeline, ledger, provider, month, now)
    invoices = [state.invoice for state in found.final]
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
    )
    record_publications(pipeline, ledger, provider.name, to.invoices, month)
    return PublishedPeriod(
        provider.name,
        provider.mode,
        account,
        report,
        booked,
        differing=tuple(found.differing),
        not_taken=tuple(found.not_taken),
        not_final=tuple(found.not_final),
    )
