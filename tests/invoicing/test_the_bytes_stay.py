"""What an invoice's JSON, its hash and its rows in the lake look like: the same bytes, whatever makes them.

The figures are those of the program before its fields stood in one list.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from monetization_pipeline.datasets import INVOICE_LINES, INVOICES
from monetization_pipeline.invoicing.models import Invoice, content_hash
from monetization_pipeline.ledger.booking import canonical
from monetization_pipeline.rating.lines import LineKind, RatedLine
from monetization_pipeline.steps.invoices import invoices_of, put_together
from monetization_pipeline.steps.rated_lines import lines_table

JULY, AUGUST = datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 8, 1, tzinfo=UTC)
CALLS = RatedLine(
    line_id="ln_calls",
    company_id="acme",
    subscription_id="s1",
    plan_id="growth",
    price_id="calls",
    meter_id="api_calls",
    kind=LineKind.USAGE,
    currency="USD",
    bill_at=AUGUST,
    period_start=JULY,
    period_end=AUGUST,
    full_period_start=JULY,
    full_period_end=AUGUST,
    group="{}",
    quantity=Decimal("12345.500"),
    amount=Decimal("16.005"),
    description='Größe "✓" \\ <b>',
)
FEE = replace(
    CALLS,
    line_id="ln_fee",
    price_id="fee",
    meter_id=None,
    kind=LineKind.FEE,
    quantity=Decimal(1),
    amount=Decimal("38.322580645161290322580645"),
    period_start=JULY + timedelta(days=19, microseconds=5),
    description="Growth",
)
BOOKS = {"company_id": "bücher & söhne", "bill_at": AUGUST + timedelta(microseconds=1)}
YEN = replace(CALLS, line_id="ln_yen", currency="JPY", amount=Decimal("1000.5"), **BOOKS)
LINES = (
    CALLS,
    FEE,
    YEN,
    replace(YEN, line_id="ln_other", subscription_id='s"2', quantity=Decimal("1E-12"), amount=Decimal("0.4")),
    replace(YEN, line_id="ln_zero", currency="KWD", quantity=Decimal(0), amount=Decimal(0)),
)
#: By currency: id and hash of the invoice.
MADE = {
    "USD": ("in_wxhpffm55hlvnj2bhhkr2zydni", "10112a01e719a00ff98873cd22e5449fa38a73205dc7e270260e8d7755d2cce7"),
    "JPY": ("in_vlnemubaoigasx23cxsf5qyby6", "716f1352f1fb9983ac499e0348bc85ccb4151a24483986fb8a77a9c39a4d2c36"),
    "KWD": ("in_gimsquxan7xjymyfuhxxyc5s7d", "61f47d6381eed89560683626d43ed97843c8c0449058ab7c1f5f46bec8e1f841"),
}
ACME = (
    '{"bill_at":"2023-08-01T00:00:00Z","company_id":"acme","currency":"USD",'
    '"invoice_id":"in_wxhpffm55hlvnj2bhhkr2zydni","lines":['
    r'{"amount":"16.01","description":"Größe \"✓\" \\ <b>","exact_amount":"16.005","line_id":"ln_calls",'
    '"meter_id":"api_calls","period_end":"2023-08-01T00:00:00Z","period_start":"2023-07-01T00:00:00Z",'
    '"price_id":"calls","quantity":"12345.5","subscription_id":"s1"},'
    '{"amount":"38.32","description":"Growth","exact_amount":"38.322580645161290322580645","line_id":"ln_fee",'
    '"meter_id":null,"period_end":"2023-08-01T00:00:00Z","period_start":"2023-07-20T00:00:00.000005Z",'
    '"price_id":"fee","quantity":"1","subscription_id":"s1"}'
    '],"subscription_id":"s1","total":"54.33"}'
)
#: The fee in `invoice_lines` and its invoice in `invoices`, each value as Python shows it.
FEE_ROW = {
    "invoice_id": "in_wxhpffm55hlvnj2bhhkr2zydni",
    "line_id": "ln_fee",
    "subscription_id": "s1",
    "price_id": "fee",
    "meter_id": "None",
    "period_start": "2023-07-20 00:00:00.000005+00:00",
    "period_end": "2023-08-01 00:00:00+00:00",
    "quantity": "1.000000000000",
    "amount": "38.320000000000",
    "exact_amount": "38.322580645161290322580645",
    "description": "Growth",
    "billing_period": "2023-07",
}
INVOICE_ROW = {
    "invoice_id": "in_wxhpffm55hlvnj2bhhkr2zydni",
    "company_id": "acme",
    "subscription_id": "s1",
    "currency": "USD",
    "bill_at": "2023-08-01 00:00:00+00:00",
    "total": "54.330000000000",
    "lines": "2",
    "content_hash": "10112a01e719a00ff98873cd22e5449fa38a73205dc7e270260e8d7755d2cce7",
    "billing_period": "2023-07",
}


@pytest.fixture(scope="module")
def tables() -> tuple[pa.Table, pa.Table]:
    """Rows of `invoice_lines` and of `invoices`, as a run makes them."""
    return invoices_of(lines_table(LINES, "2023-07"), "2023-07")


@pytest.fixture(scope="module")
def made(tables: tuple[pa.Table, pa.Table]) -> dict[str, Invoice]:
    """The invoices by currency, as they are read back."""
    found = put_together(*(table.to_pylist() for table in tables))
    assert found is not None
    return {invoice.currency: invoice for invoice in found}


def test_ids_and_hashes_are_those_of_before(made: dict[str, Invoice]) -> None:
    assert {currency: (invoice.invoice_id, content_hash(invoice)) for currency, invoice in made.items()} == MADE


def test_what_is_booked_is_the_text_of_before(made: dict[str, Invoice]) -> None:
    assert canonical(made["USD"]) == ACME


def test_rows_of_the_lake_are_those_of_before(tables: tuple[pa.Table, pa.Table]) -> None:
    rows = [tables[0].to_pylist()[1], tables[1].to_pylist()[0]]
    shown = [[(name, str(value)) for name, value in row.items()] for row in rows]
    assert shown == [list(FEE_ROW.items()), list(INVOICE_ROW.items())]


def test_columns_of_the_lake_are_those_of_before() -> None:
    assert [f"{field.name} {field.type}" for field in INVOICE_LINES.schema] == [
        "invoice_id string",
        "line_id string",
        "subscription_id string",
        "price_id string",
        "meter_id string",
        "period_start timestamp[us, tz=UTC]",
        "period_end timestamp[us, tz=UTC]",
        "quantity decimal128(38, 12)",
        "amount decimal128(38, 12)",
        "exact_amount decimal128(38, 24)",
        "description string",
        "billing_period string",
    ]
    assert [f"{field.name} {field.type}" for field in INVOICES.schema] == [
        "invoice_id string",
        "company_id string",
        "subscription_id string",
        "currency string",
        "bill_at timestamp[us, tz=UTC]",
        "total decimal128(38, 12)",
        "lines int64",
        "content_hash string",
        "billing_period string",
    ]
