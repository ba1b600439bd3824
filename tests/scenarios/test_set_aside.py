"""One line that cannot be rated sets its own invoice aside, and stops nobody else (rule 22)."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.closing import opening, publish
from monetization_pipeline.datasets import INVOICES, RATED_LINES, SET_ASIDE
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.reports import listings

MONTH = "2023-07"
NOW = datetime(2023, 8, 5, tzinfo=UTC)
TOKENS: dict[str, object] = {
    "meters": [{"meter_id": "tokens", "aggregation": "sum", "value": "metadata.tokens"}],
    "plans": [
        {
            "plan_id": "p",
            "currency": "USD",
            "interval": "month",
            "prices": [
                {"price_id": "token", "model": "per_unit", "meter": "tokens", "unit_amount": "1"},
                {"price_id": "base", "model": "flat", "amount": "10", "bill": "in_arrears"},
            ],
        }
    ],
}
REASON = (
    "subscription s-acme: price token comes to 1234567890123456, more than 14 whole digits; check the meter's values "
    "and the price"
)


def told(shop: Workshop, tokens: object) -> None:
    shop.catalog(TOKENS)
    shop.customers(
        {
            "subscriptions": [
                {"subscription_id": f"s-{name}", "company_id": name, "plan_id": "p"} for name in ("acme", "globex")
            ]
        }
    )
    shop.source("logs")
    sent = [event(1, m={"tokens": tokens}), event(2, company="globex", m={"tokens": 5})]
    shop.place("logs", lines(sent))
    shop.run(MONTH)


def published(shop: Workshop) -> publish.PublishedPeriod:
    with (
        opening.opened_ledger(shop.pipeline) as ledger,
        opening.opened_provider(shop.pipeline, Account("stripe")) as provider,
    ):
        return publish.publish_period(shop.pipeline, ledger, provider, MONTH, clock=lambda: NOW, by="tester")


def test_an_amount_too_large_sets_aside_its_invoice_alone(shop: Workshop) -> None:
    told(shop, "1234567890123456")
    acme, globex = (dict(row) for row in listings.invoices(shop.pipeline, MONTH, NOW))
    assert (acme["company_id"], acme["total"], acme["lines"]) == ("acme", None, [])
    assert (acme["status"], acme["publish"], acme["why"]) == ("set aside", "leave", REASON)
    assert (globex["total"], globex["status"]) == ("15.00", "final")
    json.dumps([acme, globex])


def test_publishing_issues_all_others_and_is_not_complete(shop: Workshop) -> None:
    told(shop, "1234567890123456")
    done = published(shop)
    assert [each.intent.total for each in done.report.issued] == [Decimal(15)]
    assert (len(done.booked), done.complete) == (1, False)
    assert [each.reasons for each in done.decision.set_aside] == [(REASON,)]


def test_what_is_set_aside_comes_back_once_the_value_is_put_right(shop: Workshop) -> None:
    told(shop, "1234567890123456")
    published(shop)
    shop.source(
        "put_right",
        mapping={
            "event_id": "id",
            "event_type": "'api_call'",
            "occurred_at": "at",
            "correction": "'void'",
            "target_event_id": "id",
            "target_source": "'logs'",
        },
    )
    shop.place("put_right", lines([event(1)]), RECEIVED.replace(hour=13))
    shop.run(MONTH)
    assert shop.rows(SET_ASIDE) == []
    assert [(each.intent.total, done.complete) for done in [published(shop)] for each in done.report.issued] == [
        (10, True)
    ]


def test_nothing_of_an_invoice_that_is_set_aside_is_an_invoice(shop: Workshop) -> None:
    """Its fee of 10.00 can be rated, and waits with it."""
    told(shop, "1234567890123456")
    assert sorted(row["price_id"] for row in shop.rows(RATED_LINES) if row["company_id"] == "acme") == ["base"]
    assert [row["company_id"] for row in shop.rows(INVOICES)] == ["globex"]
    assert [(row["price_id"], row["group"]) for row in shop.rows(SET_ASIDE)] == [("token", "{}")]
