"""Stripe as a provider of invoices, through its official client. The only file that imports it, and only when used.

We rate and round: every line goes as a whole amount, with its own key in the metadata. Amounts, keys and limits:
https://docs.stripe.com/api/invoices, https://docs.stripe.com/api/idempotent_requests, https://docs.stripe.com/currencies.
"""

import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import SecretStr

from monetization_pipeline.customers.models import Company
from monetization_pipeline.datasets.invoice_fields import cut_words
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.protocol import (
    Document,
    DocumentLine,
    PermanentError,
    ProviderError,
    RemoteInvoice,
    RemoteLine,
    RemoteState,
    RetryableError,
    UnknownOutcomeError,
)
from monetization_pipeline.publishing.stripe.amounts import from_stripe, to_stripe
from monetization_pipeline.publishing.stripe.limits import MAX_NAME, check_company

if TYPE_CHECKING:
    import stripe

T = TypeVar("T")

_PAGE = 100
_RATE_LIMIT_TRIES = 5
_RATE_LIMIT_PAUSE_SECONDS = 0.5
_SANDBOX_KEY = "sk_test_sandbox"
_KEY_TEXT = re.compile(r"\b(?:sk|rk)_(?:live|test)_\w+")


class StripeSettingsError(MonetizeError):
    """Mode, key and address do not go together."""


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """Which Stripe to publish to.

    `sandbox`: the stand-in at `base_url`; a key is neither needed nor used. `test`: Stripe's test mode, with a test
    key. `live`: real invoices, with a live key. Raises StripeSettingsError for anything else; no message, repr or log
    holds the key.
    """

    mode: Literal["sandbox", "test", "live"]
    api_key: SecretStr | None = None
    base_url: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in ("sandbox", "test", "live"):
            raise StripeSettingsError(f"STRIPE_MODE is {self.mode!r}; write sandbox, test or live")
        if self.mode == "sandbox":
            if self.base_url is None:
                raise StripeSettingsError("mode sandbox needs the sandbox's address; start it and give its base_url")
            return
        if self.base_url is not None:
            raise StripeSettingsError(
                f"STRIPE_API_BASE is for a sandbox that runs already, and mode {self.mode} speaks to Stripe itself; "
                "remove it, or set STRIPE_MODE=sandbox"
            )
        key = self.api_key.get_secret_value() if self.api_key is not None else ""
        if not key.startswith((f"sk_{self.mode}_", f"rk_{self.mode}_")):
            other = "live" if self.mode == "test" else "test"
            what = f"a {other} key" if key.startswith((f"sk_{other}_", f"rk_{other}_")) else "no secret key"
            raise StripeSettingsError(
                f"mode {self.mode} needs a key that begins with sk_{self.mode}_ or rk_{self.mode}_, and the one given "
                f"is {what if key else 'empty'}; set STRIPE_API_KEY, or STRIPE_MODE"
            )

    def key(self) -> str:
        """The key to send, in clear."""
        if self.mode == "sandbox" or self.api_key is None:
            return _SANDBOX_KEY
        return self.api_key.get_secret_value()


def connect(account: Account) -> "StripeProvider":
    """Stripe as the seller's settings name it. Raises StripeSettingsError where they do not go together."""
    # StripeSettings itself refuses a mode that there is not.
    mode: Any = account.mode
    return StripeProvider(StripeSettings(mode, account.secret or None, account.address))


class StripeProvider:
    """The account that `settings` name, in one mode (`publishing.protocol.Provider`).

    `network_retries` is how often the client repeats a request that got no answer or a failure of Stripe's own, under
    the same idempotency key; requests over the rate limit are repeated here, after `pause` seconds.
    """

    def __init__(
        self, settings: StripeSettings, *, network_retries: int = 2, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings = settings
        self._network_retries = network_retries
        self._pause = pause
        self._api: Any = None
        self._account: str | None = None
        self._customers: dict[tuple[str, str], list[str]] | None = None

    def __repr__(self) -> str:
        return f"StripeProvider(mode={self.mode!r})"

    @property
    def name(self) -> str:
        """The provider's name: `stripe`."""
        return "stripe"

    @property
    def mode(self) -> str:
        """The mode that the settings name: `sandbox`, `test` or `live`."""
        return self._settings.mode

    @property
    def account(self) -> str:
        """Id of the account that the key belongs to."""
        if self._account is None:
            self._account = str(self._ask(lambda api: api.accounts.retrieve_current()).id)
        return self._account

    def customer_exists(self, provider_customer_id: str) -> bool:
        """Whether there is such a customer, not deleted."""
        found = self._ask_for(lambda api: api.customers.retrieve(provider_customer_id))
        return found is not None and not getattr(found, "deleted", False)

    def find_customer(self, seller_id: str, company_id: str) -> str | None:
        """The customer whose metadata say both ids. Stripe cannot filter by them, so all are listed once."""
        if self._customers is None:
            self._customers = {}
            for each in self._ask(lambda api: list(api.customers.list({"limit": _PAGE}).auto_paging_iter())):
                bears = _metadata(each)
                if "company_id" in bears:
                    ids = bears.get("seller_id", ""), bears["company_id"]
                    self._customers.setdefault(ids, []).append(str(each.id))
        found = self._customers.get((seller_id, company_id), [])
        if len(found) > 1:
            raise PermanentError(
                f"several Stripe customers ({', '.join(sorted(found))}) bear company_id {company_id!r} in their "
                "metadata; write the right one into the company's record as provider_customer_id"
            )
        return found[0] if found else None

    def create_customer(self, seller_id: str, company: Company, idempotency_key: str) -> str:
        """Make a customer that bears the seller's id, if there is one, and the company's."""
        check_company(company)
        seller = {"seller_id": seller_id} if seller_id else {}
        params: dict[str, Any] = {"metadata": seller | {"company_id": company.company_id}}
        # A name is for people to read; none is worth an invoice that cannot be issued.
        known = (("name", cut_words(company.name or "", MAX_NAME)), ("email", company.email))
        params |= {name: value for name, value in known if value}
        created = self._ask(lambda api: api.customers.create(params, {"idempotency_key": idempotency_key}))
        if self._customers is not None:
            self._customers.setdefault((seller_id, company.company_id), []).append(str(created.id))
        return str(created.id)

    def find(self, provider_customer_id: str, publish_key: str) -> Sequence[RemoteInvoice]:
        """The customer's invoices whose metadata bear the key, oldest first. Lists are consistent, search is not."""
        wanted = {"customer": provider_customer_id, "limit": _PAGE}
        every = self._ask(lambda api: list(api.invoices.list(wanted).auto_paging_iter()))
        found = [self._invoice(each) for each in every if _metadata(each).get("publish_key") == publish_key]
        return sorted(found, key=lambda each: (each.created_at, each.provider_invoice_id))

    def fetch(self, provider_invoice_id: str) -> RemoteInvoice | None:
        """The invoice as it now is, None where there is none."""
        found = self._ask_for(lambda api: api.invoices.retrieve(provider_invoice_id))
        return None if found is None or getattr(found, "deleted", False) else self._invoice(found)

    def create_draft(self, document: Document, idempotency_key: str) -> RemoteInvoice:
        """An empty draft: without the customer's pending items and discounts, and never advancing by itself."""
        params = {
            "customer": document.provider_customer_id,
            "currency": document.currency.lower(),
            "auto_advance": False,
            "pending_invoice_items_behavior": "exclude",
            "discounts": "",
            "metadata": {
                "publish_key": document.publish_key,
                "content_hash": document.content_hash,
                "invoice_id": document.invoice_id,
                "n_lines": str(len(document.lines)),
                "total": str(document.total),
            },
        }
        return self._invoice(self._ask(lambda api: api.invoices.create(params, {"idempotency_key": idempotency_key})))

    def add_lines(
        self, document: Document, provider_invoice_id: str, lines: Sequence[DocumentLine], idempotency_key: str
    ) -> None:
        """Add `lines`, MAX_LINES at most, in one request: Stripe adds all of them or none."""
        params = {"lines": [_line_params(line, document.currency) for line in lines]}
        options = {"idempotency_key": idempotency_key}
        self._ask(lambda api: api.invoices.add_lines(provider_invoice_id, params, options))

    def finalize(self, provider_invoice_id: str, idempotency_key: str) -> RemoteInvoice:
        """Make a draft final. It stays open: collecting the money is not started here."""
        options = {"idempotency_key": idempotency_key}
        params = {"auto_advance": False}
        return self._invoice(self._ask(lambda api: api.invoices.finalize_invoice(provider_invoice_id, params, options)))

    def cancel_draft(self, provider_invoice_id: str) -> None:
        """Delete a draft; Stripe refuses to delete anything else."""
        self._ask_for(lambda api: api.invoices.delete(provider_invoice_id))

    def _invoice(self, found: Any) -> RemoteInvoice:
        if bool(found.livemode) != (self.mode == "live"):
            raise PermanentError(
                f"Stripe's invoice {found.id} is {'live' if found.livemode else 'not live'}, and the mode is "
                f"{self.mode}; nothing more was sent. Check STRIPE_MODE and STRIPE_API_KEY"
            )
        currency, metadata = str(found.currency).upper(), _metadata(found)
        return RemoteInvoice(
            provider_invoice_id=str(found.id),
            provider_customer_id=str(found.customer),
            state=RemoteState(found.status),
            number=found.number,
            currency=currency,
            total=from_stripe(int(found.total), currency),
            publish_key=metadata.get("publish_key"),
            content_hash=metadata.get("content_hash"),
            created_at=datetime.fromtimestamp(int(found.created), UTC),
            lines=self._lines(found),
        )

    def _lines(self, found: Any) -> tuple[RemoteLine, ...]:
        """All lines: an invoice shows its first ten by itself."""
        listed = list(found.lines.data)
        if found.lines.has_more:
            page = {"limit": _PAGE}
            listed = self._ask(lambda api: list(api.invoices.line_items.list(found.id, page).auto_paging_iter()))
        return tuple(
            RemoteLine(_metadata(line).get("line_key"), from_stripe(int(line.amount), str(line.currency).upper()))
            for line in listed
        )

    def _ask_for(self, call: Callable[[Any], T]) -> T | None:
        """The answer to `call`, None where Stripe has no such object."""
        try:
            return self._ask(call)
        except _MissingError:
            return None

    def _ask(self, call: Callable[[Any], T]) -> T:
        """The answer to `call`, which gets Stripe's v1 services. Raises a ProviderError, whose text holds no key."""
        import stripe

        for attempt in range(1, _RATE_LIMIT_TRIES + 1):
            try:
                return call(self._services())
            except stripe.RateLimitError as error:
                if attempt == _RATE_LIMIT_TRIES:
                    raise RetryableError(self._text("Stripe's rate limit is reached; try again later", error)) from None
                # The client does not repeat these; jitter keeps several machines from coming back together.
                spread = 0.5 + secrets.randbelow(1000) / 1000
                self._pause(_RATE_LIMIT_PAUSE_SECONDS * 2 ** (attempt - 1) * spread)
            except stripe.StripeError as error:
                raise self._translated(error) from None
        raise AssertionError("the last attempt returns or raises")

    def _services(self) -> Any:
        import stripe

        if self._api is None:
            # It would write an id into the user's home and send how long requests took.
            stripe.enable_telemetry = False
            base = self._settings.base_url
            self._api = stripe.StripeClient(
                self._settings.key(),
                base_addresses={"api": base} if base is not None else None,
                max_network_retries=self._network_retries,
            )
        return self._api.v1

    def _translated(self, error: "stripe.StripeError") -> ProviderError:
        import stripe

        status = error.http_status or 0
        if isinstance(error, stripe.APIConnectionError):
            return UnknownOutcomeError(self._text("Stripe gave no answer; publish again", error), answered=False)
        if isinstance(error, stripe.IdempotencyError):
            return PermanentError(
                self._text("another request was made under the same key; was the program changed in between?", error)
            )
        if status == 409:
            return UnknownOutcomeError(
                self._text("the same request is still at work; wait a little", error), answered=False
            )
        if status >= 500 or isinstance(error, stripe.APIError):
            return UnknownOutcomeError(self._text("Stripe failed; publish again", error), answered=True)
        if isinstance(error, (stripe.AuthenticationError, stripe.PermissionError)):
            return PermanentError(self._text("Stripe does not accept the key; check STRIPE_API_KEY", error))
        if error.code == "resource_missing" and status == 404:
            return _MissingError(self._text("Stripe has no such object", error))
        return PermanentError(self._text("Stripe refuses the request", error))

    def _text(self, what: str, error: "stripe.StripeError") -> str:
        text = " ".join(str(error).split())
        return f"{what} ({_KEY_TEXT.sub('(key)', text.replace(self._settings.key(), '(key)'))})"


class _MissingError(PermanentError):
    """What was asked for by its id does not exist."""


def _metadata(found: Any) -> dict[str, str]:
    return dict(found.metadata.to_dict()) if getattr(found, "metadata", None) else {}


def _line_params(line: DocumentLine, currency: str) -> dict[str, Any]:
    start, end = int(line.period_start.timestamp()), int(line.period_end.timestamp())
    return {
        "amount": to_stripe(line.amount, currency),
        "description": line.description or line.line_key,
        "discountable": False,
        # Ours is half-open, Stripe's includes its end: without the second less, July would be shown up to 1 August.
        "period": {"start": start, "end": max(start, end - 1)},
        "metadata": {"line_key": line.line_key},
    }
