"""What is amiss with the customers: warned of until it is mended, in status and by a check."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.standing.lasting import lasting_warnings

MONTH = "2023-07"
CATALOG: dict[str, object] = {
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


def sub(company: str = "acme", **fields: object) -> dict[str, object]:
    """A subscription with nothing amiss; what is None is left out."""
    said = {"subscription_id": f"s-{company}", "company_id": company, "plan_id": "p", "start_at": "2023-07-01"} | fields
    return {name: value for name, value in said.items() if value is not None}


Customers = Mapping[str, object]

WARNED: dict[str, tuple[Customers, list[str]]] = {
    "nothing is amiss": ({"subscriptions": [sub()]}, []),
    "an unknown plan": (
        {"subscriptions": [sub(plan_id="q")]},
        ["subscription s-acme is charged nothing: the catalog has no plan 'q'"],
    ),
    "an unknown plan of a subscription that never bills": ({"subscriptions": [sub(plan_id="q", status="paused")]}, []),
    "no start": (
        {"subscriptions": [sub(start_at=None)]},
        ["subscription s-acme has no start, and is charged since ever; give it a start_at"],
    ),
    "a start in a provider's words": ({"subscriptions": [sub(start_at=None, current_period_start="2023-07-01")]}, []),
    "no start, and never billed": ({"subscriptions": [sub(start_at=None, status="future")]}, []),
    "a company that is misspelt in a subscription": (
        {"subscriptions": [sub(), sub("acmee")]},
        ["company acmee is named by subscription s-acmee alone, and never had an event; is acme meant?"],
    ),
    "the same in several subscriptions": (
        {"subscriptions": [sub(), *(sub("acne", subscription_id=f"s{number}") for number in range(5))]},
        [("company acne is named by subscription s0, s1, s2 and 2 more alone, and never had an event; is acme meant?")],
    ),
    "a company like none": ({"subscriptions": [sub(), sub("globex")]}, []),
    "a company like another that has a record": (
        {"companies": [{"company_id": "acmee"}], "subscriptions": [sub(), sub("acmee")]},
        [],
    ),
    "a company like another that a user is of": (
        {"users": [{"user_id": "u", "company_id": "acmee"}], "subscriptions": [sub(), sub("acmee")]},
        [],
    ),
    "a company like another that had an event": ({"subscriptions": [sub(), sub("acne2")]}, []),
    "a company like another that had an event nobody was charged for": (
        {"subscriptions": [sub(), sub("acme3", start_at="2023-08-01")]},
        [],
    ),
    "a company like one that has events and no subscription": (
        {"subscriptions": [sub("initec")]},
        ["company initec is named by subscription s-initec alone, and never had an event; is initech meant?"],
    ),
    "a record that was refused": (
        {"subscriptions": [sub(), sub("globex", end_at="2023-06-30")]},
        [
            (
                "customers/customers.yaml:6 is refused: end_at 2023-06-30T00:00:00Z lies before "
                "start_at 2023-07-01T00:00:00Z"
            )
        ],
    ),
}


@pytest.fixture
def opened(shop: Workshop) -> Workshop:
    shop.catalog(CATALOG)
    calls = enumerate(("acme", "acne2", "acme3", "initech"))
    shop.place("logs", lines([event(number, company=company) for number, company in calls]))
    return shop


def warned(shop: Workshop) -> list[str]:
    shop.run(MONTH)
    return [str(each) for each in lasting_warnings(shop.pipeline, shop.known())]


@pytest.mark.parametrize("name", WARNED)
def test_what_is_warned_of(opened: Workshop, name: str) -> None:
    customers, expected = WARNED[name]
    opened.customers(customers)
    assert warned(opened) == expected
    # It lasts: whoever asks again is told again.
    assert warned(opened.reopened()) == expected


def again(shop: Workshop, customers: Customers) -> None:
    shop.customers(customers, RECEIVED + timedelta(hours=1))


MENDED: dict[str, Callable[[Workshop], None]] = {
    "the record is mended": lambda shop: again(shop, {"subscriptions": [sub(), sub("globex")]}),
    "the record is left out": lambda shop: again(shop, {"subscriptions": [sub()]}),
    "the file is gone": lambda shop: (shop.root / "customers" / "customers.yaml").unlink(),
}


@pytest.mark.parametrize("way", MENDED)
def test_a_refused_record_is_warned_of_until(opened: Workshop, way: str) -> None:
    opened.customers({"subscriptions": [sub(), sub("globex", end_at="2023-06-30")]})
    assert len(warned(opened)) == 1
    MENDED[way](opened)
    assert warned(opened) == []


def test_a_plan_by_valid_from_that_is_left_out_is_warned_of(opened: Workshop) -> None:
    opened.customers({"subscriptions": [sub()]})
    opened.run(MONTH)
    more = {"subscriptions": [{"subscription_id": "s-acme", "company_id": "globex", "valid_from": "2023-07-16"}]}
    (opened.root / "customers" / "more.yaml").write_text(yaml.safe_dump(more))
    again(opened, {"subscriptions": [sub()]})
    (found,) = warned(opened)
    assert found.startswith(
        "customers/more.yaml:2 is left out: subscription s-acme: company_id 'globex' by valid_from: a change of company"
    )


UNREAD: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "another kind of file": (
        lambda folder: (folder / "notes.txt").write_text("x"),
        ["customers/notes.txt is not read, as its name ends in none of .yaml, .yml, .csv"],
    ),
    "a folder": (
        lambda folder: (folder / "eu.yaml").mkdir(),
        ["customers/eu.yaml is not read, as it is a folder; put what is in it beside it"],
    ),
    "hidden and unfinished files": (
        lambda folder: [(folder / name).write_text("x") for name in (".swp", "customers.yaml.tmp")],
        [],
    ),
    "a link to nowhere": (
        lambda folder: (folder / ".#customers.yaml").symlink_to("nowhere"),
        [],
    ),
}


@pytest.mark.parametrize("name", UNREAD)
def test_what_is_not_read_of_customers_is_named(opened: Workshop, name: str) -> None:
    make, expected = UNREAD[name]
    make(opened.root / "customers")
    opened.customers({"subscriptions": [sub()]})
    assert warned(opened) == expected


def test_a_suffix_in_capitals_is_read(opened: Workshop) -> None:
    folder = opened.root / "customers"
    (folder / "SUBS.YAML").write_text(yaml.safe_dump({"subscriptions": [sub(plan_id="q")]}))
    (folder / "Companies.CSV").write_text("company_id\nacme\n")
    opened.customers({})
    assert warned(opened) == ["subscription s-acme is charged nothing: the catalog has no plan 'q'"]
