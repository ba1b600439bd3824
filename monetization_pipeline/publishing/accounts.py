"""Where invoices are published: one mode of a provider's account."""

from dataclasses import dataclass

from pydantic import SecretStr

SANDBOX = "sandbox"
_NO_SECRET = SecretStr("")


@dataclass(frozen=True, slots=True)
class Account:
    """What the seller says of it: `provider` is a name of `registry.PROVIDERS`, `mode` one of the provider's.

    `secret` is the key that it is reached with, and shows in no repr; empty where the mode needs none. `address` is
    that of the provider's API where it is not its usual one.
    """

    provider: str
    mode: str = SANDBOX
    secret: SecretStr = _NO_SECRET
    address: str | None = None
