"""A provider of invoices that is a folder of JSON files: as little as the protocol asks for."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from monetization_pipeline.customers.models import Company
from monetization_pipeline.datasets import provider_invoices
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.protocol import (
    Document,
    DocumentLine,
    PermanentError,
    RemoteInvoice,
    RemoteLine,
    RemoteState,
)
from monetization_pipeline.publishing.registry import Registered

MOST_LINES = 3


@dataclass(frozen=True)
class PaperProvider:
    """Customers and invoices as files of a folder; what changes something is done once for each idempotency key."""

    folder: Path
    mode: str
    name: str = "paper"
    account: str = "drawer"

    def customer_exists(self, provider_customer_id: str) -> bool:
        return (self.folder / f"{provider_customer_id}.json").exists()

    def find_customer(self, seller_id: str, company_id: str) -> str | None:
        ids = [seller_id, company_id]
        found = (path for path in self.folder.glob("customer-*.json") if json.loads(path.read_text()) == ids)
        return next((path.stem for path in found), None)

    def create_customer(self, seller_id: str, company: Company, idempotency_key: str) -> str:
        name = f"customer-{len(list(self.folder.glob('customer-*')))}"
        return self._once(idempotency_key, name, [seller_id, company.company_id])

    def find(self, provider_customer_id: str, publish_key: str) -> Sequence[RemoteInvoice]:
        every = [self._invoice(path.stem) for path in sorted(self.folder.glob("invoice-*.json"))]
        return [
            each
            for each in every
            if (each.provider_customer_id, each.publish_key) == (provider_customer_id, publish_key)
        ]

    def fetch(self, provider_invoice_id: str) -> RemoteInvoice | None:
        return self._invoice(provider_invoice_id) if self.customer_exists(provider_invoice_id) else None

    def create_draft(self, document: Document, idempotency_key: str) -> RemoteInvoice:
        content = {
            "customer": document.provider_customer_id,
            "currency": document.currency,
            "key": document.publish_key,
            "hash": document.content_hash,
            "state": "draft",
            "lines": {},
        }
        number = len(list(self.folder.glob("invoice-*.json")))
        return self._invoice(self._once(idempotency_key, f"invoice-{number}", content))

    def add_lines(
        self, document: Document, provider_invoice_id: str, lines: Sequence[DocumentLine], idempotency_key: str
    ) -> None:
        content = self._read(provider_invoice_id)
        content["lines"] |= {line.line_key: str(line.amount) for line in lines}
        self._write(provider_invoice_id, content)

    def finalize(self, provider_invoice_id: str, idempotency_key: str) -> RemoteInvoice:
        self._write(provider_invoice_id, self._read(provider_invoice_id) | {"state": "open"})
        return self._invoice(provider_invoice_id)

    def cancel_draft(self, provider_invoice_id: str) -> None:
        (self.folder / f"{provider_invoice_id}.json").unlink(missing_ok=True)

    def _once(self, idempotency_key: str, name: str, content: object) -> str:
        done = self.folder / f"done-{idempotency_key.replace(':', '_')}"
        if not done.exists():
            self._write(name, content)
            done.write_text(name)
        return done.read_text()

    def _read(self, name: str) -> dict[str, Any]:
        return json.loads((self.folder / f"{name}.json").read_text())

    def _write(self, name: str, content: object) -> None:
        (self.folder / f"{name}.json").write_text(json.dumps(content))

    def _invoice(self, name: str) -> RemoteInvoice:
        content = self._read(name)
        lines = tuple(RemoteLine(key, Decimal(amount)) for key, amount in content["lines"].items())
        return RemoteInvoice(
            provider_invoice_id=name,
            provider_customer_id=content["customer"],
            state=RemoteState(content["state"]),
            number=name.upper(),
            currency=content["currency"],
            total=sum((line.amount for line in lines), Decimal("0.00")),
            publish_key=content["key"],
            content_hash=content["hash"],
            created_at=datetime(2023, 8, 1, tzinfo=UTC),
            lines=lines,
        )


def limits(invoice: Invoice) -> tuple[Decimal, ...]:
    """Its own amounts; a sheet of paper holds few lines."""
    if len(invoice.lines) > MOST_LINES:
        raise PermanentError(f"it has more than {MOST_LINES} lines")
    return tuple(line.amount for line in invoice.lines)


def connect(account: Account) -> PaperProvider:
    return PaperProvider(Path(account.address or ""), account.mode)


@contextmanager
def sandbox(folder: Path) -> Iterator[str]:
    """A drawer of the working folder stands in for the one in the office."""
    drawer = folder / "drawer"
    drawer.mkdir(exist_ok=True)
    yield str(drawer)


PAPER = Registered("paper", "Paper", provider_invoices("paper", "Paper"), connect, limits, sandbox)
