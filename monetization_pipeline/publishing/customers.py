"""The customer at the provider that a company is billed as."""

from collections.abc import Mapping

from monetization_pipeline.customers.models import Company
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.records import CustomerKey
from monetization_pipeline.publishing.issuing import Issuing
from monetization_pipeline.publishing.keys import customer_key
from monetization_pipeline.publishing.protocol import PermanentError, place_of


def company_of(invoice: Invoice, companies: Mapping[str, Company]) -> Company:
    """The company that an invoice bills; one of which nothing is known has its id alone."""
    return companies.get(invoice.company_id) or Company(
        company_id=invoice.company_id,
        name=None,
        time_zone=None,
        provider_customer_id=None,
        email=None,
        metadata="{}",
        valid_from=None,
        valid_to=None,
    )


def ensure_customer(issuing: Issuing, company: Company) -> str:
    """The company's customer id: the one stated with the company, else the ledger's, else found there, else made.

    Found is one that bears the company's id and the seller's: another seller's is none of ours.
    Raises PermanentError where the stated customer does not exist, or several bear the company's id.
    """
    provider, ledger = issuing.provider, issuing.ledger
    key = CustomerKey(provider.name, provider.account, provider.mode, company.company_id)
    known = ledger.customer(key)
    stated = company.provider_customer_id
    if known is not None and stated in (None, known):
        return known
    if stated is not None:
        if not provider.customer_exists(stated):
            raise PermanentError(
                f"company {company.company_id!r} has provider_customer_id {stated!r}, and {provider.name} "
                f"({provider.account}, {provider.mode}) has no such customer; correct it in the company's record"
            )
        chosen = stated
    else:
        seller_id = issuing.seller_id
        chosen = provider.find_customer(seller_id, company.company_id) or issuing.sent(
            customer_key(seller_id, place_of(provider), company.company_id),
            "customer",
            lambda idempotency_key: provider.create_customer(seller_id, company, idempotency_key),
        )
    ledger.put_customer(key, chosen, issuing.clock())
    return chosen
