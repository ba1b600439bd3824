"""What the provider cannot take is found out before it is booked: it stays unbooked, with the reason."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from workshop import Workshop, event, lines

from monetization_pipeline.closing.deciding import Cause, Decided
from monetization_pipeline.closing.opening import opened_provider
from monetization_pipeline.closing.publish import PublishedPeriod, look_at, publish_to
from monetization_pipeline.datasets import METER_REFUSALS
from monetization_pipeline.ledger.opening import open_ledger
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.stripe.provider import StripeProvider
from monetization_pipeline.reports import listings

SANDBOX = Account("stripe")
LATER = datetime(2025, 3, 5, tzinfo=UTC)


def publish(shop: Workshop, month: str = "2025-01") -> PublishedPeriod:
    return publish_to(shop.pipeline, SANDBOX, month, clock=lambda: LATER, by="tester")


def dry_run(shop: Workshop, month: str = "2025-01") -> dict[str, str]:
    """What a dry run says of each company's invoice."""
    decided = look_at(shop.pipeline, SANDBOX, month, LATER).decision.invoices
    return {each.invoice.company_id: f"{each.does}: {each.why}" for each in decided}


def not_taken(done: PublishedPeriod) -> list[Decided]:
    return done.decision.because(Cause.NOT_TAKEN)


def statuses(shop: Workshop, month: str = "2025-01") -> dict[str, str]:
    return {row["company_id"]: row["status"] for row in listings.invoices(shop.pipeline, month, LATER)}


def remote(shop: Workshop) -> dict[str, list[tuple[Decimal, int]]]:
    """Total and lines of each invoice at the provider, by the company that its customer bears."""
    with opened_provider(shop.pipeline, SANDBOX) as provider:
        assert isinstance(provider, StripeProvider)
        customers = {each.id: each.metadata["company_id"] for each in provider._services().customers.list().data}
        every = provider._services().invoices.list({"limit": 100}).data
        found: dict[str, list[tuple[Decimal, int]]] = {}
        for each in every:
            invoice = provider._invoice(each)
            found.setdefault(customers[each.customer], []).append((invoice.total, len(invoice.lines)))
    return found


def plan(plan_id: str, currency: str, **price: object) -> dict[str, object]:
    prices = [{"price_id": "x", "model": "per_unit", "meter": "egress", "unit_amount": "0.01"} | price]
    return {"plan_id": plan_id, "currency": currency, "interval": "month", "prices": prices}


def write_catalog(shop: Workshop, *plans: Mapping[str, object]) -> None:
    meter = {"aggregation": "sum", "value": "metadata.gb", "dimensions": ["metadata.project"]}
    shop.catalog({"meters": [{"meter_id": "egress"} | meter], "plans": list(plans)})


def subscribe(shop: Workshop, companies: Mapping[str, str], *more: Mapping[str, object]) -> None:
    """Each company on a plan, for January 2025 alone."""
    january = {"start_at": "2025-01-01", "end_at": "2025-02-01"}
    subscriptions = [
        {"subscription_id": f"s{number}", "company_id": company_id, "plan_id": plan_id} | january
        for number, (company_id, plan_id) in enumerate(companies.items())
    ]
    shop.customers({"companies": list(more), "subscriptions": subscriptions}, datetime(2025, 2, 2, tzinfo=UTC))


def use(shop: Workshop, company_id: str, projects: Sequence[str], gb: object = 100) -> None:
    records = [
        event(number, company=company_id, at="2025-01-10T00:00:00Z", m={"project": project, "gb": gb})
        | {"id": f"{company_id[:9]}{number}"}
        for number, project in enumerate(projects)
    ]
    shop.place("logs", lines(records), datetime(2025, 2, 2, tzinfo=UTC))


def projects(count: int) -> list[str]:
    return [f"project-{number:03}" for number in range(count)]


def test_an_invoice_of_too_many_lines_is_booked_once_usage_is_grouped_by_less(shop: Workshop) -> None:
    """Callers fill in the groups: 100 GB in each project at 0.01 are 1.00 a line; 300, 250 and 1 lines."""
    subscribe(shop, {"big": "cloud", "edge": "cloud", "small": "cloud"})
    for company_id, count in (("big", 300), ("edge", 250), ("small", 1)):
        use(shop, company_id, projects(count))
    write_catalog(shop, plan("cloud", "USD", group_by=["metadata.project"]))
    shop.run("2025-01")
    reason = "leave: it cannot be issued: it has 300 lines; a Stripe invoice has 1 to 250"
    said = dry_run(shop)
    assert said.pop("big").startswith(reason)
    assert said == {"edge": "issue: ", "small": "issue: "}

    done = publish(shop)
    assert (len(done.booked), len(done.report.issued), done.report.failed, done.complete) == (2, 2, (), False)
    assert [each.invoice.company_id for each in not_taken(done)] == ["big"]
    assert f"leave: {not_taken(done)[0].why}".startswith(reason)
    assert statuses(shop) == {"big": "final", "edge": "issued", "small": "issued"}
    assert remote(shop) == {"edge": [(Decimal("250.00"), 250)], "small": [(Decimal("1.00"), 1)]}

    write_catalog(shop, plan("cloud", "USD"))
    shop.run("2025-01")
    done = publish(shop)
    assert (len(done.booked), len(done.report.issued), not_taken(done)) == (1, 1, [])
    held = remote(shop)
    assert held == {
        "big": [(Decimal("300.00"), 1)],
        "edge": [(Decimal("250.00"), 250)],
        "small": [(Decimal("1.00"), 1)],
    }
    with closing(open_ledger(f"sqlite:///{shop.pipeline.ledger_file}")) as ledger:
        booked = {entry.invoice.company_id: entry.invoice.total for entry in ledger.booked_in("2025-01")}
    assert booked == {"big": 300, "edge": 250, "small": 1}
    assert publish(shop).booked == ()
    assert remote(shop) == held


LONG_ID = "c" * 501
CANNOT: Mapping[str, tuple[str, Mapping[str, object], object, str]] = {
    "a currency of three digits that Stripe does not document": (
        *("IQD", {}, 100, "Stripe does not document how it takes IQD"),
    ),
    "another": ("LYD", {}, 100, "Stripe does not document how it takes LYD"),
    "an amount of 13 digits in cents": ("USD", {}, 1_000_000_000_000, "an amount of 10000000000 USD, with more than"),
    "a company_id that no metadata hold": ("USD", {"company_id": LONG_ID}, 100, "longer than the 500 characters"),
    "an email that is none": ("USD", {"email": "billing at acme"}, 100, "the email 'billing at acme' of company"),
    "an email that is too long": ("USD", {"email": f"{'e' * 501}@acme.example"}, 100, "of at most 512 characters"),
}


@pytest.mark.parametrize(("currency", "company", "gb", "says"), CANNOT.values(), ids=CANNOT.keys())
def test_it_is_not_booked_and_the_reason_is_told(
    shop: Workshop, currency: str, company: Mapping[str, object], gb: object, says: str
) -> None:
    bad = {"company_id": "bad"} | dict(company)
    write_catalog(shop, plan("cloud", "USD"), plan("other", currency))
    subscribe(shop, {str(bad["company_id"]): "other", "good": "cloud"}, bad)
    use(shop, str(bad["company_id"]), ["p"], gb)
    use(shop, "good", ["p"])
    shop.run("2025-01")
    said = dry_run(shop)
    done = publish(shop)
    assert (len(done.booked), len(done.report.issued), done.report.failed, done.complete) == (1, 1, (), False)
    for told in (said[str(bad["company_id"])], f"leave: {not_taken(done)[0].why}"):
        assert told.startswith("leave: it cannot be issued: ")
        assert says in told
    assert statuses(shop) == {str(bad["company_id"]): "final", "good": "issued"}
    assert remote(shop) == {"good": [(Decimal("1.00"), 1)]}


def test_an_amount_of_twelve_digits_in_cents_is_booked(shop: Workshop) -> None:
    """999,999,999,999 GB at 0.01 are 9,999,999,999.99."""
    write_catalog(shop, plan("cloud", "USD"))
    subscribe(shop, {"acme": "cloud"})
    use(shop, "acme", ["p"], 999_999_999_999)
    shop.run("2025-01")
    assert publish(shop).complete
    assert remote(shop) == {"acme": [(Decimal("9999999999.99"), 1)]}


def test_a_company_that_has_a_customer_may_have_any_id(shop: Workshop) -> None:
    with opened_provider(shop.pipeline, SANDBOX) as provider:
        assert isinstance(provider, StripeProvider)
        customer = provider._services().customers.create({"metadata": {"company_id": "by hand"}}).id
    write_catalog(shop, plan("cloud", "USD"))
    subscribe(shop, {LONG_ID: "cloud"}, {"company_id": LONG_ID, "provider_customer_id": customer})
    use(shop, LONG_ID, ["p"])
    shop.run("2025-01")
    assert dry_run(shop) == {LONG_ID: "issue: "}
    assert publish(shop).complete
    assert remote(shop) == {"by hand": [(Decimal("1.00"), 1)]}


def test_an_invoice_of_nothing_is_booked_whatever_the_provider_takes(shop: Workshop) -> None:
    """It is not to be issued; 300 projects, each within the units that are free."""
    write_catalog(shop, plan("cloud", "USD", group_by=["metadata.project"], included_units="100"))
    subscribe(shop, {"free": "cloud"})
    use(shop, "free", projects(300))
    shop.run("2025-01")
    done = publish(shop)
    assert (len(done.booked), len(done.report.zero), done.complete) == (1, 1, True)


def test_a_group_of_more_than_200_characters_is_refused_by_the_meter(shop: Workshop) -> None:
    """200 characters beyond ASCII are a group, 201 are none; a meter that does not group by them counts both."""
    group, too_long = "ü" * 200, "ü" * 201
    meters = [
        {"meter_id": "by_project", "aggregation": "count", "dimensions": ["metadata.project", "metadata.tier"]},
        {"meter_id": "all", "aggregation": "count", "dimensions": ["metadata.project"]},
    ]
    each = {"model": "per_unit", "unit_amount": "1"}
    prices = [
        each | {"price_id": "grouped", "meter": "by_project", "group_by": ["metadata.project"]},
        each | {"price_id": "whole", "meter": "all"},
    ]
    shop.catalog(
        {
            "meters": meters,
            "plans": [{"plan_id": "cloud", "currency": "USD", "interval": "month", "prices": prices}],
        }
    )
    subscribe(shop, {"acme": "cloud"})
    used: list[dict[str, Any]] = [{"project": group}, {"project": too_long}, {"project": group, "tier": too_long}]
    records = [event(number, at="2025-01-10T00:00:00Z", m=m) for number, m in enumerate(used)]
    shop.place("logs", lines(records), datetime(2025, 2, 2, tzinfo=UTC))
    shop.run("2025-01")
    (refused,) = shop.rows(METER_REFUSALS)
    assert (refused["event_id"], refused["meter_id"], refused["value"]) == ("e1", "by_project", too_long)
    assert refused["reason"] == "metadata.project, which a price groups by, has more than 200 characters"
    (invoice,) = listings.invoices(shop.pipeline, "2025-01", LATER)
    assert {line["price_id"]: line["amount"] for line in invoice["lines"]} == {"grouped": "2.00", "whole": "3.00"}
    assert publish(shop).complete


def test_a_description_is_cut_at_500_characters_where_people_read_it_and_seen_to_be(shop: Workshop) -> None:
    meter = {"meter_id": "egress", "aggregation": "count", "dimensions": ["metadata.a", "metadata.b", "metadata.c"]}
    grouped = {"price_id": "grouped", "meter": "egress", "model": "per_unit", "unit_amount": "1"}
    fee = {"price_id": "fee", "model": "flat", "amount": "1", "description": "f" * 501}
    prices = [grouped | {"group_by": meter["dimensions"], "description": "Egress"}, fee]
    shop.catalog(
        {"meters": [meter], "plans": [{"plan_id": "p", "currency": "USD", "interval": "month", "prices": prices}]}
    )
    subscribe(shop, {"acme": "p"})
    groups = {name: name * 200 for name in "abc"}
    records = [event(1, at="2025-01-10T00:00:00Z", m=groups), event(2, at="2025-01-10T00:00:00Z", m={"c": "2"})]
    shop.place("logs", lines(records), datetime(2025, 2, 2, tzinfo=UTC))
    shop.run("2025-01")
    (invoice,) = listings.invoices(shop.pipeline, "2025-01", LATER)
    words = {line["description"] for line in invoice["lines"] if line["price_id"] == "grouped"}
    [long] = [text for text in words if len(text) > 100]
    assert long == f"Egress (metadata.a: {'a' * 200}, metadata.b: {'b' * 200}, metadata.c: {'c' * 51}…"
    assert len(long) == 500
    [fee_words] = [line["description"] for line in invoice["lines"] if line["price_id"] == "fee"]
    assert fee_words == "f" * 499 + "…"
    assert publish(shop).complete
