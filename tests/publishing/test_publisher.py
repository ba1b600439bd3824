"""Publishing: what is issued, what is not, and what stops it."""

import logging
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monetization_pipeline.customers.models import Company
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.errors import LedgerBusyError
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.opening import open_ledger
from monetization_pipeline.ledger.records import Intent
from monetization_pipeline.publishing.keys import publish_key
from monetization_pipeline.publishing.protocol import PermanentError, UnknownOutcomeError, place_of
from monetization_pipeline.publishing.publisher import ContentChangedError, NotBookedError, PublishReport, publish
from monetization_pipeline.publishing.stripe.limits import shown_amounts

MakeInvoice = Callable[..., Invoice]
Publish = Callable[..., PublishReport]
Book = Callable[..., list[Invoice]]


def company(company_id: str = "acme", **known: Any) -> dict[str, Company]:
    fields = dict.fromkeys(("name", "time_zone", "provider_customer_id", "email", "valid_from", "valid_to"))
    return {company_id: Company(company_id=company_id, metadata="{}", **(fields | known))}


def test_publishing_twice_issues_once_and_asks_only_whose_account_it_is(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    invoices = booked(make_invoice())
    first = publish_all(invoices)
    before = len(sandbox.calls())
    second = publish_all(invoices)
    assert [call["path"] for call in sandbox.calls()[before:]] == ["/v1/account"]
    assert (second.issued, second.already_issued) == ((), first.issued)
    assert len(sandbox.invoices()) == 1


def test_two_companies_get_an_invoice_each_of_their_own(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    invoices = booked(make_invoice("acme"), make_invoice("globex", ["7.00"]))
    report = publish_all(invoices, companies=company(name="Acme Ltd", email="billing@acme.example"))
    assert len(report.issued) == 2
    assert {each["metadata"]["company_id"]: each["name"] for each in sandbox.customers()} == {
        "acme": "Acme Ltd",
        "globex": None,
    }
    assert sorted(each["total"] for each in sandbox.invoices()) == [700, 10001]
    assert len({each["customer"] for each in sandbox.invoices()}) == 2


def test_the_draft_takes_in_nothing_and_does_nothing_by_itself(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    publish_all(booked(make_invoice()))
    created, added = (
        next(call["params"] for call in sandbox.calls("POST") if call["path"].endswith(end))
        for end in ("/invoices", "/add_lines")
    )
    assert created["auto_advance"] == "false"
    assert created["pending_invoice_items_behavior"] == "exclude"
    assert created["discounts"] == ""
    assert (created["metadata[n_lines]"], created["metadata[total]"]) == ("2", "100.01")
    assert (added["lines[0][period][start]"], added["lines[0][period][end]"]) == ("1688169600", "1690847999")
    assert (added["lines[1][amount]"], added["lines[1][description]"]) == ("9900", "API calls 1")


@pytest.mark.parametrize(
    ("currency", "amounts", "sent", "total"),
    [
        ("USD", ["0.01", "10.00"], [1, 1000], "10.01"),
        ("JPY", ["500", "1"], [500, 1], "501"),
        ("KWD", ["5.120", "0.010"], [5120, 10], "5.130"),
        ("KWD", ["5.124", "5.124"], [5130, 5120], "10.250"),
        ("ISK", ["500"], [50000], "500"),
        ("UGX", ["5"], [500], "5"),
        ("MGA", ["1.00", "2.00"], [1, 2], "3"),
    ],
)
def test_amounts_are_sent_as_stripe_takes_that_currency(
    sandbox: Any,
    make_invoice: MakeInvoice,
    booked: Book,
    publish_all: Publish,
    currency: str,
    amounts: list[str],
    sent: list[int],
    total: str,
) -> None:
    (invoice,) = booked(make_invoice(amounts=amounts, currency=currency))
    report = publish_all([invoice])
    (remote,) = sandbox.invoices()
    assert sandbox.lines(remote["id"]) == dict(zip((line.line_id for line in invoice.lines), sent, strict=True))
    assert remote["currency"] == currency.lower()
    assert report.issued[0].intent.total == Decimal(total)


def test_a_zero_invoice_is_issued_only_where_that_is_wanted(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    invoices = booked(make_invoice(amounts=["0.00"]))
    report = publish_all(invoices)
    assert (report.zero, report.complete, sandbox.invoices()) == (("in_acme_USD",), True, [])
    assert len(publish_all(invoices, issue_zero=True).issued) == 1
    assert [each["status"] for each in sandbox.invoices()] == ["paid"]


def test_what_is_not_booked_is_not_issued_and_keeps_nobody_else(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    (other,) = booked(make_invoice("globex"))
    report = publish_all([make_invoice("acme"), other])
    [failure] = report.failed
    assert (failure.company_id, type(failure.error), failure.may_repeat) == ("acme", NotBookedError, False)
    assert [each.intent.invoice_id for each in report.issued] == [other.invoice_id]
    assert len(sandbox.invoices()) == 1


def test_what_is_sent_is_what_was_booked_whatever_it_is_called_now(
    sandbox: Any, ledger: Ledger, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    (invoice,) = booked(make_invoice())
    reworded = replace(invoice, lines=tuple(replace(line, description="Calls") for line in invoice.lines[::-1]))
    (publication,) = publish_all([reworded]).issued
    (remote,) = sandbox.invoices()
    sent = next(call["params"] for call in sandbox.calls("POST") if call["path"].endswith("/add_lines"))
    assert [sent[f"lines[{number}][description]"] for number in range(2)] == ["API calls 0", "API calls 1"]
    booked_hash = ledger.booked([invoice.invoice_id])[invoice.invoice_id].content_hash
    assert remote["metadata"]["content_hash"] == publication.intent.content_hash == booked_hash
    assert publish_all([reworded]).already_issued == (publication,)


def test_other_content_than_booked_is_not_sent_and_keeps_nobody_else(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    _, other = booked(make_invoice("acme"), make_invoice("globex"))
    report = publish_all([make_invoice("acme", amounts=["1.02", "99.00"]), other])
    [failure] = report.failed
    assert (failure.company_id, type(failure.error), failure.may_repeat) == ("acme", ContentChangedError, False)
    assert "booked with other content" in str(failure.error)
    assert [each.intent.invoice_id for each in report.issued] == [other.invoice_id]
    assert len(sandbox.invoices()) == 1


def test_other_content_under_a_known_key_is_not_sent(
    sandbox: Any, ledger: Ledger, make_invoice: MakeInvoice, booked: Book, publish_all: Publish, clock: Any
) -> None:
    (invoice,) = booked(make_invoice())
    account = sandbox.provider().account
    key = publish_key("", place_of(sandbox.provider()), invoice.invoice_id, 1)
    total = invoice.total
    intent = Intent(key, "stripe", account, "sandbox", invoice.invoice_id, 1, "0" * 64, "cus_1", "USD", total)
    ledger.record_intent(intent, clock())
    [failure] = publish_all([invoice]).failed
    assert type(failure.error) is ContentChangedError
    assert f"publish key {key}" in str(failure.error)
    assert sandbox.calls("POST") == []


@pytest.mark.parametrize("state", ["draft", "open"])
def test_other_content_at_the_provider_stops_and_changes_nothing(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish, state: str
) -> None:
    (invoice,) = booked(make_invoice())
    sandbox.fault(method="POST", path="/invoices", kind="before")
    publish_all([invoice])
    key = publish_key("", place_of(sandbox.provider()), invoice.invoice_id, 1)
    metadata = {"metadata[publish_key]": key, "metadata[content_hash]": "0" * 64}
    made = sandbox.post("/v1/invoices", customer=sandbox.customers()[0]["id"], **metadata).json()
    if state == "open":
        sandbox.post(f"/v1/invoices/{made['id']}/add_lines", **{"lines[0][amount]": "10001"}).raise_for_status()
        sandbox.post(f"/v1/invoices/{made['id']}/finalize").raise_for_status()
    report = publish_all([invoice])
    assert isinstance(report.failed[0].error, PermanentError)
    assert "the same key with other content" in str(report.failed[0].error)
    assert [(each["id"], each["status"]) for each in sandbox.invoices()] == [(made["id"], state)]


def test_a_final_invoice_with_other_lines_is_not_taken_for_ours(
    sandbox: Any, ledger: Ledger, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    (invoice,) = booked(make_invoice())
    sandbox.fault(method="POST", path="/add_lines", kind="before")
    publish_all([invoice])
    (draft,) = sandbox.invoices()
    sandbox.post(f"/v1/invoices/{draft['id']}/add_lines", **{"lines[0][amount]": "5"}).raise_for_status()
    sandbox.post(f"/v1/invoices/{draft['id']}/finalize").raise_for_status()
    (failure,) = publish_all([invoice]).failed
    assert "total '0.05' instead of '100.01'" in str(failure.error)
    assert "line ln_acme_USD_0 of 1.01 is missing" in str(failure.error)
    assert (failure.may_repeat, len(sandbox.invoices())) == (False, 1)


def test_a_customer_that_bears_the_company_s_id_is_adopted(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    for number in range(120):
        sandbox.post("/v1/customers", **{"metadata[company_id]": f"other_{number}"}).raise_for_status()
    known = sandbox.post("/v1/customers", **{"metadata[company_id]": "acme"}).json()
    for number in range(120):
        sandbox.post("/v1/customers", **{"metadata[company_id]": f"more_{number}"}).raise_for_status()
    publish_all(booked(make_invoice()))
    assert sandbox.invoices()[0]["customer"] == known["id"]


SELLER, ANOTHER = "seller_abcdefghijklmnopqrstuvwxyz", "seller_zyxwvutsrqponmlkjihgfedcba"


@pytest.mark.parametrize(
    ("ours", "theirs", "adopted"),
    [
        (SELLER, {"metadata[seller_id]": SELLER}, True),
        (SELLER, {"metadata[seller_id]": ANOTHER}, False),
        (SELLER, {}, False),
        ("", {"metadata[seller_id]": ANOTHER}, False),
    ],
    ids=["ours", "another's", "nobody's", "another's where ours has no id"],
)
def test_only_a_customer_of_our_own_is_adopted(
    sandbox: Any,
    make_invoice: MakeInvoice,
    booked: Book,
    publish_all: Publish,
    ours: str,
    theirs: dict[str, str],
    adopted: bool,
) -> None:
    known = sandbox.post("/v1/customers", **{"metadata[company_id]": "acme"}, **theirs).json()["id"]
    assert publish_all(booked(make_invoice()), seller_id=ours).complete
    assert (sandbox.invoices()[0]["customer"] == known) is adopted
    made = {"company_id": "acme"} | ({"seller_id": ours} if ours else {})
    assert made in [each["metadata"] for each in sandbox.customers()]


def test_two_sellers_in_one_account_never_take_each_other_s_invoices(
    sandbox: Any, empty_ledger: Path, tmp_path: Path, make_invoice: MakeInvoice, clock: Any
) -> None:
    """The same company id, the same content: each has its customer and its invoice. One seller again makes nothing."""
    for number, seller_id in enumerate((SELLER, ANOTHER, SELLER)):
        path = shutil.copy(empty_ledger, tmp_path / f"{number}.db")
        with closing(open_ledger(f"sqlite:///{path}")) as ledger:
            ledger.book([make_invoice()], period="2023-07", as_of=clock(), by="tester", at=clock())
            done = publish(
                [make_invoice()], sandbox.provider(), ledger, clock, limits=shown_amounts, seller_id=seller_id
            )
        assert done.complete
    assert (len(sandbox.customers()), len(sandbox.invoices())) == (2, 2)


def test_what_was_begun_keeps_its_key_whoever_the_seller_is_now(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    invoices = booked(make_invoice())
    sandbox.fault(method="POST", path="/finalize", kind="before")
    publish_all(invoices)
    (draft,) = sandbox.invoices()
    assert publish_all(invoices, seller_id=SELLER).complete
    assert [(each["id"], each["status"]) for each in sandbox.invoices()] == [(draft["id"], "open")]


def test_the_stated_customer_is_used_and_must_exist(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    stated = sandbox.post("/v1/customers", name="Acme").json()["id"]
    invoices = booked(make_invoice())
    (failure,) = publish_all(invoices, companies=company(provider_customer_id="cus_nobody")).failed
    assert "has provider_customer_id 'cus_nobody'" in str(failure.error)
    publish_all(invoices, companies=company(provider_customer_id=stated))
    assert sandbox.invoices()[0]["customer"] == stated
    assert len(sandbox.customers()) == 1


def test_two_customers_that_bear_the_company_s_id_are_refused_by_name(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    ids = [sandbox.post("/v1/customers", **{"metadata[company_id]": "acme"}).json()["id"] for _ in range(2)]
    (failure,) = publish_all(booked(make_invoice())).failed
    assert all(customer_id in str(failure.error) for customer_id in ids)
    assert sandbox.invoices() == []


@pytest.mark.parametrize(
    ("amounts", "currency", "says"),
    [
        (["0.01"] * 251, "USD", "has 251 lines; a Stripe invoice has 1 to 250"),
        (["-5.00"], "USD", "never below 0"),
        (["1.000"], "IQD", "does not document how it takes IQD"),
    ],
)
def test_one_invoice_that_stripe_cannot_take_does_not_hold_up_the_others(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish, amounts: Any, currency: str, says: str
) -> None:
    report = publish_all(booked(make_invoice("bad", amounts, currency), make_invoice("good")))
    assert [failure.company_id for failure in report.failed] == ["bad"]
    assert says in str(report.failed[0].error)
    assert [each.intent.invoice_id for each in report.issued] == ["in_good_USD"]


def test_a_name_and_a_description_that_are_too_long_are_cut_and_not_refused(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    """A description may have been booked before there was a bound."""
    invoice = make_invoice()
    long = replace(invoice, lines=tuple(replace(line, description="d" * 501) for line in invoice.lines))
    assert publish_all(booked(long), companies=company(name="n" * 151)).complete
    (customer,) = sandbox.customers()
    assert customer["name"] == "n" * 149 + "…"
    added = next(call["params"] for call in sandbox.calls("POST") if call["path"].endswith("/add_lines"))
    assert {added[f"lines[{number}][description]"] for number in range(2)} == {"d" * 499 + "…"}


def test_the_largest_invoice_goes_in_one_request(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    assert publish_all(booked(make_invoice(amounts=["0.01"] * 250))).complete
    assert sandbox.invoices()[0]["total"] == 250
    assert len([call for call in sandbox.calls("POST") if call["path"].endswith("/add_lines")]) == 1


def test_a_provider_that_does_not_answer_is_not_asked_for_every_invoice(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    invoices = booked(*(make_invoice(f"company_{number}") for number in range(6)))
    for _ in range(3):
        sandbox.fault(method="GET", path="/invoices", kind="before")
    report = publish_all(invoices)
    assert all(isinstance(failure.error, UnknownOutcomeError) and failure.may_repeat for failure in report.failed)
    assert (len(report.failed), len(report.not_tried), report.complete) == (3, 3, False)
    assert len(publish_all(invoices).issued) == 6


def test_one_process_publishes_at_a_time(
    make_invoice: MakeInvoice, booked: Book, publish_all: Publish, ledger: Ledger
) -> None:
    invoices = booked(make_invoice())
    with ledger.lock("publish"), pytest.raises(LedgerBusyError):
        publish_all(invoices)


def test_what_was_begun_goes_on_with_the_customer_it_was_begun_with(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    invoices = booked(make_invoice())
    sandbox.fault(method="POST", path="/finalize", kind="before")
    publish_all(invoices)
    (draft,) = sandbox.invoices()
    other = sandbox.post("/v1/customers", name="Another").json()["id"]
    assert publish_all(invoices, companies=company(provider_customer_id=other)).complete
    assert [each["customer"] for each in sandbox.invoices()] == [draft["customer"]]


def test_nothing_logged_holds_the_key(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        publish_all(booked(make_invoice()))
    assert caplog.records
    assert "sk_test_" not in caplog.text


def test_the_ledger_s_times_are_the_clock_s(
    make_invoice: MakeInvoice, booked: Book, publish_all: Publish, ledger: Ledger
) -> None:
    publish_all(booked(make_invoice()))
    (publication,) = ledger.publications("2023-07")
    assert (publication.created_at.date(), publication.changed_at.date()) == (date(2023, 8, 3), date(2023, 8, 3))
