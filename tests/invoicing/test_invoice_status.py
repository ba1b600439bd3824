"""Where an invoice stands, from what is due, what is there and what is booked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from monetization_pipeline.datasets.invoice_fields import FORM
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.invoicing.status import Booked, invoice_status

DUE = datetime(2023, 8, 1, tzinfo=UTC)
GRACE = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
INVOICE = Invoice("in_1", "acme", None, "USD", DUE, (), Decimal("16.00"))


@pytest.mark.parametrize(
    ("as_of", "complete", "expected"),
    [
        pytest.param(DUE - MOMENT, True, "estimate", id="just before it is due"),
        pytest.param(DUE - MOMENT, False, "estimate", id="before it is due, with inputs missing"),
        pytest.param(DUE, True, "draft", id="due this instant"),
        pytest.param(DUE + GRACE - MOMENT, True, "draft", id="just within grace"),
        pytest.param(DUE + GRACE, True, "final", id="grace has passed"),
        pytest.param(DUE + GRACE, False, "draft", id="grace has passed, with inputs missing"),
    ],
)
def test_what_is_not_booked(as_of: datetime, complete: bool, expected: str) -> None:
    assert invoice_status(INVOICE, None, as_of, GRACE, inputs_complete=complete) == expected


def test_without_grace_a_due_invoice_is_final_at_once() -> None:
    assert invoice_status(INVOICE, None, DUE, timedelta(0), inputs_complete=True) == "final"


@pytest.mark.parametrize(
    ("total", "same_content", "issued", "expected"),
    [
        pytest.param("16", True, False, "booked", id="booked as computed"),
        pytest.param("16", True, True, "issued", id="issued as computed"),
        pytest.param("16", False, False, "booked, differs by 0.00", id="another content with the same total"),
        pytest.param("15.99", False, False, "booked, differs by 0.01", id="more is due than was booked"),
        pytest.param("20", False, True, "booked, differs by -4.00", id="less is due than was issued"),
    ],
)
@pytest.mark.parametrize("as_of", [DUE - MOMENT, DUE + 2 * GRACE])
@pytest.mark.parametrize("complete", [True, False])
def test_what_is_booked(
    total: str, same_content: bool, issued: bool, expected: str, as_of: datetime, complete: bool
) -> None:
    charged = replace(INVOICE, total=Decimal(total))
    booking = Booked(charged if same_content else replace(charged, subscription_id="s2"), FORM, issued)
    assert invoice_status(INVOICE, booking, as_of, GRACE, inputs_complete=complete) == expected


def test_a_difference_has_the_currencys_digits() -> None:
    yen = Invoice("in_1", "acme", None, "JPY", DUE, (), Decimal(1600))
    booking = Booked(replace(yen, total=Decimal(1700)), FORM, issued=False)
    assert invoice_status(yen, booking, DUE, GRACE, inputs_complete=True) == "booked, differs by -100"
