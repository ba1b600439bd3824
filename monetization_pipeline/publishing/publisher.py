"""Publish booked invoices: each becomes one final invoice at the provider, however often this is repeated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from monetization_pipeline.clock import Clock
from monetization_pipeline.customers.models import Company
from monetization_pipeline.datasets.invoice_fields import cut_words
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.invoicing.comparing import same_as_booked
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.errors import PublicationDiffersError
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.records import BookedInvoice, Intent, Publication, PublicationState
from monetization_pipeline.publishing.customers import company_of, ensure_customer
from monetization_pipeline.publishing.issuing import Issuing
from monetization_pipeline.publishing.keys import publish_key
from monetization_pipeline.publishing.protocol import (
    Document,
    DocumentLine,
    PermanentError,
    Provider,
    ProviderError,
    place_of,
)

# So many invoices in a row that failed for reasons of the network mean that the next one will, too.
_GIVE_UP_AFTER = 3

_NOBODY: Mapping[str, Company] = MappingProxyType({})


class NotBookedError(MonetizeError):
    """An invoice is to be issued that is not booked."""


class ContentChangedError(MonetizeError):
    """An invoice is to be issued that charges something else than is booked, or was begun with other content."""


#: What ends one invoice and not the run.
_OF_ONE_INVOICE = (ProviderError, NotBookedError, ContentChangedError, PublicationDiffersError)


@dataclass(frozen=True, slots=True)
class Failure:
    """An invoice that was not issued, and why."""

    invoice_id: str
    company_id: str
    error: MonetizeError

    @property
    def may_repeat(self) -> bool:
        """Whether publishing again, with nothing changed, may help."""
        return isinstance(self.error, ProviderError) and not isinstance(self.error, PermanentError)


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What publishing did. `zero` are ids of invoices of nothing, not to be issued; `not_tried` those of invoices that
    it did not come to, as the provider had failed several times in a row.
    """

    issued: tuple[Publication, ...]
    already_issued: tuple[Publication, ...]
    zero: tuple[str, ...]
    failed: tuple[Failure, ...]
    not_tried: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every invoice that is to be issued is issued."""
        return not self.failed and not self.not_tried


def publish(
    invoices: Sequence[Invoice],
    provider: Provider,
    ledger: Ledger,
    clock: Clock,
    *,
    limits: Callable[[Invoice], tuple[Decimal, ...]],
    companies: Mapping[str, Company] = _NOBODY,
    issue_zero: bool = False,
    seller_id: str = "",
) -> PublishReport:
    """Issue each of `invoices` at `provider`, as it is booked, unless it is issued already.

    `limits` gives each line's amount as the provider will show it (`registry.Limits`). `companies`, by company_id,
    give names, addresses and customer ids for those that have no customer yet; new keys name `seller_id`.

    One invoice's failure, be it that it is not booked or booked with other content, does not keep the others from being
    issued: it stands in the report, and publishing again goes on with it. Raises LedgerBusyError while another process
    publishes from the same ledger, and a ProviderError where not even the account can be read.
    """
    booked = ledger.booked(invoice.invoice_id for invoice in invoices)
    with ledger.lock("publish"):
        # An account that cannot be read is no invoice's failure.
        _ = provider.account
        run = _Run(Issuing(provider, ledger, clock, seller_id), limits, companies, issue_zero)
        return run.issue_all(invoices, booked)


@dataclass(frozen=True, slots=True)
class _Prepared:
    booked: BookedInvoice
    publish_key: str
    begun: Publication | None


@dataclass(frozen=True, slots=True)
class _Run:
    issuing: Issuing
    limits: Callable[[Invoice], tuple[Decimal, ...]]
    companies: Mapping[str, Company]
    issue_zero: bool

    def prepared(self, invoice: Invoice, booked: BookedInvoice | None) -> _Prepared:
        """An invoice as it is booked, and what is known of its publication.

        Raises NotBookedError, and ContentChangedError where it was booked or begun with other content.
        """
        if booked is None:
            raise NotBookedError(f"only booked invoices are issued, and {invoice.invoice_id} is not booked")
        if not same_as_booked(invoice, booked.invoice, booked.form):
            raise ContentChangedError(
                f"invoice {invoice.invoice_id} is booked with other content, nothing was sent; publish what is booked"
            )
        place, invoice_id = place_of(self.issuing.provider), invoice.invoice_id
        begun = self.issuing.ledger.begun(place, invoice_id, booked.revision)
        # What was begun keeps its key, whoever the seller was then.
        key = begun.publication_id if begun else publish_key(self.issuing.seller_id, place, invoice_id, booked.revision)
        if begun is not None and begun.intent.content_hash != booked.content_hash:
            raise ContentChangedError(
                f"invoice {invoice.invoice_id} was begun to be published with other content than is booked (publish "
                f"key {key}); nothing was sent. Neither ever changes: was the ledger edited, or put together from two?"
            )
        return _Prepared(booked, key, begun)

    def issue_all(self, invoices: Sequence[Invoice], booked: Mapping[str, BookedInvoice]) -> PublishReport:
        issued: list[Publication] = []
        already: list[Publication] = []
        zero: list[str] = []
        failed: list[Failure] = []
        unreachable = 0
        done = 0
        for invoice in invoices:
            if unreachable >= _GIVE_UP_AFTER:
                break
            done += 1
            try:
                each = self.prepared(invoice, booked.get(invoice.invoice_id))
                if each.begun is not None and each.begun.state is PublicationState.ISSUED:
                    already.append(each.begun)
                elif each.booked.invoice.total == 0 and not self.issue_zero:
                    zero.append(invoice.invoice_id)
                else:
                    issued.append(self.issue(each))
                    unreachable = 0
            except _OF_ONE_INVOICE as error:
                failure = Failure(invoice.invoice_id, invoice.company_id, error)
                failed.append(failure)
                unreachable = unreachable + 1 if failure.may_repeat else 0
        rest = tuple(invoice.invoice_id for invoice in invoices[done:])
        return PublishReport(tuple(issued), tuple(already), tuple(zero), tuple(failed), rest)

    def issue(self, each: _Prepared) -> Publication:
        provider, invoice = self.issuing.provider, each.booked.invoice
        amounts = self.limits(invoice)
        if each.begun is not None:
            customer_id = each.begun.intent.provider_customer_id
        else:
            customer_id = ensure_customer(self.issuing, company_of(invoice, self.companies))
        document = Document(
            publish_key=each.publish_key,
            content_hash=each.booked.content_hash,
            invoice_id=invoice.invoice_id,
            provider_customer_id=customer_id,
            currency=invoice.currency,
            lines=tuple(
                # What was booked before descriptions had a bound may be longer.
                DocumentLine(line.line_id, amount, cut_words(line.description), line.period_start, line.period_end)
                for line, amount in zip(invoice.lines, amounts, strict=True)
            ),
            total=sum(amounts, start=0 * invoice.total),
        )
        intent = Intent(
            publication_id=each.publish_key,
            provider=provider.name,
            account=provider.account,
            mode=provider.mode,
            invoice_id=invoice.invoice_id,
            revision=each.booked.revision,
            content_hash=each.booked.content_hash,
            provider_customer_id=customer_id,
            currency=invoice.currency,
            total=document.total,
        )
        return self.issuing.issue(intent, document)
