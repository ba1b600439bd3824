"""Billing begins where something is due, though nothing was used yet; and here, where the seller says (rule 23)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from workshop import PLAIN_MAPPING, Workshop, event, lines

from monetization_pipeline.automation.held import held_warnings
from monetization_pipeline.closing.gate import PublishRefusedError
from monetization_pipeline.closing.opening import opened_ledger
from monetization_pipeline.closing.publish import PublishedPeriod, look_at, publish_to
from monetization_pipeline.closing.wishes import AS_BEFORE, Wish
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.reports import listings
from monetization_pipeline.reports.explain import explain
from monetization_pipeline.standing.interest import held_months, months_of_interest

DECEMBER, JANUARY, FEBRUARY = "2024-12", "2025-01", "2025-02"
RECEIVED, NOW = datetime(2025, 1, 12, tzinfo=UTC), datetime(2025, 2, 10, tzinfo=UTC)
CALLED_AT = "2025-01-10T12:00:00Z"
TOKYO = (("acme", "Asia/Tokyo"),)
SANDBOX = Account("stripe")
HELD = Wish(held=True)

CALLS = {"price_id": "calls", "model": "per_unit", "meter": "calls", "unit_amount": "1.00"}
AHEAD = {"price_id": "ahead", "model": "flat", "amount": "100.00", "bill": "in_advance"}
AFTER = {"price_id": "after", "model": "flat", "amount": "5.00"}
PLANS = {"ahead": [CALLS, AHEAD], "after": [CALLS, AFTER], "calls": [CALLS], "all": [CALLS, AHEAD, AFTER]}


def subscription(plan: str, start_at: str | None, company: str = "acme", **fields: object) -> dict[str, object]:
    said = {"subscription_id": f"s-{company}", "company_id": company, "plan_id": plan} | fields
    return said if start_at is None else said | {"start_at": start_at}


def made(
    root: Path,
    *subscriptions: dict[str, object],
    zones: Sequence[dict[str, str]] = (),
    call_at: str = CALLED_AT,
    **begin: Any,
) -> Workshop:
    """acme makes one call, on 10 January 2025 unless said otherwise; all was received on the 12th."""
    shop = Workshop(root, **begin)
    shop.source("logs", mapping=PLAIN_MAPPING)
    plans = [{"plan_id": name, "currency": "USD", "interval": "month", "prices": of} for name, of in PLANS.items()]
    shop.catalog({"meters": [{"meter_id": "calls", "aggregation": "count"}], "plans": plans})
    shop.customers({"companies": [*zones], "subscriptions": [*subscriptions]}, RECEIVED)
    shop.place("logs", lines([event(1, at=call_at)]), RECEIVED)
    shop.run(*months_of(shop))
    shop.run(*months_of(shop))
    return shop


def months_of(shop: Workshop) -> list[str]:
    shop.ingest()
    shop.merge()
    return months_of_interest(shop.pipeline, shop.known(), NOW)


def publish(shop: Workshop, month: str, wish: Wish = AS_BEFORE) -> PublishedPeriod:
    return publish_to(shop.pipeline, SANDBOX, month, clock=lambda: NOW, by="tester", wish=wish)


def rows_of(shop: Workshop, month: str) -> list[Any]:
    return [*listings.invoices(shop.pipeline, month, NOW)]


def shown(shop: Workshop, month: str, *names: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in names) for row in rows_of(shop, month)]


# --- where billing periods begin --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """Who subscribed since when; the first billing period then, and those that are held."""

    subscriptions: Sequence[dict[str, object]]
    first: str
    held: Sequence[str] = ()
    zones: Sequence[tuple[str, str]] = ()
    call_at: str = CALLED_AT
    first_invoice_at: date | None = None
    first_month: str = "2020-01"


FIRST_DAY = date(2025, 1, 1)
CASES = {
    "a fee in advance is due as its month begins": Case([subscription("ahead", "2025-01-01")], DECEMBER, [DECEMBER]),
    "a fee in advance is due when its subscription begins": Case(
        [subscription("ahead", "2024-12-15")], DECEMBER, [DECEMBER]
    ),
    "a fee in arrears is due as its month ends": Case([subscription("after", "2025-01-01")], JANUARY),
    "usage that nobody has is due as well": Case(
        [subscription("calls", "2024-10-05")], "2024-10", ["2024-10", "2024-11", DECEMBER]
    ),
    "a start after the first event brings nothing forward": Case([subscription("ahead", "2025-01-20")], JANUARY),
    "one without a start counts from its company's first event": Case(
        [subscription("ahead", None)], DECEMBER, [DECEMBER]
    ),
    "one without a start and without a fee in advance": Case([subscription("after", None)], JANUARY),
    "one without a start whose company never had an event": Case([subscription("ahead", None, "quiet")], JANUARY),
    "one of a plan that the catalog does not have": Case([subscription("gold", "2024-10-05")], JANUARY),
    "one that is never billed": Case([subscription("ahead", "2024-10-05", status="draft")], JANUARY),
    "another company's zone, in which the first event's day begins in December": Case(
        [subscription("ahead", "2024-06-01"), subscription("calls", "2025-01-20", "far")],
        "2024-05",
        ["2024-05", "2024-06", "2024-07", "2024-08", "2024-09", "2024-10", "2024-11", DECEMBER],
        zones=(("far", "America/Los_Angeles"),),
        call_at="2025-01-01T12:00:00Z",
    ),
    "an event of December in UTC that is January's where its company is": Case(
        [subscription("ahead", "2024-12-10")],
        DECEMBER,
        [DECEMBER],
        zones=(("acme", "Asia/Kolkata"),),
        call_at="2024-12-31T20:00:00Z",
    ),
    "a midnight in Tokyo": Case([subscription("ahead", "2024-12-31T15:00:00Z")], DECEMBER, [DECEMBER], zones=TOKYO),
    "a midnight in London is nine o'clock in Tokyo": Case(
        [subscription("ahead", "2025-01-01T00:00:00Z")], JANUARY, zones=TOKYO
    ),
    "the seller says from when on": Case([subscription("ahead", "2023-01-01")], DECEMBER, first_invoice_at=FIRST_DAY),
    "the seller names a day after the first event": Case(
        [subscription("ahead", "2023-01-01")], JANUARY, first_invoice_at=date(2025, 3, 1)
    ),
    "nothing lies before the first month": Case([subscription("ahead", "2023-01-01")], JANUARY, first_month=JANUARY),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_billing_periods_begin_where_something_is_due(tmp_path: Path, case: Case) -> None:
    zones = [{"company_id": company, "time_zone": zone} for company, zone in case.zones]
    begin = {"first_month": case.first_month, "first_invoice_at": case.first_invoice_at}
    shop = made(tmp_path, *case.subscriptions, zones=zones, call_at=case.call_at, **begin)
    months = months_of(shop)
    assert (months[0], months[-1]) == (case.first, FEBRUARY)
    assert held_months(shop.pipeline, shop.known()) == list(case.held)


# --- what lies before anything was received ---------------------------------------------------------------------------


def test_a_period_before_the_first_event_is_named_and_held_until_somebody_publishes_it(tmp_path: Path) -> None:
    """100.00 in advance for January are due as it begins, 1.00 of usage as it ends: 101.00, not 1.00."""
    shop = made(tmp_path, subscription("ahead", "2025-01-01"))
    assert shown(shop, DECEMBER, "total", "status", "publish") == [("100.00", "final", "leave")]
    [(why,)] = shown(shop, DECEMBER, "why")
    assert str(why).startswith("2024-12 is held, as it lies before anything was received")
    [warning] = held_warnings(shop.pipeline, shop.known())
    assert str(warning).startswith("billing period 2024-12 is held")
    for refused in (lambda: publish(shop, DECEMBER), lambda: look_at(shop.pipeline, SANDBOX, DECEMBER, NOW)):
        with pytest.raises(PublishRefusedError, match="MONETIZATION_FIRST_INVOICE_AT") as error:
            refused()
        assert "--held" in str(error.value)
    with opened_ledger(shop.pipeline) as ledger:
        assert not ledger.booked_in(DECEMBER)
    done = publish(shop, DECEMBER, HELD)
    assert [str(each.intent.total) for each in done.report.issued] == ["100.000000000000"]
    assert held_warnings(shop.pipeline, shop.known()) == []
    assert publish(shop, DECEMBER).complete
    january = publish(shop, JANUARY)
    # The call, and the fee of February.
    assert [f"{each.intent.total:.2f}" for each in january.report.issued] == ["101.00"]


def test_without_a_start_every_period_before_the_first_event_is_held(tmp_path: Path) -> None:
    """It is active since ever: somebody who runs November by name is not to bill it unasked."""
    shop = made(tmp_path, subscription("after", None))
    shop.run("2024-11")
    assert shown(shop, "2024-11", "total", "status", "publish") == [("5.00", "final", "leave")]
    with pytest.raises(PublishRefusedError, match="2024-11 is held"):
        publish(shop, "2024-11")


def test_what_the_seller_bills_from_a_day_on_is_held_no_more(tmp_path: Path) -> None:
    shop = made(tmp_path, subscription("ahead", "2023-01-01"), first_invoice_at=FIRST_DAY)
    assert (held_warnings(shop.pipeline, shop.known()), months_of(shop)[0]) == ([], DECEMBER)
    assert shown(shop, DECEMBER, "total", "publish") == [("100.00", "issue")]


# --- what was billed elsewhere ----------------------------------------------------------------------------------------


def test_what_is_for_an_earlier_time_is_elsewhere_and_never_booked(tmp_path: Path) -> None:
    """January is the first period: the fees in advance for January and for February, the call; December's 5.00 not."""
    shop = made(tmp_path, subscription("all", "2023-01-01"), first_month=JANUARY, first_invoice_at=FIRST_DAY)
    begun, ended = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
    rows = rows_of(shop, JANUARY)
    assert [(row["bill_at"], row["total"], row["status"]) for row in rows] == [
        (f"{begun:%Y-%m-%dT%H:%M:%SZ}", "100.00", "final"),
        (f"{ended:%Y-%m-%dT%H:%M:%SZ}", "106.00", "final"),
    ]
    first, second = rows
    assert ([each["amount"] for each in first["elsewhere"]], second["elsewhere"]) == (["5.00"], [])
    assert first["elsewhere"][0]["line_id"] not in {line["line_id"] for line in first["lines"]}
    found = explain(shop.pipeline, first["elsewhere"][0]["line_id"])
    assert (found.line.price_id, found.line.amount) == ("after", 5)
    publish(shop, JANUARY)
    with opened_ledger(shop.pipeline) as ledger:
        booked = [line.price_id for entry in ledger.booked_in(JANUARY) for line in entry.invoice.lines]
    assert sorted(booked) == ["after", "ahead", "ahead", "calls"]


def test_an_invoice_of_which_all_is_elsewhere_is_shown_and_nothing_is_done_with_it(tmp_path: Path) -> None:
    shop = made(tmp_path, subscription("all", "2023-01-01"), first_invoice_at=date(2025, 1, 2))
    [january] = rows_of(shop, JANUARY)
    assert (january["total"], january["status"], january["publish"]) == ("100.00", "final", "issue")
    assert sorted(each["amount"] for each in january["elsewhere"]) == ["1.00", "5.00"]
    assert shown(shop, DECEMBER, "total", "status", "publish") == [("0.00", "elsewhere", "nothing")]
    assert publish(shop, DECEMBER).booked == ()


def test_the_first_day_is_one_of_each_companys_zone(tmp_path: Path) -> None:
    """Of both, January begins on its own first of January: it is billed here of both, and nothing of December."""
    zones = [{"company_id": "acme", "time_zone": "Asia/Tokyo"}, {"company_id": "far", "time_zone": "America/Lima"}]
    subscriptions = [subscription("after", "2023-01-01", company) for company in ("acme", "far")]
    shop = made(tmp_path, *subscriptions, zones=zones, first_invoice_at=FIRST_DAY)
    assert shown(shop, JANUARY, "company_id", "total", "elsewhere") == [("acme", "6.00", []), ("far", "5.00", [])]
    assert shown(shop, DECEMBER, "company_id", "status") == [("acme", "elsewhere"), ("far", "elsewhere")]


def test_a_subscription_that_begins_after_the_first_day_is_billed_for_all_of_it(tmp_path: Path) -> None:
    """12 of January's 31 days of 100.00 in advance are 38.71; a call, 12 days of 5.00, and February in advance."""
    shop = made(tmp_path, subscription("all", "2025-01-20"), first_invoice_at=date(2025, 1, 15))
    shop.place("logs", lines([event(2, at="2025-01-22T12:00:00Z")]), datetime(2025, 1, 23, tzinfo=UTC))
    shop.run(JANUARY)
    assert shown(shop, JANUARY, "total", "elsewhere") == [("38.71", []), ("102.94", [])]


def test_what_is_elsewhere_and_cannot_be_rated_sets_nothing_aside(tmp_path: Path) -> None:
    shop = made(tmp_path, subscription("calls", "2023-01-01"), first_invoice_at=date(2025, 2, 1))
    # More whole digits than an amount may have.
    shop.place("logs", lines([event(2, at="2025-01-11T12:00:00Z", weight=1234567890123456)]), RECEIVED)
    shop.run(JANUARY)
    assert shown(shop, JANUARY, "status") == []
    shop.bill_from(FIRST_DAY)
    shop.run(JANUARY)
    assert shown(shop, JANUARY, "status") == [("set aside",)]
