"""What the provider cannot take, found out before anything is booked: once booked, it could never be issued."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monetization_pipeline.customers.models import Company
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.records import CustomerKey, Place
from monetization_pipeline.publishing.customers import company_of
from monetization_pipeline.publishing.protocol import PermanentError
from monetization_pipeline.publishing.registry import registered


@dataclass(frozen=True, slots=True)
class Limits:
    """A provider's limits for a seller's invoices (`gate.NotTaken`); nobody is asked."""

    place: Place
    ledger: Ledger
    companies: Mapping[str, Company]
    issue_zero: bool

    def __call__(self, invoices: Sequence[Invoice]) -> Mapping[str, str]:
        """Those of `invoices` that cannot be issued: invoice_id → the reason. One of nothing is not to be issued."""
        found: dict[str, str] = {}
        for invoice in invoices:
            if invoice.total != 0 or self.issue_zero:
                try:
                    self._check(invoice)
                except PermanentError as error:
                    found[invoice.invoice_id] = str(error)
        return found

    def _check(self, invoice: Invoice) -> None:
        provider = registered(self.place.provider)
        provider.limits(invoice)
        company = company_of(invoice, self.companies)
        try:
            provider.new_customer(company)
        except PermanentError:
            if not self._has_customer(company):
                raise

    def _has_customer(self, company: Company) -> bool:
        """Whether none has to be made."""
        key = CustomerKey(self.place.provider, self.place.account, self.place.mode, company.company_id)
        return company.provider_customer_id is not None or self.ledger.customer(key) is not None
