"""A sandbox that speaks HTTP, ledgers, and invoices to publish."""

import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from monetization_pipeline.invoicing.models import Invoice, InvoiceLine
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.opening import open_ledger
from monetization_pipeline.publishing.publisher import PublishReport, publish
from monetization_pipeline.publishing.sandbox.server import start_stripe_sandbox
from monetization_pipeline.publishing.stripe.limits import shown_amounts
from monetization_pipeline.publishing.stripe.provider import StripeProvider, StripeSettings

START, END = datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 8, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox, as a test looks at it and steers it."""

    base_url: str
    http: httpx.Client

    def get(self, path: str, **params: Any) -> Any:
        return self.http.get(path, params=params).raise_for_status().json()

    def post(self, path: str, **data: Any) -> httpx.Response:
        return self.http.post(path, data=data)

    def fault(self, **order: Any) -> None:
        self.http.post("/sandbox/faults", json=order).raise_for_status()

    def forget_keys(self) -> None:
        self.http.post("/sandbox/forget_keys").raise_for_status()

    def calls(self, method: str = "") -> list[dict[str, Any]]:
        return [call for call in self.get("/sandbox/calls")["calls"] if call["method"].startswith(method)]

    def customers(self) -> list[dict[str, Any]]:
        return self.get("/v1/customers", limit=100)["data"]

    def invoices(self) -> list[dict[str, Any]]:
        return self.get("/v1/invoices", limit=100)["data"]

    def lines(self, invoice_id: str) -> dict[str, int]:
        """Amount of each line by its key."""
        every = self.get(f"/v1/invoices/{invoice_id}/lines", limit=100)["data"]
        found = {line["metadata"].get("line_key", line["id"]): line["amount"] for line in every}
        assert len(found) == len(every), "a line key stands twice"
        return found

    def provider(self, **options: Any) -> StripeProvider:
        """A provider as a new process would make it, that does not wait."""
        settings = StripeSettings(mode="sandbox", base_url=self.base_url)
        return StripeProvider(settings, **({"network_retries": 0, "pause": lambda seconds: None} | options))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Sandbox, None, None]:
    key = {"authorization": "Bearer sk_test_x"}
    with (
        start_stripe_sandbox(tmp_path_factory.mktemp("sandbox") / "stripe.db") as base_url,
        httpx.Client(base_url=base_url, headers=key, trust_env=False) as http,
    ):
        yield Sandbox(base_url, http)


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """An empty sandbox."""
    running.http.post("/sandbox/reset").raise_for_status()
    return running


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "empty.db"
    open_ledger(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def ledger(empty_ledger: Path, tmp_path: Path) -> Generator[Ledger, None, None]:
    path = shutil.copy(empty_ledger, tmp_path / "ledger.db")
    with closing(open_ledger(f"sqlite:///{path}")) as opened:
        yield opened


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """A clock that goes on by a second each time it is read."""
    seconds = count()
    return lambda: END + timedelta(days=2, seconds=next(seconds))


@pytest.fixture
def make_invoice() -> Callable[..., Invoice]:
    """An invoice of July 2023 from the amounts of its lines."""

    def make(company_id: str = "acme", amounts: Sequence[str] = ("1.01", "99.00"), currency: str = "USD") -> Invoice:
        lines = tuple(
            InvoiceLine(
                line_id=f"ln_{company_id}_{currency}_{position}",
                subscription_id=f"sub_{company_id}",
                price_id=f"price_{position}",
                meter_id="api_calls",
                period_start=START,
                period_end=END,
                quantity=Decimal(10),
                amount=Decimal(amount),
                exact_amount=Decimal(amount),
                description=f"API calls {position}",
            )
            for position, amount in enumerate(amounts)
        )
        total = sum((line.amount for line in lines), start=Decimal(0))
        return Invoice(f"in_{company_id}_{currency}", company_id, f"sub_{company_id}", currency, END, lines, total)

    return make


@pytest.fixture
def booked(ledger: Ledger) -> Callable[..., list[Invoice]]:
    """Books invoices and gives them back."""

    def book(*invoices: Invoice) -> list[Invoice]:
        ledger.book(invoices, period="2023-07", as_of=END, by="tester", at=END)
        return list(invoices)

    return book


@pytest.fixture
def publish_all(sandbox: Sandbox, ledger: Ledger, clock: Callable[[], datetime]) -> Callable[..., PublishReport]:
    """Publishes as a new process would."""

    def run(invoices: Sequence[Invoice], provider: Any = None, **options: Any) -> PublishReport:
        return publish(invoices, provider or sandbox.provider(), ledger, clock, limits=shown_amounts, **options)

    return run
