"""A later version, whose invoices have a field more, goes on with what this one booked and issued."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from later_program import MONTH, booked, in_later_program, publish, run_and_look, shown, write_later_program
from workshop import RECEIVED, Workshop

from monetization_pipeline.closing import opening
from monetization_pipeline.datasets.invoice_fields import FORM
from monetization_pipeline.steps.invoices import read_invoices

pytestmark = pytest.mark.slow

Later = Callable[[str], Any]


def plan(amount: str, description: str) -> dict[str, object]:
    fee = {"price_id": "fee", "model": "flat", "amount": amount, "description": description}
    return {"meters": [], "plans": [{"plan_id": "growth", "currency": "USD", "interval": "month", "prices": [fee]}]}


def subscribe(shop: Workshop, hours: int, *companies: str) -> None:
    subscriptions = [
        {"subscription_id": f"s_{company}", "company_id": company, "plan_id": "growth", "start_at": "2023-07-01"}
        for company in companies
    ]
    shop.customers({"subscriptions": subscriptions}, RECEIVED + timedelta(hours=hours))


def book_alone(shop: Workshop, company_id: str) -> None:
    """As if publishing was cut short before it came to issuing anything."""
    invoices = [each for each in read_invoices(shop.pipeline, MONTH) if each.company_id == company_id]
    with opening.opened_ledger(shop.pipeline) as ledger:
        ledger.book(invoices, period=MONTH, as_of=RECEIVED, by="tester", at=RECEIVED)


@pytest.fixture(scope="module")
def later_program(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("later")
    write_later_program(root / "monetization_pipeline", folder)
    return folder


@pytest.fixture
def later(later_program: Path, shop: Workshop) -> Later:
    """Asks the later version about the shop."""
    return lambda act: in_later_program(later_program, act, shop.root)


def test_what_was_booked_in_the_first_form_stays_what_it_is(shop: Workshop, later: Later) -> None:
    shop.catalog(plan("99.00", "Growth"))
    subscribe(shop, 0, "acme")
    run_and_look(shop.root)
    first = publish(shop.root)
    assert (first["booked"], list(first["issued"])) == (["acme"], ["acme"])
    subscribe(shop, 1, "acme", "birch")
    run_and_look(shop.root)
    book_alone(shop, "birch")
    before, seen = booked(shop.root), shown(shop.root)
    assert {company: entry["form"] for company, entry in before.items()} == {"acme": FORM, "birch": FORM}

    assert later("look") == {"acme": "issued", "birch": "booked"}
    assert later("run and look") == {"acme": "issued", "birch": "booked"}
    subscribe(shop, 2, "acme", "birch", "cedar")
    assert later("run and look") == {"acme": "issued", "birch": "booked", "cedar": "final"}
    assert {company: each for company, each in later("shown").items() if company in before} == seen
    done = later("publish")
    after = later("booked")
    hashes = {company: entry["content_hash"] for company, entry in after.items()}
    assert {company: hashes[company] for company in before} == {
        company: entry["content_hash"] for company, entry in before.items()
    }
    assert done == {
        "booked": ["cedar"],
        "issued": {company: hashes[company] for company in ("birch", "cedar")},
        "already issued": {"acme": hashes["acme"]},
        "left alone": [],
    }
    assert {company: (entry["form"], entry["plans"]) for company, entry in after.items()} == {
        "acme": (FORM, [None]),
        "birch": (FORM, [None]),
        "cedar": (FORM + 1, ["growth"]),
    }


def test_another_description_is_no_difference_and_another_amount_is(shop: Workshop, later: Later) -> None:
    shop.catalog(plan("99.00", "Growth"))
    subscribe(shop, 0, "acme")
    run_and_look(shop.root)
    issued = publish(shop.root)["issued"]
    subscribe(shop, 1, "acme", "birch")
    later("run and look")
    issued |= later("publish")["issued"]

    shop.catalog(plan("99.00", "Growth plan"))
    assert later("run and look") == {"acme": "issued", "birch": "issued"}
    nothing = {"booked": [], "issued": {}, "left alone": []}
    assert later("publish") == nothing | {"already issued": issued}

    shop.catalog(plan("104.00", "Growth plan"))
    assert later("run and look") == {"acme": "booked, differs by 5.00", "birch": "booked, differs by 5.00"}
    assert later("publish") == nothing | {"already issued": {}, "left alone": ["acme", "birch"]}
