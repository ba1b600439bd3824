"""Every provider of invoices, by name. The only module that imports a provider's folder.

To add one: a folder `publishing/<name>/` with what the protocol asks for, a stand-in of it in `publishing/sandbox/`,
and a row here. Its asset and its job follow from the row. Its dataset stands in `datasets/`; its settings are read
under its name (`settings.py`: `STRIPE_MODE`), and `.env.example` lists them.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from monetization_pipeline.customers.models import Company
from monetization_pipeline.datasets import ALL, STRIPE_INVOICES, DatasetSpec
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.protocol import Provider

#: The amount of each line of an invoice as a provider will show it, in major units.
Limits = Callable[[Invoice], tuple[Decimal, ...]]


def any_company(_: Company) -> None:
    """A customer can be made of any company."""


class UnknownProviderError(MonetizeError):
    """A provider that there is not."""


@dataclass(frozen=True, slots=True)
class Registered:
    """One provider. `title` is its name to people, `invoices` the dataset of what was published to it.

    `connect` makes a provider of an account; nothing is asked of it yet. `limits` raises PermanentError, without asking
    the provider, for an invoice that it cannot show at all, `new_customer` for a company that no customer can be made
    of. `sandbox` starts the stand-in, with its state in a folder, and yields its address while the block runs.
    """

    name: str
    title: str
    invoices: DatasetSpec
    connect: Callable[[Account], Provider]
    limits: Limits
    sandbox: Callable[[Path], AbstractContextManager[str]]
    new_customer: Callable[[Company], None] = any_company


# Clients and stand-ins take long to import, and most commands need none.


def _stripe(account: Account) -> Provider:
    from monetization_pipeline.publishing.stripe.provider import connect

    return connect(account)


def _stripe_limits(invoice: Invoice) -> tuple[Decimal, ...]:
    from monetization_pipeline.publishing.stripe.limits import shown_amounts

    return shown_amounts(invoice)


def _stripe_new_customer(company: Company) -> None:
    from monetization_pipeline.publishing.stripe.limits import check_company

    check_company(company)


def _stripe_sandbox(folder: Path) -> AbstractContextManager[str]:
    from monetization_pipeline.publishing.sandbox.server import start_stripe_sandbox

    return start_stripe_sandbox(folder / "stripe.db")


PROVIDERS: dict[str, Registered] = {
    each.name: each
    for each in (
        Registered("stripe", "Stripe", STRIPE_INVOICES, _stripe, _stripe_limits, _stripe_sandbox, _stripe_new_customer),
    )
}


def registered(name: str) -> Registered:
    """The provider of that name. Raises UnknownProviderError."""
    if name not in PROVIDERS:
        raise UnknownProviderError(
            f"there is no provider {name!r}; set MONETIZATION_PROVIDER to one of: {', '.join(PROVIDERS)}"
        )
    return PROVIDERS[name]


def every_dataset() -> tuple[DatasetSpec, ...]:
    """All datasets of the lake, those of every provider among them."""
    return (*ALL, *(each.invoices for each in PROVIDERS.values()))
