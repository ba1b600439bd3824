"""Customers change between runs: no stale figure is taken for a current one, nothing is charged twice."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import yaml
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.closing import gate, opening, publish
from monetization_pipeline.closing.wishes import Wish
from monetization_pipeline.customers.records import CustomersFileError
from monetization_pipeline.datasets import SUBSCRIPTIONS
from monetization_pipeline.landing import customer_files
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.steps import invoices

MONTH = "2023-07"
LATER = datetime(2023, 9, 5, tzinfo=UTC)
CALLS: dict[str, object] = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": "p",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": "1"}],
        }
    ],
}
ACME = {"subscription_id": "s", "company_id": "acme", "plan_id": "p"}


def fee_plan(plan_id: str, amount: str, bill: str = "in_arrears") -> dict[str, object]:
    fee = {"price_id": "fee", "model": "flat", "amount": amount, "bill": bill}
    return {"plan_id": plan_id, "currency": "USD", "interval": "month", "prices": [fee]}


def totals(shop: Workshop) -> list[Decimal]:
    return [invoice.total for invoice in invoices.read_invoices(shop.pipeline, MONTH)]


def reasons(shop: Workshop) -> list[str]:
    return [reason.dataset for reason in shop.reasons(MONTH)]


def publish_all(shop: Workshop) -> publish.PublishedPeriod:
    with (
        opening.opened_ledger(shop.pipeline) as ledger,
        opening.opened_provider(shop.pipeline, Account("stripe")) as provider,
    ):
        return publish.publish_period(
            shop.pipeline, ledger, provider, MONTH, clock=lambda: LATER, by="tester", wish=Wish(held=True)
        )


def test_a_subscription_on_another_plan_with_the_same_price_id_is_rated_anew(shop: Workshop) -> None:
    shop.catalog({"meters": [], "plans": [fee_plan("p", "10"), fee_plan("big", "100")]})
    shop.customers({"subscriptions": [ACME]})
    shop.run(MONTH)
    assert totals(shop) == [10]
    shop.customers({"subscriptions": [ACME | {"plan_id": "big"}]}, RECEIVED + timedelta(hours=1))
    shop.ingest()
    shop.merge()
    assert reasons(shop) == ["rated_lines", "invoices"]
    shop.run(MONTH)
    assert totals(shop) == [100]


def test_a_fee_in_advance_is_not_charged_again_when_the_start_moves(shop: Workshop) -> None:
    """Line and invoice have other ids then; of the days, only the five before are not charged yet: 5 of 31."""
    shop.catalog({"meters": [], "plans": [fee_plan("p", "310", "in_advance")]})
    for hours, start, total, issued in ((0, "2023-07-10", 220, 220), (1, "2023-07-05", 270, 50)):
        dates = {"start_at": start, "end_at": "2023-08-01"}
        shop.customers({"subscriptions": [ACME | dates]}, RECEIVED + timedelta(hours=hours))
        shop.run(MONTH)
        assert totals(shop) == [total]
        published = publish_all(shop)
        assert [each.intent.total for each in published.report.issued] == [issued]
    assert [each.state.status for each in published.left_alone] == ["booked, differs by -220.00"]
    again = publish_all(shop)
    assert (again.booked, again.report.issued) == ((), ())


def test_fees_of_months_that_follow_each_other_are_each_published(shop: Workshop) -> None:
    """The half-open ends of July and August touch; they do not overlap."""
    shop.catalog({"meters": [], "plans": [fee_plan("p", "310", "in_advance")]})
    shop.customers({"subscriptions": [ACME | {"start_at": "2023-07-10"}]})
    shop.run(MONTH)
    published = publish_all(shop)
    assert ([each.intent.total for each in published.report.issued], published.complete) == ([220, 310], True)


def test_nothing_is_published_while_a_file_of_customers_has_changed(shop: Workshop) -> None:
    shop.catalog(CALLS)
    shop.customers({"subscriptions": [ACME]})
    shop.place("logs", lines([event(1)]))
    shop.run(MONTH)
    assert reasons(shop) == []
    written = {"subscriptions": [ACME | {"end_at": "2023-07-05"}]}
    (shop.root / "customers" / "customers.yaml").write_text(yaml.safe_dump(written))
    with pytest.raises(gate.PublishRefusedError, match=r"customers\.yaml: the file changed"):
        publish_all(shop)
    customer_files.land_files(shop.pipeline.landing, shop.pipeline.home.customers, RECEIVED + timedelta(hours=1))
    shop.run(MONTH)
    assert (reasons(shop), totals(shop)) == ([], [0])


def test_a_file_of_customers_with_a_blank_in_its_name_enters_once(shop: Workshop) -> None:
    """Entering again at each run, it would take back what came from elsewhere in between."""
    shop.catalog(CALLS)
    shop.source("moesif", format="requests", mapping={})
    (shop.root / "customers" / "our subs.yaml").write_text(yaml.safe_dump({"subscriptions": [ACME]}))
    assert len(customer_files.land_files(shop.pipeline.landing, shop.pipeline.home.customers, RECEIVED)) == 1
    cancelled = ACME | {"status": "cancelled", "end_at": "2023-07-05T00:00:00Z"}
    request = {"method": "POST", "path": "/v1/subscriptions", "body": cancelled}
    shop.place("moesif", lines([request]), RECEIVED + timedelta(hours=1))
    assert (
        customer_files.land_files(shop.pipeline.landing, shop.pipeline.home.customers, RECEIVED + timedelta(hours=2))
        == []
    )
    shop.run(MONTH)
    assert [row["status"] for row in shop.rows(SUBSCRIPTIONS) if row["valid_to"] is None] == ["cancelled"]


def test_files_of_customers_that_landing_would_take_for_one_are_refused(shop: Workshop) -> None:
    for name in ("a b.yaml", "a_b.yaml"):
        (shop.root / "customers" / name).write_text("subscriptions: []")
    with pytest.raises(CustomersFileError, match=r"a_b\.yaml: cannot be told apart from a b\.yaml"):
        customer_files.land_files(shop.pipeline.landing, shop.pipeline.home.customers, RECEIVED)
