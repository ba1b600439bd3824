"""What assets show: images in their place, and numbers under the same names in every partition."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
from dagster_folder import Folder
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.definitions import build_definitions
from monetization_pipeline.settings import Settings

PRICE = {"price_id": "calls", "meter": "calls", "model": "per_unit", "unit_amount": "0.5"}
CATALOG = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}, {"meter_id": "idle", "aggregation": "count"}],
    "plans": [
        {"plan_id": "dollars", "currency": "USD", "interval": "month", "prices": [PRICE]},
        {"plan_id": "euros", "currency": "EUR", "interval": "month", "prices": [PRICE]},
    ],
}


def subscription(company: str, plan: str, end: str) -> dict[str, str]:
    return {
        "subscription_id": company,
        "company_id": company,
        "plan_id": plan,
        "start_at": "2023-01-01T00:00:00Z",
        "end_at": end,
    }


@pytest.fixture
def folder(tmp_path: Path, folder_of: Callable[..., Folder]) -> Folder:
    """acme calls twice in June and three times in July; globex once in June, and is gone in July."""
    shop = Workshop(tmp_path / "home")
    shop.source("logs")
    shop.catalog(CATALOG)
    subscriptions = [
        subscription("acme", "dollars", "2024-01-01T00:00:00Z"),
        subscription("globex", "euros", "2023-07-01T00:00:00Z"),
    ]
    shop.customers({"subscriptions": subscriptions}, RECEIVED)
    callers = ("acme", "acme", "globex")
    june = [event(number, at="2023-06-30T12:00:00Z", company=name) for number, name in enumerate(callers)]
    july = [event(10 + n, at=f"2023-07-0{2 + n % 2}T12:00:00Z") for n in range(3)]
    shop.place("logs", lines([*june, *july]), RECEIVED)
    folder = folder_of()
    for month in ("2023-06", "2023-07"):
        folder.run(month)
    return folder


def image(markdown: str) -> str:
    """The picture's own text."""
    assert len(markdown) < 1000
    match = re.fullmatch(r"!\[[^]]*\]\(data:image/svg\+xml,(.*)\)", markdown)
    assert match
    return unquote(match[1])


def numbers(shown: dict[str, object]) -> set[str]:
    return {name for name, value in shown.items() if isinstance(value, int | float)}


def test_days_show_the_days_before_them_and_the_same_numbers_whether_there_is_anything_or_not(folder: Folder) -> None:
    folder.materialize("event_days", ["events", "daily_usage"], "2023-07-01", "2023-07-02", "2023-07-03")
    empty, second, third = (folder.metadata("daily_usage", f"2023-07-0{day}") for day in (1, 2, 3))
    assert numbers(empty) == numbers(second) == numbers(third)
    assert [day["events of calls (plot)"] for day in (empty, second, third)] == [0.0, 2.0, 1.0]
    assert [day["events of idle (plot)"] for day in (empty, second, third)] == [0.0, 0.0, 0.0]
    assert [day["metered"] for day in (empty, second, third)] == [0, 2, 1]
    picture = image(third["metered per day"])
    assert "metered per day, at most 3<" in picture
    assert ">2023-06-03<" in picture
    assert ">2023-07-03<" in picture
    # 30 June, 2 and 3 July: three, two and one metered events of at most three, 94 pixels high.
    assert [int(height) for height in re.findall(r"v-(\d+)", picture)] == [94, 63, 31]
    for key in ("2023-07-01", "2023-07-03"):
        assert numbers(folder.metadata("events", key)) == numbers(folder.metadata("events", "2023-07-02"))


def test_usage_shows_each_meter_by_day(folder: Folder) -> None:
    usage = folder.metadata("usage", "2023-07")
    assert (usage["quantity of calls (plot)"], usage["quantity of idle (plot)"]) == (3.0, 0.0)
    picture = image(usage["calls per day (count)"])
    assert [int(height) for height in re.findall(r"v-(\d+)", picture)] == [94, 47]
    assert "idle per day (count)" not in usage


@pytest.mark.parametrize("asset", ["rated_lines", "invoices"])
def test_amounts_are_shown_with_the_periods_before_and_none_is_left_out_of_a_plot(folder: Folder, asset: str) -> None:
    name = {"rated_lines": "exact amount", "invoices": "amount"}[asset]
    june, july = folder.metadata(asset, "2023-06"), folder.metadata(asset, "2023-07")
    assert numbers(june) == numbers(july)
    plots = [(month[f"{name} USD (plot)"], month[f"{name} EUR (plot)"]) for month in (june, july)]
    assert plots == [(1.0, 0.5), (1.5, 0.0)]
    assert july[name] == "0 EUR, 1.5 USD"
    dollars = image(july[f"{name} USD by period"])
    assert [int(height) for height in re.findall(r"v-(\d+)", dollars)] == [63, 94]
    assert ">2023-06<" in dollars


def test_what_is_committed_beside_a_dataset_is_named(tmp_path: Path) -> None:
    graph = build_definitions(Settings(home=tmp_path)).resolve_asset_graph()
    described = {key.to_user_string(): graph.get(key).description or "" for key in graph.get_all_asset_keys()}
    for asset, beside in {
        "raw_events": ("refusals", "corrections", "entity_changes", "landing_files"),
        "daily_usage": ("meter_refusals", "unbilled"),
        "invoices": ("invoice_lines",),
    }.items():
        assert all(f"- `{name}`: " in described[asset] for name in beside)
