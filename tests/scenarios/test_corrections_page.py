"""docs/corrections.md is one story: its files and customers, step by step, give the figures beside them."""

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import yaml
from workshop import RECEIVED, Workshop

from monetization_pipeline.standing import counts
from monetization_pipeline.steps import invoices

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "corrections.md"
_BLOCK = re.compile(r"^```(\w+) (.+?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MONTHS = ("2023-07", "2023-08")
_CATALOG: dict[str, object] = {
    "meters": [{"meter_id": "calls", "event_type": "api_call", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": "payg",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "calls", "meter": "calls", "model": "per_unit", "unit_amount": "1"}],
        }
    ],
}


def totals(shop: Workshop) -> dict[str, Decimal]:
    drafts = {month: invoices.read_invoices(shop.pipeline, month) for month in _MONTHS}
    return {month: sum((invoice.total for invoice in found), Decimal()) for month, found in drafts.items()}


def test_the_story_of_the_page(shop: Workshop) -> None:
    shop.catalog(_CATALOG)
    checked = 0
    for number, (form, said, text) in enumerate(_BLOCK.findall(PAGE.read_text())):
        what, _, which = said.partition(" ")
        if (form, what) == ("yaml", "customers"):
            shop.customers(yaml.safe_load(text), RECEIVED + timedelta(days=10, minutes=number))
        elif (form, what) == ("yaml", "source"):
            (shop.root / "sources" / f"{which}.yaml").write_text(text)
        elif what in ("totals", "counts"):
            shop.run(*_MONTHS)
            expected = json.loads(text)
            if what == "totals":
                assert totals(shop) == {month: Decimal(total) for month, total in expected.items()}, text
            else:
                found = counts.count_period(shop.pipeline, which)
                assert {name: found.by_name()[name] for name in expected} == expected
                assert found.problems == []
            checked += 1
        else:
            shop.place(what, text.encode(), datetime.fromisoformat(which))
    assert checked == 14
