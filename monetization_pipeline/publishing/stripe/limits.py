"""What Stripe cannot take, known without asking it: of invoices, and of companies that no customer can be made of.

Source: the docstrings of the official client (`InvoiceItem.create`: items of an invoice; `CustomerCreateParams`: names,
emails), https://docs.stripe.com/api/metadata, https://docs.stripe.com/currencies, read in November 2026.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from monetization_pipeline.customers.models import Company
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.money import plain
from monetization_pipeline.publishing.protocol import PermanentError
from monetization_pipeline.publishing.stripe.amounts import digits, is_documented, showable

#: Lines that one Stripe invoice holds at most.
MAX_LINES = 250

#: Characters of a value in metadata, of a customer's name and of an email address.
MAX_METADATA_VALUE, MAX_NAME, MAX_EMAIL = 500, 150, 512

#: Digits of an amount in Stripe's minor units: for no currency is a payment documented that has more.
MAX_DIGITS = 12

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def shown_amounts(invoice: Invoice) -> tuple[Decimal, ...]:
    """The lines' amounts as Stripe can show them; PermanentError for an invoice that it cannot take."""
    if not is_documented(invoice.currency):
        raise PermanentError(f"Stripe does not document how it takes {invoice.currency}; bill it elsewhere")
    if not 1 <= len(invoice.lines) <= MAX_LINES:
        raise PermanentError(
            f"it has {len(invoice.lines)} lines; a Stripe invoice has 1 to {MAX_LINES}. "
            "Group usage by fewer dimensions, or bill some subscriptions to a company of their own"
        )
    if invoice.total < 0:
        raise PermanentError(f"it has a total of {invoice.total} {invoice.currency}; an invoice is never below 0")
    shown = showable([line.amount for line in invoice.lines], invoice.currency)
    _check_digits(shown, invoice.currency)
    return shown


def check_company(company: Company) -> None:
    """PermanentError for a company that Stripe takes no customer of."""
    by_hand = "make a customer by hand and write its id into the company's record as provider_customer_id"
    if len(company.company_id) > MAX_METADATA_VALUE:
        raise PermanentError(
            f"company_id {company.company_id[:40]!r}… is longer than the {MAX_METADATA_VALUE} characters that Stripe's "
            f"metadata hold; {by_hand}"
        )
    email = company.email or ""
    if email and (len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email)):
        raise PermanentError(
            f"the email {email[:40]!r} of company {company.company_id!r} is no address of at most {MAX_EMAIL} "
            f"characters; correct it in the company's record, or {by_hand}"
        )


def _check_digits(amounts: Sequence[Decimal], currency: str) -> None:
    too_large = Decimal(1).scaleb(MAX_DIGITS - digits(currency))
    for amount in (*amounts, sum(amounts, Decimal(0))):
        if abs(amount) >= too_large:
            raise PermanentError(
                f"it has an amount of {plain(amount)} {currency}, with more than the {MAX_DIGITS} digits that Stripe "
                "documents for any currency; look at the quantity and the price"
            )
