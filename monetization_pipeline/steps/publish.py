"""Draft invoices → booked and issued invoices; and `stripe_invoices`, read back from the ledger."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from pydantic import SecretStr

from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.customers.models import Company
from monetization_pipeline.datasets import STRIPE_INVOICES
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.invoicing.models import Invoice, content_hash
from monetization_pipeline.invoicing.status import Booking, invoice_status, is_final
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.opening import open_ledger
from monetization_pipeline.ledger.records import BookedInvoice, Publication, PublicationState
from monetization_pipeline.publishing.protocol import Provider
from monetization_pipeline.publishing.publisher import PublishReport, publish
from monetization_pipeline.publishing.sandbox.server import start_sandbox
from monetization_pipeline.publishing.stripe import StripeProvider, StripeSettings
from monetization_pipeline.rating.ids import instant_text
from monetization_pipeline.steps import plan
from monetization_pipeline.steps.catalogs import read_catalog
from monetization_pipeline.steps.counts import count_period
from monetization_pipeline.steps.customers import read_companies
from monetization_pipeline.steps.invoices import read_invoices
from monetization_pipeline.steps.pipeline import CODE_VERSION, Pipeline
from monetization_pipeline.steps.tables import fingerprint_of, write_rows
from monetization_pipeline.steps.verdicts import schema_problems


class PublishRefusedError(MonetizeError):
    """The gate is closed: nothing was booked and nothing was sent."""


@dataclass(frozen=True, slots=True)
class InvoiceState:
    """An invoice as computed now, and where it stands. One that is booked but no longer computed has no lines."""

    invoice: Invoice
    status: str
    booked: BookedInvoice | None

    @property
    def differs(self) -> bool:
        """Whether it was booked with other content than is computed now."""
        return self.booked is not None and self.booked.content_hash != content_hash(self.invoice)


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


@contextmanager
def opened_ledger(pipeline: Pipeline) -> Iterator[Ledger]:
    """The working folder's ledger while the block runs."""
    pipeline.home.kept.mkdir(parents=True, exist_ok=True)
    ledger = open_ledger(f"sqlite:///{pipeline.ledger_file}")
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def stripe_provider(pipeline: Pipeline, mode: str, api_key: str, base_url: str | None) -> Iterator[Provider]:
    """Stripe in one mode; in mode `sandbox`, without an address, the stand-in of this working folder is started."""
    if mode == "sandbox" and base_url is None:
        pipeline.home.sandbox.mkdir(parents=True, exist_ok=True)
        with start_sandbox(pipeline.home.sandbox / "stripe.db") as started:
            yield StripeProvider(_stripe_settings(mode, api_key, started))
    else:
        yield StripeProvider(_stripe_settings(mode, api_key, base_url))


def invoice_states(
    pipeline: Pipeline, ledger: Ledger, month: str, now: datetime, *, inputs_complete: bool
) -> list[InvoiceState]:
    """Every invoice of a billing period, computed or booked, with its status as of `now`."""
    booked = {entry.invoice.invoice_id: entry for entry in ledger.booked_in(month, pipeline.as_of)}
    issued = {
        publication.intent.invoice_id
        for publication in ledger.publications(month, pipeline.as_of)
        if publication.state is PublicationState.ISSUED
    }
    computed = read_invoices(pipeline, month)
    known = {invoice.invoice_id for invoice in computed}
    gone = [_emptied(entry.invoice) for invoice_id, entry in booked.items() if invoice_id not in known]
    states: list[InvoiceState] = []
    for invoice in sorted([*computed, *gone], key=lambda each: (each.company_id, each.currency, each.bill_at)):
        entry = booked.get(invoice.invoice_id)
        booking = entry and Booking(entry.invoice.total, entry.content_hash, invoice.invoice_id in issued)
        status = invoice_status(invoice, booking, now, pipeline.seller.grace, inputs_complete=inputs_complete)
        states.append(InvoiceState(invoice, status, entry))
    return states


def gate_problems(pipeline: Pipeline, catalog: Catalog, month: str) -> list[str]:
    """Everything that forbids to publish a billing period; the same verdicts that the asset checks show."""
    problems = [f"{reason}; run `monetize run {month}`" for reason in plan.reasons(pipeline, catalog, month)]
    return problems or [*count_period(pipeline, month).problems, *schema_problems(pipeline)]


def publishable(
    pipeline: Pipeline, ledger: Ledger, month: str, now: datetime
) -> tuple[list[InvoiceState], list[InvoiceState], list[InvoiceState]]:
    """The invoices that can be published now, those to be left alone, and those that are not final.

    To be left alone is what is booked with other content, and what would charge again what another invoice charges: a
    subscription whose start moved after its fee in advance was booked has that fee under new ids.
    Raises PublishRefusedError where the gate is closed.
    """
    if pipeline.as_of is not None:
        instant = instant_text(pipeline.as_of)
        raise PublishRefusedError(f"{month} as of {instant} is a look back; nothing is published of it")
    problems = gate_problems(pipeline, read_catalog(pipeline), month)
    if problems:
        raise PublishRefusedError(f"{month} cannot be published, nothing was sent:\n" + "\n".join(problems))
    final: list[InvoiceState] = []
    differing: list[InvoiceState] = []
    not_final: list[InvoiceState] = []
    states = invoice_states(pipeline, ledger, month, now, inputs_complete=True)
    charged = ledger.overlapping([state.invoice for state in states if state.booked is None])
    for state in states:
        if state.differs:
            differing.append(state)
        elif state.booked is None and not is_final(
            state.invoice.bill_at, now, pipeline.seller.grace, inputs_complete=True
        ):
            not_final.append(state)
        elif other := charged.get(state.invoice.invoice_id):
            differing.append(replace(state, status=f"charged already in invoice {other}"))
        else:
            final.append(state)
    return final, differing, not_final


def publish_period(
    pipeline: Pipeline, ledger: Ledger, provider: Provider, month: str, *, now: datetime, by: str
) -> PublishedPeriod:
    """Book every final invoice of a billing period in one transaction, then issue those that are to be issued.

    Raises PublishRefusedError where the gate is closed, before anything is booked or sent.
    """
    final, differing, not_final = publishable(pipeline, ledger, month, now)
    invoices = [state.invoice for state in final]
    booked = ledger.book(invoices, period=month, as_of=now, by=by, at=now, reason="publish")
    report = publish(
        invoices,
        provider,
        ledger,
        lambda: datetime.now(UTC),
        companies=_companies(pipeline),
        issue_zero=pipeline.seller.issue_zero,
    )
    record_publications(pipeline, ledger, month)
    return PublishedPeriod(
        provider.name, provider.mode, provider.account, report, booked, tuple(differing), tuple(not_final)
    )


def record_publications(pipeline: Pipeline, ledger: Ledger, month: str) -> PartitionState:
    """Make `stripe_invoices` of a billing period from the ledger."""
    table = pipeline.lake.table(STRIPE_INVOICES)
    claim = table.claim([month])
    booked = {entry.invoice.invoice_id: entry.invoice for entry in ledger.booked_in(month)}
    rows = [_publication_row(publication, booked, month) for publication in ledger.publications(month)]
    path = table.new_path(month)
    write_rows(STRIPE_INVOICES, rows, path)
    with pipeline.engine.session() as session:
        fingerprint = fingerprint_of(session, STRIPE_INVOICES, [path])
    state = PartitionState(fingerprint, len(rows), code_version=CODE_VERSION)
    table.replace(claim, [NewFile(path, month, len(rows))], {month: state})
    return state


def totals(invoices: Sequence[Invoice]) -> Mapping[str, Decimal]:
    """Sum of the totals by currency."""
    sums: dict[str, Decimal] = {}
    for invoice in invoices:
        sums[invoice.currency] = sums.get(invoice.currency, Decimal(0)) + invoice.total
    return sums


def _publication_row(publication: Publication, booked: Mapping[str, Invoice], month: str) -> dict[str, object]:
    intent = publication.intent
    return {
        "publication_id": publication.publication_id,
        "invoice_id": intent.invoice_id,
        "company_id": booked[intent.invoice_id].company_id,
        "currency": intent.currency,
        "total": intent.total,
        "account": intent.account,
        "mode": intent.mode,
        "state": publication.state.value,
        "provider_invoice_id": publication.provider_invoice_id,
        "number": publication.number,
        "billing_period": month,
    }


def _stripe_settings(mode: str, api_key: str, base_url: str | None) -> StripeSettings:
    # StripeSettings itself refuses a mode that there is not.
    return StripeSettings(mode, SecretStr(api_key) if api_key else None, base_url)  # pyright: ignore[reportArgumentType]


def _companies(pipeline: Pipeline) -> Mapping[str, Company]:
    return {company.company_id: company for company in read_companies(pipeline) if company.valid_to is None}


def _emptied(invoice: Invoice) -> Invoice:
    return Invoice(
        invoice_id=invoice.invoice_id,
        company_id=invoice.company_id,
        subscription_id=invoice.subscription_id,
        currency=invoice.currency,
        bill_at=invoice.bill_at,
        lines=(),
        total=Decimal(0),
    )
