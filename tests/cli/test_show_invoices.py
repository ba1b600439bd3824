"""What `monetize invoices` prints of a billing period."""

import pytest

from monetization_pipeline.cli.show_periods import show_invoices

LINE = {
    "line_id": "ln_calls",
    "subscription_id": "s1",
    "price_id": "calls",
    "meter_id": "api_calls",
    "period_start": "2023-07-01T00:00:00Z",
    "period_end": "2023-08-01T00:00:00Z",
    "quantity": "12345.5",
    "amount": "16.01",
    "exact_amount": "16.005",
    "description": "Calls [b]",
}
FEE = LINE | {"line_id": "ln_fee", "meter_id": None, "quantity": "1", "amount": "138.32", "description": "Growth"}
INVOICE = {
    "invoice_id": "in_a",
    "company_id": "acme",
    "subscription_id": "s1",
    "currency": "USD",
    "bill_at": "2023-08-01T00:00:00Z",
    "lines": [LINE, FEE],
    "total": "154.33",
    "status": "draft",
    "publish": "wait",
    "why": "final from 2023-08-02T00:00:00Z on",
    "held_back": [],
    "elsewhere": [],
    "issued_at": [],
}
SET_ASIDE = {"lines": [], "total": None, "status": "set aside", "publish": "leave", "why": "subscription s1: too large"}
HELD = {"line_id": "ln_old", "description": "Base", "amount": "9.00", "charged_in": "in_old"}


def test_figures_stand_below_each_other_and_ids_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    show_invoices([INVOICE], "table")
    assert capsys.readouterr().out.splitlines() == [
        "154.33 USD  draft     due 2023-08-01  acme",
        "publishing would wait: final from 2023-08-02T00:00:00Z on",
        " 16.01      12345.5 × Calls [b]  ln_calls",
        "138.32            1 × Growth  ln_fee",
        "1 invoices. `monetize explain LINE_ID` shows how an amount comes about.",
    ]


def test_what_is_set_aside_has_no_total_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    show_invoices([INVOICE | SET_ASIDE], "table")
    assert capsys.readouterr().out.splitlines()[:2] == [
        "- USD  set aside due 2023-08-01  acme",
        "publishing would leave: subscription s1: too large",
    ]


def test_what_was_billed_elsewhere_stands_below(capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = [{"line_id": "ln_dec", "description": "Base", "amount": "9.00"}]
    show_invoices([INVOICE | {"publish": "issue", "why": "", "elsewhere": elsewhere}], "table")
    assert capsys.readouterr().out.splitlines()[3] == "  9.00      Base  billed elsewhere"


def test_what_is_held_back_stands_below_with_the_invoice_that_charges_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_invoices([INVOICE | {"publish": "issue", "why": "", "held_back": [HELD]}], "table")
    assert "  9.00      Base  charged in invoice in_old" in capsys.readouterr().out.splitlines()


def test_where_there_is_none_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    show_invoices([], "table")
    assert capsys.readouterr().out.startswith("0 invoices.")
