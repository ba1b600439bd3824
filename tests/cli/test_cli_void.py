"""`monetize void`: an event is taken back, once, also before it comes."""

from pathlib import Path

import pytest
from command_line import Monetize

MONTH = "2025-03"
CATALOG = """\
meters:
  - {meter_id: calls, aggregation: count}
plans:
  - plan_id: payg
    currency: USD
    interval: month
    prices: [{price_id: calls, meter: calls, model: per_unit, unit_amount: "1"}]
"""
CUSTOMERS = "subscriptions: [{subscription_id: s, company_id: acme, plan_id: payg}]\n"
SOURCE = "format: ndjson\nmapping: {event_id: id, event_type: \"'api_call'\", occurred_at: at, company_id: company}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Monetize:
    for name, content in (("catalog", CATALOG), ("customers", CUSTOMERS)):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.yaml").write_text(content)
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "logs.yaml").write_text(SOURCE)
    lines = [f'{{"id":"e{number}","at":"{MONTH}-0{number}T12:00:00Z","company":"acme"}}\n' for number in (1, 2, 3)]
    (tmp_path / "events.ndjson").write_text("".join(lines))
    return Monetize(tmp_path)


def total(shop: Monetize) -> str:
    (invoice,) = shop.json("invoices", MONTH)
    return invoice["total"]


@pytest.mark.slow
def test_a_void_takes_an_event_back_once_and_also_one_that_is_still_to_come(shop: Monetize) -> None:
    early = shop.ok("void", "e3", "--source", "logs", "--reason", "a load test").out
    assert "The void holds once it comes." in early
    shop.ok("ingest", "--source", "logs", "events.ndjson")
    shop.ok("run", MONTH)
    assert total(shop) == "2.00"
    assert f"out of date by it: {MONTH}-01." in shop.ok("void", "e1", "--source", "logs", "--reason", "one more").out
    shop.ok("run", MONTH)
    assert total(shop) == "1.00"
    kept = shop.kept()
    assert "voided before" in shop.ok("void", "e1", "--source", "logs", "--reason", "one more").out
    assert shop.kept() == kept
    shop.ok("void", "e1", "--source", "logs", "--reason", "in other words")
    shop.ok("run", MONTH)
    assert total(shop) == "1.00"
    found = shop.json("counts", MONTH)
    assert (found["corrections"], found["raw_events"], found["voided"], found["events"]) == (3, 3, 2, 1)


WRONG: dict[str, tuple[tuple[str, ...], int, str]] = {
    "a source that there is not": (("e1", "--source", "lgos", "--reason", "r"), 1, "source 'lgos' is not declared"),
    "no reason": (("e1", "--source", "logs"), 2, "--reason"),
    "an empty reason": (("e1", "--source", "logs", "--reason", " "), 1, "--reason is empty"),
    "an empty id": (("", "--source", "logs", "--reason", "r"), 1, "EVENT_ID is empty"),
}


@pytest.mark.parametrize(("arguments", "code", "says"), WRONG.values(), ids=WRONG.keys())
def test_a_void_is_refused_with(shop: Monetize, arguments: tuple[str, ...], code: int, says: str) -> None:
    assert says in shop.refused("void", *arguments, code=code)


def test_corrections_are_no_source_to_be_declared(shop: Monetize) -> None:
    (shop.home / "sources" / "corrections.yaml").write_text(SOURCE)
    assert "corrections.yaml: the source 'corrections' is built in" in shop.refused("catalog", "check")
