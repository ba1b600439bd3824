"""monetization_pipeline/standing/README.md: each change of its table makes out of date what the table says."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from read_page import table
from workshop import RECEIVED, Workshop, event, lines

PAGE = Path(__file__).resolve().parents[2] / "monetization_pipeline" / "standing" / "README.md"
MONTH = "2023-07"

Change = Callable[[Workshop], object]


def catalog(meter: Mapping[str, object] = {}, unit_amount: str = "1") -> dict[str, object]:
    price = {"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": unit_amount}
    plan = {"plan_id": "p", "currency": "USD", "interval": "month", "prices": [price]}
    return {"meters": [{"meter_id": "calls", "aggregation": "count"} | dict(meter)], "plans": [plan]}


def customers(**fields: str) -> dict[str, object]:
    return {"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"} | fields]}


def place(shop: Workshop) -> None:
    shop.place("logs", lines([event(3, at="2023-07-11T13:00:00Z")]), RECEIVED)


def ingest(shop: Workshop) -> None:
    place(shop)
    shop.ingest()


def write_customers(shop: Workshop) -> None:
    (shop.root / "customers" / "customers.yaml").write_text("subscriptions: []")


def end(shop: Workshop) -> None:
    shop.customers(customers(end_at="2023-07-11T12:30:00Z"), RECEIVED + timedelta(hours=1))
    shop.ingest()
    shop.merge()


CHANGES: Mapping[str, Change] = {
    "nothing": lambda shop: None,
    "another amount": lambda shop: shop.catalog(catalog(unit_amount="2")),
    "another filter of the meter": lambda shop: shop.catalog(catalog({"filter": "status < 400"})),
    "a description of the meter": lambda shop: shop.catalog(catalog({"description": "calls"})),
    "a file in landing": place,
    "the file, ingested": ingest,
    "customers written anew": write_customers,
    "the subscription ended on 11 July, merged": end,
}


@pytest.mark.parametrize("row", table(PAGE, "change", "out of date"), ids=lambda row: row["change"])
def test_a_change_makes_out_of_date_what_the_page_says(shop: Workshop, row: Mapping[str, str]) -> None:
    shop.catalog(catalog())
    shop.customers(customers())
    shop.place("logs", lines([event(1), event(2, at="2023-07-11T12:00:00Z")]))
    shop.run(MONTH)
    CHANGES[row["change"]](shop)
    found = shop.reasons(MONTH)
    assert ", ".join(f"{reason.dataset} {reason.partition}" for reason in found) == row["out of date"]
    assert ", ".join(dict.fromkeys(reason.why for reason in found)) == row["and why"]


def test_the_page_has_every_change() -> None:
    assert [row["change"] for row in table(PAGE, "change", "out of date")] == list(CHANGES)
