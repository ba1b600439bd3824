"""Ledgers to write to, and invoices to book.

They are SQLite files and, with MONETIZE_TEST_POSTGRES=postgresql+psycopg2://user@host/database, schemas there, too.
"""

import os
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from monetization_pipeline.invoicing.models import Invoice, InvoiceLine
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.opening import open_ledger

POSTGRES = os.environ.get("MONETIZE_TEST_POSTGRES")
START, END = datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 8, 1, tzinfo=UTC)

MakeInvoice = Callable[..., Invoice]


@pytest.fixture(params=["sqlite", "postgresql"] if POSTGRES else ["sqlite"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str, None, None]:
    """Address of a ledger that does not exist yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    engine = create_engine(str(POSTGRES), isolation_level="AUTOCOMMIT")
    schema = f"ledger_{uuid.uuid4().hex}"
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        yield f"{POSTGRES}?options=-csearch_path%3D{schema}"
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def ledger(ledger_url: str) -> Generator[Ledger, None, None]:
    with closing(open_ledger(ledger_url)) as opened:
        yield opened


@pytest.fixture
def make_invoice() -> MakeInvoice:
    """An invoice of July 2023 from the amounts of its lines."""

    def make(invoice_id: str = "in_a", amounts: Sequence[str] = ("1.01", "99.00"), currency: str = "USD") -> Invoice:
        lines = tuple(
            InvoiceLine(
                line_id=f"ln_{invoice_id}_{position}",
                subscription_id="sub_1",
                price_id=f"price_{position}",
                meter_id=None if position else "api_calls",
                period_start=START,
                period_end=END,
                quantity=Decimal("1234.500000000001"),
                amount=Decimal(amount),
                exact_amount=Decimal(amount) + Decimal("0.000000000000000000000001"),
                description="Größe ✓",
            )
            for position, amount in enumerate(amounts)
        )
        total = sum((line.amount for line in lines), start=Decimal("0.00"))
        return Invoice(invoice_id, "acme", "sub_1", currency, END, lines, total)

    return make
