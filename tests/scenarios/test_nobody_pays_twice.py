"""What is charged changes its name, currency, timing, company or zone: each thing is paid once (rule 21)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from workshop import Workshop, event, lines

from monetization_pipeline.closing import opening, publish
from monetization_pipeline.closing.books import Books
from monetization_pipeline.closing.deciding import Decided, Does
from monetization_pipeline.closing.gate import decide_period
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.records import Place
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.reports import listings

JAN, FEB, MAR = "2025-01", "2025-02", "2025-03"
ACME = {"subscription_id": "s", "company_id": "acme", "plan_id": "p", "start_at": "2025-01-01"}
GLOBEX = ACME | {"subscription_id": "t", "company_id": "globex"}
METERS = [{"meter_id": "calls", "aggregation": "count"}]


def fee(price_id: str, amount: str, bill: str = "in_advance") -> Mapping[str, object]:
    return {"price_id": price_id, "model": "flat", "amount": amount, "bill": bill}


def calls(price_id: str, amount: str = "1") -> Mapping[str, object]:
    return {"price_id": price_id, "model": "per_unit", "meter": "calls", "unit_amount": amount}


def plan(*prices: Mapping[str, object], plan_id: str = "p", currency: str = "USD") -> Mapping[str, object]:
    return {"plan_id": plan_id, "currency": currency, "interval": "month", "prices": list(prices)}


class Year:
    """A working folder of 2025 whose months are run and published, each some days after its end."""

    def __init__(self, root: Path, first_month: str = JAN) -> None:
        self.shop = Workshop(root, first_month, date(2025, 1, 1))
        self.shop.source("logs")
        self.hour = 0

    def catalog(self, *plans: Mapping[str, object]) -> None:
        self.shop.catalog({"meters": METERS, "plans": list(plans)})

    def customers(self, *subscriptions: Mapping[str, object], **zones: str) -> None:
        self.hour += 1
        companies = [{"company_id": name, "time_zone": zone.replace("__", "/")} for name, zone in zones.items()]
        content = {"subscriptions": list(subscriptions), "companies": companies}
        self.shop.customers(content, datetime(2025, 2, 4, self.hour, tzinfo=UTC))

    def calls(self, month: int, count: int, company: str = "acme") -> None:
        at = f"2025-{month:02}-10T12:00:00Z"
        sent = [event(1000 * month + number, at=at, company=company) for number in range(count)]
        received = datetime(2025, month, 10, 13, tzinfo=UTC)
        self.shop.place("logs", lines(record | {"id": f"{company}{record['id']}"} for record in sent), received)

    def run(self, *months: str) -> None:
        self.shop.run(*months)

    def publish(self, month: str) -> publish.PublishedPeriod:
        now = datetime(2025, int(month[-2:]) + 1, 5, tzinfo=UTC)
        with (
            opening.opened_ledger(self.shop.pipeline) as ledger,
            opening.opened_provider(self.shop.pipeline, Account("stripe")) as provider,
        ):
            return publish.publish_period(self.shop.pipeline, ledger, provider, month, clock=lambda: now, by="tester")

    def listed(self, month: str) -> Sequence[Mapping[str, object]]:
        rows = listings.invoices(self.shop.pipeline, month, datetime(2025, int(month[-2:]) + 1, 5, tzinfo=UTC))
        return [dict(row) for row in rows]


@pytest.fixture
def year(tmp_path: Path) -> Year:
    return Year(tmp_path)


def decided(year: Year, ledger: Ledger, month: str) -> Sequence[Decided]:
    books = Books(year.shop.pipeline, year.shop.known(), ledger)
    now = datetime(2025, 2, 5, tzinfo=UTC)
    return decide_period(books, month, now, place=Place("stripe", "sandbox", ""), not_taken=lambda _: {}).invoices


def issued(published: publish.PublishedPeriod) -> list[tuple[str, str]]:
    return sorted((each.intent.currency, f"{each.intent.total:.2f}") for each in published.report.issued)


def left(published: publish.PublishedPeriod) -> list[str]:
    return sorted(each.state.status for each in published.left_alone)


def test_a_fee_in_advance_that_becomes_another_in_arrears_is_issued_once(year: Year) -> None:
    year.catalog(plan(fee("base", "100"), calls("call")))
    year.customers(ACME)
    year.calls(1, 2)
    year.calls(2, 3)
    year.run(JAN)
    assert issued(year.publish(JAN)) == [("USD", "100.00"), ("USD", "102.00")]
    year.catalog(plan(fee("base_2025", "100", "in_arrears"), calls("call")))
    year.run(JAN, FEB)
    published = year.publish(FEB)
    assert issued(published) == [("USD", "3.00")]
    [invoice] = year.listed(FEB)
    assert [(held["description"], held["amount"]) for held in invoice["held_back"]] == [("base_2025", "100.00")]
    year.calls(3, 4)
    year.run(MAR)
    assert issued(year.publish(MAR)) == [("USD", "104.00")]


def test_while_the_month_that_was_booked_is_out_of_date_the_invoice_waits_for_it(year: Year) -> None:
    year.catalog(plan(fee("base", "100"), calls("call")))
    year.customers(ACME, GLOBEX | {"plan_id": "q"})
    year.calls(2, 3)
    year.run(JAN)
    year.publish(JAN)
    year.catalog(plan(fee("base_2025", "100", "in_arrears"), calls("call")), plan(fee("q", "7"), plan_id="q"))
    year.run(FEB)
    published = year.publish(FEB)
    assert issued(published) == [("USD", "7.00")]
    [one] = published.left_alone
    assert one.why.endswith("and 2025-01 is out of date; run `monetize run 2025-01`")
    year.run(JAN)
    assert issued(year.publish(FEB)) == [("USD", "3.00")]


def test_a_subscription_that_moves_to_a_plan_in_another_currency_is_billed_for_a_month_once(year: Year) -> None:
    dollars = plan(fee("usd_fee", "100", "in_arrears"), calls("usd_call"))
    euros = plan(fee("eur_fee", "90", "in_arrears"), calls("eur_call"), plan_id="e", currency="EUR")
    year.catalog(dollars, euros)
    year.customers(ACME)
    year.calls(1, 2)
    year.run(JAN)
    assert issued(year.publish(JAN)) == [("USD", "102.00")]
    year.customers(ACME | {"plan_id": "e"})
    year.run(JAN)
    again = year.publish(JAN)
    assert (issued(again), again.booked) == ([], ())
    assert left(again) == ["booked, differs by -102.00", "final"]
    assert [held["amount"] for held in year.listed(JAN)[0]["held_back"]] == ["90.00", "2.00"]
    year.calls(2, 3)
    year.run(FEB)
    assert issued(year.publish(FEB)) == [("EUR", "93.00")]


def test_a_price_id_that_stays_in_another_currency_is_the_same_case(year: Year) -> None:
    year.catalog(
        plan(fee("base", "100", "in_arrears")), plan(fee("base", "90", "in_arrears"), plan_id="e", currency="EUR")
    )
    year.customers(ACME)
    year.run(JAN)
    assert issued(year.publish(JAN)) == [("USD", "100.00")]
    year.customers(ACME | {"plan_id": "e"})
    year.run(JAN)
    assert issued(year.publish(JAN)) == []


def test_a_fee_whose_timing_changes_is_paid_once_and_all_else_goes(year: Year) -> None:
    year.catalog(plan(fee("base", "100"), fee("support", "10", "in_arrears"), calls("call")))
    year.customers(ACME)
    year.calls(2, 3)
    year.run(JAN)
    assert issued(year.publish(JAN)) == [("USD", "100.00"), ("USD", "110.00")]
    year.catalog(plan(fee("base", "100", "in_arrears"), fee("support", "10", "in_arrears"), calls("call")))
    year.run(JAN, FEB)
    assert issued(year.publish(FEB)) == [("USD", "13.00")]
    year.run(MAR)
    assert issued(year.publish(MAR)) == [("USD", "110.00")]


def test_a_subscription_that_moves_to_another_company_is_billed_for_a_month_once(year: Year) -> None:
    year.catalog(plan(fee("base", "100", "in_arrears")))
    year.customers(ACME)
    year.run(JAN)
    assert issued(year.publish(JAN)) == [("USD", "100.00")]
    year.customers(ACME | {"company_id": "globex"})
    year.run(JAN, FEB)
    assert issued(year.publish(JAN)) == []
    assert issued(year.publish(FEB)) == [("USD", "100.00")]


def test_what_was_booked_as_nothing_under_a_mistyped_company_is_billed_once_it_is_mended(year: Year) -> None:
    year.catalog(plan(calls("call")))
    year.customers(ACME | {"company_id": "acmee"})
    year.calls(1, 2)
    year.run(JAN)
    published = year.publish(JAN)
    assert (issued(published), len(published.booked)) == ([], 1)
    year.customers(ACME)
    year.run(JAN)
    assert issued(year.publish(JAN)) == [("USD", "2.00")]
    assert issued(year.publish(JAN)) == []


def test_a_zone_that_changes_by_hours_holds_back_what_overlaps_and_all_else_goes(year: Year) -> None:
    """February's fee, paid in advance, is for 00:00Z to 00:00Z; five hours of New York's February are not in it."""
    year.catalog(plan(fee("base", "100"), calls("call")))
    year.customers(ACME, GLOBEX)
    year.calls(2, 3)
    year.calls(2, 5, "globex")
    year.run(JAN)
    assert issued(year.publish(JAN)) == 4 * [("USD", "100.00")]
    year.customers(ACME, GLOBEX, acme="America__New_York")
    year.run(JAN, FEB)
    assert issued(year.publish(JAN)) == []
    published = year.publish(FEB)
    assert issued(published) == [("USD", "103.00"), ("USD", "105.00")]
    [invoice] = [each for each in year.listed(FEB) if each["company_id"] == "acme"]
    assert invoice["held_back"] == []


def test_what_was_booked_and_not_issued_is_issued_as_booked_though_it_differs_now(year: Year) -> None:
    """The provider was away as January was published; a late call then makes it 2.00, of which 1.00 is booked."""
    year.catalog(plan(calls("call")))
    year.customers(ACME)
    year.calls(1, 1)
    year.run(JAN)
    with opening.opened_ledger(year.shop.pipeline) as ledger:
        [invoice] = [each.state.invoice for each in decided(year, ledger, JAN)]
        at = datetime(2025, 2, 5, tzinfo=UTC)
        ledger.book([invoice], period=JAN, as_of=at, by="tester", at=at)
    year.calls(1, 2)
    year.run(JAN)
    published = year.publish(JAN)
    assert (issued(published), published.complete) == ([("USD", "1.00")], False)
    assert left(year.publish(JAN)) == ["booked, differs by 1.00"]


def test_two_fees_and_two_prices_of_a_meter_never_exclude_each_other(year: Year) -> None:
    year.catalog(
        plan(fee("base", "100"), fee("support", "10", "in_arrears"), calls("call"), calls("traffic", "0.50")),
    )
    year.customers(ACME)
    for month in (1, 2, 3):
        year.calls(month, 2)
    year.run(JAN, FEB, MAR)
    assert issued(year.publish(JAN)) == [("USD", "100.00"), ("USD", "113.00")]
    assert issued(year.publish(FEB)) == issued(year.publish(MAR)) == [("USD", "113.00")]


def test_a_fee_that_is_added_beside_one_that_is_paid_is_charged(year: Year) -> None:
    year.catalog(plan(fee("base", "100")))
    year.customers(ACME)
    year.run(JAN)
    year.publish(JAN)
    year.catalog(plan(fee("base", "100"), fee("support", "10", "in_arrears")))
    year.run(JAN, FEB)
    assert issued(year.publish(FEB)) == [("USD", "110.00")]


def test_an_invoice_that_is_booked_under_another_billing_period_is_booked(year: Year, tmp_path: Path) -> None:
    """The grid's first billing period takes in what is due as it begins: February's fee lay in January before."""
    year.catalog(plan(fee("base", "100")))
    year.customers(ACME, GLOBEX)
    year.run(JAN)
    year.publish(JAN)
    later = Year(tmp_path, FEB)
    later.run(FEB)
    published = later.publish(FEB)
    assert issued(published) == 2 * [("USD", "100.00")]
    assert sorted(str(each.state.status) for each in published.decision.invoices) == [
        "final",
        "final",
        "issued",
        "issued",
    ]
    assert [each.does for each in published.decision.invoices].count(Does.NOTHING) == 2


@pytest.mark.parametrize(("then", "rest"), [("2025-01-01", "90.00"), ("2025-01-20", None)])
def test_a_start_that_moves_is_charged_for_the_days_that_are_not_yet(year: Year, then: str, rest: str | None) -> None:
    """310 for January's 31 days: from the 10th 220 are booked, nine days before it are 90, and none from the 20th."""
    year.catalog(plan(fee("base", "310")))
    year.customers(ACME | {"start_at": "2025-01-10", "end_at": "2025-02-01"})
    year.run(JAN)
    assert issued(year.publish(JAN)) == [("USD", "220.00")]
    year.customers(ACME | {"start_at": then, "end_at": "2025-02-01"})
    year.run(JAN)
    for expected in ([] if rest is None else [("USD", rest)], []):
        assert issued(year.publish(JAN)) == expected
    assert Decimal(220) + Decimal(rest or 0) == (310 if rest else 220)
