"""The ledger and the provider of a working folder, opened while they are needed."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from monetization_pipeline.closing.places import keep_seller
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.opening import open_ledger
from monetization_pipeline.publishing.accounts import SANDBOX, Account
from monetization_pipeline.publishing.protocol import Provider
from monetization_pipeline.publishing.registry import registered
from monetization_pipeline.steps.pipeline import Pipeline


@contextmanager
def opened_ledger(pipeline: Pipeline) -> Generator[Ledger, None, None]:
    """The working folder's ledger while the block runs.

    One that has published before sellers had ids is given the file that says so (`places.keep_seller`).
    """
    pipeline.home.kept.mkdir(parents=True, exist_ok=True)
    ledger = open_ledger(f"sqlite:///{pipeline.ledger_file}")
    try:
        if pipeline.main is None:
            keep_seller(ledger, pipeline.home)
        yield ledger
    finally:
        ledger.close()


@contextmanager
def opened_provider(pipeline: Pipeline, account: Account) -> Generator[Provider, None, None]:
    """An account's provider; for a sandbox without an address, the stand-in of this working folder is started.

    Raises UnknownProviderError, and what the provider says of an account that it cannot be reached with.
    """
    provider = registered(account.provider)
    if account.mode != SANDBOX or account.address is not None:
        yield provider.connect(account)
        return
    pipeline.home.sandbox.mkdir(parents=True, exist_ok=True)
    with provider.sandbox(pipeline.home.sandbox) as address:
        yield provider.connect(replace(account, address=address))
