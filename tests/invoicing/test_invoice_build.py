"""Rated lines to invoices: grouping, order, rounding, ids and JSON."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monetization_pipeline.datasets.invoice_fields import LINE_FIELDS, Kind
from monetization_pipeline.ids import make_id
from monetization_pipeline.invoicing.build import build_invoices
from monetization_pipeline.invoicing.draft import Draft
from monetization_pipeline.invoicing.models import Invoice, content_hash, invoice_json
from monetization_pipeline.invoicing.printing import invoice_ids
from monetization_pipeline.rating.lines import LineKind, RatedLine
from monetization_pipeline.steps.invoices import invoices_of, put_together
from monetization_pipeline.steps.rated_lines import lines_table

JULY, AUGUST = datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 8, 1, tzinfo=UTC)
LINE = RatedLine(
    line_id="ln_1",
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
    description="API calls",
)


def line(number: int, **change: object) -> RatedLine:
    return replace(LINE, line_id=f"ln_{number}", **change)


def invoices(lines: Iterable[RatedLine]) -> list[Invoice]:
    """Built as a run builds them, as columns, and read back."""
    rows = (table.to_pylist() for table in invoices_of(lines_table(list(lines), "2023-07"), "2023-07"))
    found = put_together(*rows)
    assert found is not None, "the content hashes are those of the JSON"
    return found


def test_one_invoice_for_each_company_currency_and_due_date() -> None:
    lines = [
        line(1),
        line(2, price_id="fee"),
        line(3, currency="EUR"),
        line(4, company_id="beta"),
        line(5, bill_at=JULY),
    ]
    assert [
        (invoice.company_id, invoice.currency, invoice.bill_at.month, [item.line_id for item in invoice.lines])
        for invoice in invoices(lines)
    ] == [
        ("acme", "EUR", 8, ["ln_3"]),
        ("acme", "USD", 7, ["ln_5"]),
        ("acme", "USD", 8, ["ln_1", "ln_2"]),
        ("beta", "USD", 8, ["ln_4"]),
    ]


def test_lines_stand_by_subscription_period_fees_first_price_and_group() -> None:
    lines = [
        line(1, subscription_id="s2"),
        line(2, group='{"route":"/b"}'),
        line(3, group='{"route":"/a"}'),
        line(4, price_id="bytes"),
        line(5, price_id="z_fee", kind=LineKind.FEE, meter_id=None),
        line(6, full_period_start=AUGUST, price_id="a"),
    ]
    [invoice] = invoices(lines)
    assert [item.line_id for item in invoice.lines] == ["ln_5", "ln_4", "ln_3", "ln_2", "ln_6", "ln_1"]


@pytest.mark.parametrize(
    ("subscriptions", "expected"), [(("s1", "s1"), "s1"), (("s1", "s2"), None)], ids=["one", "several"]
)
def test_an_invoice_names_its_subscription_where_there_is_one(
    subscriptions: tuple[str, str], expected: str | None
) -> None:
    [invoice] = invoices(line(number, subscription_id=name) for number, name in enumerate(subscriptions))
    assert invoice.subscription_id == expected


@pytest.mark.parametrize(
    ("currency", "amounts", "rounded", "total"),
    [
        ("USD", ["16.005"], ["16.01"], "16.01"),
        ("USD", ["16.004999999999999999999999"], ["16.00"], "16.00"),
        ("USD", ["0.004", "0.004", "0.004"], ["0.00", "0.00", "0.00"], "0.00"),
        ("USD", ["0.005", "0.005"], ["0.01", "0.01"], "0.02"),
        ("USD", ["-0.005", "1"], ["-0.01", "1.00"], "0.99"),
        ("USD", ["-0.004"], ["0.00"], "0.00"),
        ("JPY", ["1000.5", "0.4"], ["1001", "0"], "1001"),
        ("KWD", ["1.0005"], ["1.001"], "1.001"),
        ("USD", ["99999999999999.99", "99999999999999.99"], ["99999999999999.99"] * 2, "199999999999999.98"),
    ],
)
def test_each_line_is_rounded_once_and_the_total_adds_the_rounded(
    currency: str, amounts: list[str], rounded: list[str], total: str
) -> None:
    rated = [line(number, currency=currency, amount=Decimal(amount)) for number, amount in enumerate(amounts)]
    [invoice] = invoices(rated)
    document = json.loads(json.dumps(invoice_json(invoice)))
    assert [item["amount"] for item in document["lines"]] == rounded
    assert [Decimal(item["exact_amount"]) for item in document["lines"]] == [Decimal(amount) for amount in amounts]
    assert document["total"] == total
    assert invoice.total == Decimal(total)


def test_a_zero_invoice_is_an_invoice() -> None:
    [invoice] = invoices([line(1, amount=Decimal(0), quantity=Decimal(0))])
    assert invoice_json(invoice)["total"] == "0.00"


def test_no_lines_make_no_invoice() -> None:
    assert invoices([]) == []


def test_a_line_that_comes_twice_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"line ln_1 \(price calls of s1\) comes twice"):
        invoices([line(1), line(1, company_id="beta")])


def test_the_json_of_an_invoice() -> None:
    [invoice] = invoices([line(1)])
    assert invoice_json(invoice) == {
        "invoice_id": invoice.invoice_id,
        "company_id": "acme",
        "subscription_id": "s1",
        "currency": "USD",
        "bill_at": "2023-08-01T00:00:00Z",
        "lines": [
            {
                "line_id": "ln_1",
                "subscription_id": "s1",
                "price_id": "calls",
                "meter_id": "api_calls",
                "period_start": "2023-07-01T00:00:00Z",
                "period_end": "2023-08-01T00:00:00Z",
                "quantity": "12345.5",
                "amount": "16.01",
                "exact_amount": "16.005",
                "description": "API calls",
            }
        ],
        "total": "16.01",
    }


def test_an_invoices_id_is_of_company_currency_and_due_date_alone() -> None:
    [invoice] = invoices([line(1)])
    [other] = invoices([line(2, amount=Decimal(3), subscription_id="s9")])
    assert invoice.invoice_id == other.invoice_id == make_id("in", "acme", "USD", "2023-08-01T00:00:00Z", "")
    keys = [("acme", "USD", AUGUST), ("beta", "USD", AUGUST), ("acme", "EUR", AUGUST), ("acme", "USD", JULY)]
    ids = invoice_ids(keys)
    assert (ids[0], len(set(ids))) == (invoice.invoice_id, 4)


@given(st.permutations([line(number, subscription_id=f"s{number % 2}", amount=Decimal(number)) for number in range(6)]))
def test_the_order_of_the_lines_changes_no_byte(lines: list[RatedLine]) -> None:
    [invoice] = invoices(lines)
    [sorted_invoice] = invoices(sorted(lines, key=lambda item: item.line_id))
    assert json.dumps(invoice_json(invoice)) == json.dumps(invoice_json(sorted_invoice))


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Decimal("16.006")},
        {"quantity": Decimal(1)},
        {"description": "Calls"},
        {"period_end": JULY},
        {"price_id": "other"},
    ],
)
def test_the_content_hash_changes_with_any_content(change: dict[str, object]) -> None:
    [invoice] = invoices([line(1)])
    [other] = invoices([line(1, **change)])
    assert content_hash(invoice) != content_hash(other)


def test_the_content_hash_knows_figures_not_their_spelling() -> None:
    [invoice] = invoices([line(1)])
    [other] = invoices([line(1, quantity=Decimal("1.23455E4"), amount=Decimal("16.0050"))])
    assert content_hash(invoice) == content_hash(other)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
figures = st.decimals(-(10**9), 10**9, places=12)


@given(
    st.lists(st.tuples(texts, texts, st.none() | texts, figures, figures, st.sampled_from([JULY, AUGUST])), min_size=1),
    texts,
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_the_content_hash_is_that_of_the_json_with_sorted_keys(
    contents: list[tuple[str, str, str | None, Decimal, Decimal, datetime]], company_id: str, currency: str
) -> None:
    rated = [
        line(
            number,
            company_id=company_id,
            currency=currency,
            subscription_id=subscription_id,
            description=description,
            meter_id=meter_id,
            quantity=quantity,
            amount=amount,
            period_start=start,
        )
        for number, (subscription_id, description, meter_id, quantity, amount, start) in enumerate(contents)
    ]
    table, [row] = (built.to_pylist() for built in invoices_of(lines_table(rated, "2023-07"), "2023-07"))
    invoice = found[0] if (found := put_together(table, [row])) else None
    assert invoice is not None
    text = json.dumps(invoice_json(invoice), sort_keys=True, separators=(",", ":"))
    assert row["content_hash"] == hashlib.sha256(text.encode()).hexdigest() == content_hash(invoice)


def test_lines_of_one_invoice_that_stand_apart_are_a_mistake() -> None:
    acme, beta = ("acme", "USD", AUGUST), ("beta", "USD", AUGUST)
    shown = {field.name: ['"x"'] * 3 for field in LINE_FIELDS if field.kind is not Kind.AMOUNT}
    draft = Draft([acme, beta, acme], ["s"] * 3, [Decimal(1)] * 3, shown)
    with pytest.raises(ValueError, match="stand apart"):
        build_invoices(draft)
