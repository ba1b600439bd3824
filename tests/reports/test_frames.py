"""Listings as frames, and docs/notebooks.md, whose code is run."""

import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from read_page import blocks
from workshop import Workshop, event, lines

from monetization_pipeline.reports.frames import to_pandas
from monetization_pipeline.reports.promised import InvoiceRow, UnbilledRow, UsageRow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "notebooks.md"

CATALOG = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": "p",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": "0.1"}],
        }
    ],
}


@pytest.fixture
def billing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three calls of January 2025 in a working folder, one of them of nobody who pays."""
    home = tmp_path / "billing"
    shop = Workshop(home)
    shop.source("logs")
    shop.catalog(CATALOG)
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    at = "2025-01-10T12:00:00Z"
    sent = [event(1, at=at), event(2, at=at), event(3, at=at, company=None), "not json"]
    shop.place("logs", lines(sent), datetime(2025, 2, 1, tzinfo=UTC))
    shop.run("2025-01")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MONETIZATION_")]:
        monkeypatch.delenv(name)
    return home


def test_the_page_runs_and_its_figures_are_exact(billing: Path) -> None:
    found: dict[str, Any] = {}
    for block in blocks(PAGE):
        exec(compile(block.text, str(PAGE), "exec"), found)
    assert found["owed"].to_dict() == {("acme", "USD"): Decimal("0.200000000000000000000000")}
    assert found["by_meter"].to_dict() == {"calls": Decimal("2.000000000000000000000000")}
    assert found["reasons"].to_dict() == {"no_company": 1}
    assert (len(found["lines"]), len(found["refusals"])) == (1, 1)
    assert found["unbilled"]["occurred_at"][0] == pd.Timestamp("2025-01-10T12:00:00Z")
    assert found["unbilled"]["user_id"].isna().all()


@pytest.mark.parametrize("kind", [InvoiceRow, UsageRow, UnbilledRow])
def test_a_listing_of_nothing_has_its_columns(kind: type) -> None:
    frame = to_pandas([], kind)
    assert (len(frame), list(frame.columns)) == (0, list(kind.__annotations__))


def _usage_row(quantity: str) -> dict[str, object]:
    return dict.fromkeys(UsageRow.__annotations__, "") | {
        **dict.fromkeys(("segment_start", "segment_end", "period_start", "period_end"), "2025-01-01T00:00:00Z"),
        "quantity": quantity,
        "events": 1,
    }


def test_tenths_add_up_to_one() -> None:
    assert to_pandas([_usage_row("0.1")] * 10, UsageRow)["quantity"].sum() == Decimal(1)


def test_the_largest_sum_there_is_is_shown_added_up_and_multiplied() -> None:
    largest = "99999999999999999999999999.999999999999"
    quantities = to_pandas([_usage_row(largest)] * 2, UsageRow)["quantity"]
    assert quantities.tolist() == [Decimal(largest)] * 2
    assert quantities.sum() == (quantities * 2)[0] == Decimal("199999999999999999999999999.999999999998")
