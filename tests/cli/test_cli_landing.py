"""A wrong clock: `--received-at` is checked before anything lands, and what lies off the grid has its ways out."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import Monetize

from monetization_pipeline.landing.store import Landing

SOURCE = "format: ndjson\nmapping: {event_id: id, event_type: \"'api_call'\", occurred_at: at, company_id: company}\n"
CATALOG = """
meters: [{meter_id: calls, aggregation: count}]
plans:
  - plan_id: payg
    currency: USD
    interval: month
    prices: [{price_id: call, meter: calls, model: per_unit, unit_amount: "1"}]
"""
CUSTOMERS = "subscriptions: [{subscription_id: s, company_id: acme, plan_id: payg, start_at: 2025-01-01}]\n"
JANUARY = "2025-01"


@pytest.fixture
def monetize(tmp_path: Path) -> Monetize:
    for name, text in (("catalog", CATALOG), ("customers", CUSTOMERS), ("sources", SOURCE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / {"sources": "logs.yaml"}.get(name, f"{name}.yaml")).write_text(text)
    return Monetize(tmp_path, {"MONETIZATION_FIRST_MONTH": JANUARY})


def call(home: Path, number: int) -> Path:
    path = home / f"{number}.ndjson"
    path.write_text(json.dumps({"id": f"e{number}", "at": "2025-01-10T12:00:00Z", "company": "acme"}) + "\n")
    return path


def totals(monetize: Monetize) -> list[str]:
    return [invoice["total"] for invoice in monetize.json("invoices", JANUARY)]


@pytest.mark.parametrize(
    ("instant", "says"),
    [
        ("2024-12-31T23:59:59Z", "2024-12-31 lies before 2025-01-01 (the setting MONETIZATION_FIRST_MONTH)"),
        ("2999-01-01", "2999-01-01 is still to come"),
    ],
)
def test_nothing_lands_at_an_instant_off_the_grid(monetize: Monetize, instant: str, says: str) -> None:
    said = monetize.refused("ingest", "--source", "logs", "--received-at", instant, call(monetize.home, 1))
    assert says in said
    assert monetize.kept() == {}
    monetize.ok("ingest", "--source", "logs", "--received-at", "2025-02-01", call(monetize.home, 1))
    monetize.ok("run", JANUARY)
    assert totals(monetize) == ["1.00"]


def test_what_lies_off_the_grid_holds_up_nothing_and_has_its_ways_out(monetize: Monetize) -> None:
    landing = Landing(monetize.home / ".monetization" / "landing")
    for number in (1, 2):
        content = io.BytesIO(call(monetize.home, number).read_bytes())
        landing.place("logs", f"{number}.ndjson", content, datetime(2999, 1, number, tzinfo=UTC))
    monetize.ok("ingest", "--source", "logs", call(monetize.home, 3))
    ran = monetize.ok("run", JANUARY)
    assert "warning: not ingested, and nothing can be published while it waits" in ran.err
    assert totals(monetize) == ["1.00"]
    assert "raw_events r2999-01-01: files in landing wait" in monetize.refused("publish", JANUARY, "--dry-run")

    waits = monetize.json("landing")
    assert [(row["source"], row["received_at"], row["why"]) for row in waits] == [
        ("logs", "2999-01-01T00:00:00Z", "2999-01-01 is still to come"),
        ("logs", "2999-01-02T00:00:00Z", "2999-01-02 is still to come"),
    ]
    shown = monetize.ok("landing").out
    assert "2999-01-02 is still to come" in shown
    assert "--received-at INSTANT or --discard" in shown

    monetize.ok("landing", "logs", "1.ndjson", "--received-at", "2025-02-01", "--reason", "the clock was wrong")
    monetize.ok("landing", "logs", waits[1]["file"], "--discard", "--reason", "a test")
    assert monetize.json("landing") != [], "the first is still to be ingested"
    monetize.ok("run", JANUARY)
    assert totals(monetize) == ["2.00"]
    assert monetize.json("landing") == []
    monetize.ok("publish", JANUARY, "--dry-run")
    decided = monetize.json("landing", "--decided")
    assert [(row["did"], row["why"], row["file"] == waits[at]["file"]) for at, row in enumerate(decided)] == [
        ("received at another instant", "the clock was wrong", True),
        ("discarded", "a test", True),
    ]
    assert all(row["who"] and row["at"] for row in decided)
    assert "was ingested" in monetize.refused("landing", "logs", "1.ndjson", "--discard", "--reason", "x")


@pytest.mark.parametrize(
    "arguments",
    [
        ("logs",),
        ("logs", "1.ndjson"),
        ("logs", "1.ndjson", "--discard"),
        ("logs", "--discard", "--reason", "x"),
        ("--discard", "--reason", "x"),
        ("logs", "1.ndjson", "--discard", "--received-at", "2025-02-01", "--reason", "x"),
        ("--reason", "x"),
    ],
)
def test_half_a_decision_is_wrong_usage(monetize: Monetize, arguments: tuple[str, ...]) -> None:
    monetize.refused("landing", *arguments, code=2)


def test_the_clock_of_this_machine_is_held_against_the_grid(monetize: Monetize) -> None:
    early = Monetize(monetize.home, {"MONETIZATION_FIRST_MONTH": "2998-01"})
    said = early.refused("ingest", "--source", "logs", call(monetize.home, 1))
    assert "lies before 2998-01-01" in said
    said = early.refused("void", "e1", "--source", "logs", "--reason", "x")
    assert "lies before 2998-01-01" in said
    assert monetize.kept() == {}
