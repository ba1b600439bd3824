"""Live is explicit, and no text ever holds the key."""

import traceback
from typing import Any, cast

import pytest
from pydantic import SecretStr

from monetization_pipeline.publishing.protocol import PermanentError, UnknownOutcomeError
from monetization_pipeline.publishing.stripe.provider import StripeProvider, StripeSettings, StripeSettingsError

LIVE, TEST = "sk_live_51Mvh3rYs3cr3t", "sk_test_51Mvh3rYs3cr3t"


def make(mode: str, key: str | None = None, base_url: str | None = None) -> StripeSettings:
    return StripeSettings(
        mode=cast("Any", mode), api_key=SecretStr(key) if key is not None else None, base_url=base_url
    )


@pytest.mark.parametrize(
    ("mode", "key"),
    [("live", LIVE), ("live", "rk_live_1"), ("test", TEST), ("test", "rk_test_1")],
)
def test_a_mode_takes_its_own_keys(mode: str, key: str) -> None:
    assert make(mode, key).key() == key


@pytest.mark.parametrize(
    ("mode", "key", "base_url", "says"),
    [
        ("test", LIVE, None, "is a live key"),
        ("test", "rk_live_1", None, "is a live key"),
        ("live", TEST, None, "is a test key"),
        ("live", None, None, "is empty"),
        ("test", "", None, "is empty"),
        ("test", "pk_test_1", None, "no secret key"),
        ("production", LIVE, None, "write sandbox, test or live"),
        ("live", LIVE, "http://127.0.0.1:1", "STRIPE_API_BASE is for a sandbox"),
        ("test", TEST, "http://127.0.0.1:1", "STRIPE_API_BASE is for a sandbox"),
        ("sandbox", TEST, None, "needs the sandbox's address"),
    ],
)
def test_what_does_not_go_together_is_refused(mode: str, key: str | None, base_url: str | None, says: str) -> None:
    with pytest.raises(StripeSettingsError) as caught:
        make(mode, key, base_url)
    assert says in str(caught.value)
    assert not key or key not in str(caught.value)


def test_the_sandbox_never_gets_the_key_that_lies_around() -> None:
    assert make("sandbox", LIVE, "http://127.0.0.1:1").key() == "sk_test_sandbox"


def test_no_repr_holds_the_key() -> None:
    settings = make("live", LIVE)
    for text in (repr(settings), str(settings), repr(StripeProvider(settings)), str(vars(StripeProvider(settings)))):
        assert LIVE not in text
        assert "s3cr3t" not in text


def to_sandbox(base_url: str, key: str) -> StripeProvider:
    """A provider that sends `key` to the sandbox, as no settings allow."""
    settings = make("sandbox", key, base_url)
    provider = StripeProvider(make("live" if "live" in key else "test", key), network_retries=0)
    object.__setattr__(provider._settings, "base_url", settings.base_url)
    return provider


def test_no_error_holds_the_key_also_where_the_provider_repeats_it(sandbox: Any) -> None:
    with pytest.raises(PermanentError, match="check STRIPE_API_KEY") as caught:
        print(to_sandbox(sandbox.base_url, LIVE).account)
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
    provider = StripeProvider(make("test", TEST))
    echoed = provider._text("what", cast("Any", Exception(f"you sent {TEST} and sk_live_other")))
    assert echoed == "what (you sent (key) and (key))"


def test_an_invoice_of_another_mode_than_asked_for_stops(sandbox: Any) -> None:
    customer = sandbox.post("/v1/customers").json()["id"]
    made = sandbox.post("/v1/invoices", customer=customer).json()["id"]
    provider = to_sandbox(sandbox.base_url, TEST)
    object.__setattr__(provider._settings, "mode", "live")
    with pytest.raises(PermanentError, match="is not live, and the mode is live"):
        provider.fetch(made)


def test_an_address_where_nobody_listens_is_an_unknown_outcome() -> None:
    provider = StripeProvider(make("sandbox", None, "http://127.0.0.1:1"), network_retries=0)
    with pytest.raises(UnknownOutcomeError, match="Stripe gave no answer"):
        print(provider.account)
