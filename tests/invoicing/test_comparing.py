"""What is a difference between computed and booked, and what is none."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from monetization_pipeline.datasets.invoice_fields import FORM, INVOICE_FIELDS, LINE_FIELDS, of_form
from monetization_pipeline.invoicing.comparing import differences, same_as_booked
from monetization_pipeline.invoicing.models import Invoice, InvoiceLine

JULY, AUGUST = datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 8, 1, tzinfo=UTC)
CALLS = InvoiceLine(
    line_id="ln_calls",
    subscription_id="s1",
    price_id="calls",
    meter_id="api_calls",
    period_start=JULY,
    period_end=AUGUST,
    quantity=Decimal("12345.5"),
    amount=Decimal("16.01"),
    exact_amount=Decimal("16.005"),
    description="API calls",
)
FEE = replace(CALLS, line_id="ln_fee", meter_id=None, amount=Decimal("99.00"), exact_amount=Decimal(99))
BOOKED = Invoice("in_a", "acme", "s1", "USD", AUGUST, (CALLS, FEE), Decimal("115.01"))


def with_line(line: InvoiceLine) -> Invoice:
    return replace(BOOKED, lines=(line, FEE))


@pytest.mark.parametrize(
    ("computed", "difference"),
    [
        (replace(BOOKED, company_id="beta"), "company_id is booked as 'acme', computed as 'beta'"),
        (replace(BOOKED, subscription_id=None), "subscription_id is booked as 's1', computed as None"),
        (replace(BOOKED, currency="EUR"), "currency is booked as 'USD', computed as 'EUR'"),
        (
            replace(BOOKED, bill_at=JULY),
            "bill_at is booked as '2023-08-01T00:00:00Z', computed as '2023-07-01T00:00:00Z'",
        ),
        (replace(BOOKED, total=Decimal("115.02")), "total is booked as '115.01', computed as '115.02'"),
        (replace(BOOKED, lines=(FEE,)), "line ln_calls is only booked"),
        (
            replace(BOOKED, lines=(CALLS, FEE, replace(FEE, line_id="ln_more"))),
            "line ln_more is only computed",
        ),
        (with_line(replace(CALLS, subscription_id="s2")), "line ln_calls: subscription_id booked 's1', computed 's2'"),
        (with_line(replace(CALLS, price_id="other")), "line ln_calls: price_id booked 'calls', computed 'other'"),
        (with_line(replace(CALLS, meter_id=None)), "line ln_calls: meter_id booked 'api_calls', computed None"),
        (
            with_line(replace(CALLS, period_start=AUGUST)),
            "line ln_calls: period_start booked '2023-07-01T00:00:00Z', computed '2023-08-01T00:00:00Z'",
        ),
        (
            with_line(replace(CALLS, period_end=JULY)),
            "line ln_calls: period_end booked '2023-08-01T00:00:00Z', computed '2023-07-01T00:00:00Z'",
        ),
        (with_line(replace(CALLS, quantity=Decimal(1))), "line ln_calls: quantity booked '12345.5', computed '1'"),
        (with_line(replace(CALLS, amount=Decimal("16.02"))), "line ln_calls: amount booked '16.01', computed '16.02'"),
        (
            with_line(replace(CALLS, exact_amount=Decimal("16.006"))),
            "line ln_calls: exact_amount booked '16.005', computed '16.006'",
        ),
    ],
)
def test_whatever_is_charged_differently_is_a_difference(computed: Invoice, difference: str) -> None:
    found = differences(computed, BOOKED, FORM)
    assert [text.partition(": ")[2] for text in found] == [difference]
    assert not same_as_booked(computed, BOOKED, FORM)


@pytest.mark.parametrize(
    "computed",
    [
        pytest.param(BOOKED, id="nothing changed"),
        pytest.param(with_line(replace(CALLS, description="Calls of our API")), id="another description"),
        pytest.param(replace(BOOKED, lines=(FEE, CALLS)), id="another order of the lines"),
        pytest.param(with_line(replace(CALLS, quantity=Decimal("1.234550E4"))), id="a figure spelled otherwise"),
        pytest.param(
            with_line(replace(CALLS, period_start=datetime.fromisoformat("2023-07-01T02:00:00+02:00"))),
            id="the same instant in another zone",
        ),
    ],
)
def test_what_only_people_read_and_how_it_is_written_is_none(computed: Invoice) -> None:
    assert differences(computed, BOOKED, FORM) == []
    assert same_as_booked(computed, BOOKED, FORM)


def test_all_that_differs_is_named_at_once() -> None:
    computed = replace(
        BOOKED, total=Decimal("26.01"), lines=(replace(CALLS, amount=Decimal("26.01"), quantity=Decimal(2)),)
    )
    assert differences(computed, BOOKED, FORM) == [
        "invoice in_a of company acme: total is booked as '115.01', computed as '26.01'",
        (
            "invoice in_a of company acme: line ln_calls: quantity booked '12345.5', computed '2', "
            "amount booked '16.01', computed '26.01'"
        ),
        "invoice in_a of company acme: line ln_fee is only booked",
    ]


def test_descriptions_are_the_only_words() -> None:
    assert [field.name for field in (*INVOICE_FIELDS, *LINE_FIELDS) if not field.charged] == ["description"]


def test_the_first_form_has_the_fields_that_were_booked_first() -> None:
    names = [[field.name for field in of_form(fields, 1)] for fields in (INVOICE_FIELDS, LINE_FIELDS)]
    assert names == [
        ["invoice_id", "company_id", "subscription_id", "currency", "bill_at", "total"],
        [
            *("line_id", "subscription_id", "price_id", "meter_id", "period_start", "period_end"),
            *("quantity", "amount", "exact_amount", "description"),
        ],
    ]


def test_each_form_brings_a_field_and_what_comes_later_may_be_unknown() -> None:
    fields = (*INVOICE_FIELDS, *LINE_FIELDS)
    assert {field.since for field in fields} == set(range(1, FORM + 1))
    assert [field.name for field in fields if field.since > 1 and not field.optional] == []
