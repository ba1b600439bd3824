"""`monetize publish` against the sandbox: once, never twice, nothing early, nothing that was booked otherwise."""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from command_line import Monetize

NOT_TO_BE_SEEN = "sk_test_51ThisMustNeverBeSeen"
MONTH = "2023-07"

pytestmark = pytest.mark.slow


def catalog(unit_amount: str) -> str:
    price = {"price_id": "calls", "meter": "calls", "model": "per_unit", "unit_amount": unit_amount}
    return yaml.safe_dump(
        {
            "meters": [{"meter_id": "calls", "aggregation": "count"}],
            "plans": [{"plan_id": "payg", "currency": "USD", "interval": "month", "prices": [price]}],
        }
    )


def write_shop(home: Path, first_day: str) -> None:
    """Acme makes two calls, birch none; both are on a plan since the first day."""
    for name, content in {
        "catalog/catalog.yaml": catalog("0.5"),
        "sources/logs.yaml": yaml.safe_dump(
            {
                "format": "ndjson",
                "mapping": {"event_id": "id", "event_type": "'api_call'", "occurred_at": "at", "company_id": "company"},
            }
        ),
        "customers/subscriptions.csv": "subscription_id,company_id,plan_id,start_at,end_at\n"
        f"s1,acme,payg,{first_day},\ns2,birch,payg,{first_day},\n",
        "calls.ndjson": "".join(
            json.dumps({"id": number, "at": f"{first_day}T00:00:0{number}Z", "company": "acme"}) + "\n"
            for number in range(2)
        ),
    }.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def statuses(monetize: Monetize, month: str = MONTH) -> dict[str, str]:
    return {invoice["company_id"]: invoice["status"] for invoice in monetize.json("invoices", month)}


def stripe_objects(monetize: Monetize) -> list[str]:
    """All that the sandbox keeps, as text."""
    path = monetize.home / ".monetization" / "sandbox" / "stripe.db"
    if not path.exists():
        return []
    with sqlite3.connect(path) as database:
        return sorted(line for line in database.iterdump() if line.startswith("INSERT"))


def test_what_is_published_is_published_once(folder: Callable[..., Monetize]) -> None:
    monetize = folder("starter", STRIPE_API_KEY=NOT_TO_BE_SEEN)
    for made in ("customers/customers.yaml", "sources/example.yaml"):
        (monetize.home / made).unlink()
    write_shop(monetize.home, "2023-07-10")
    said = [monetize.refused("publish", MONTH)]
    assert "2023-07 cannot be published, nothing was sent" in said[0]
    assert stripe_objects(monetize) == []

    said.append(monetize.ok("ingest", "--source", "logs", "calls.ndjson").both)
    said.append(monetize.ok("run", MONTH).both)
    dry = monetize.ok("publish", MONTH, "--dry-run")
    assert "2 invoices would be booked; nothing was booked or sent." in dry.out
    assert statuses(monetize) == {"acme": "final", "birch": "final"}
    assert stripe_objects(monetize) == []

    first = monetize.ok("publish", MONTH)
    assert "2 invoices booked, 1 issued, 0 were issued before, 1 of zero not sent." in first.out
    assert statuses(monetize) == {"acme": "issued", "birch": "booked"}
    held = stripe_objects(monetize)
    assert held
    again = monetize.ok("publish", MONTH)
    assert "0 invoices booked, 0 issued, 1 were issued before, 1 of zero not sent." in again.out
    assert stripe_objects(monetize) == held

    said += [dry.both, first.both, again.both, what_was_booked_stays(monetize, held)]
    assert not any(NOT_TO_BE_SEEN in text for text in said)
    kept = [path for path in (monetize.home / ".monetization").rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in kept)
    assert [path for path in kept if NOT_TO_BE_SEEN.encode() in path.read_bytes()] == []


def what_was_booked_stays(monetize: Monetize, held: list[str]) -> str:
    """A price is changed after booking; what the commands said."""
    (monetize.home / "catalog" / "catalog.yaml").write_text(catalog("0.75"))
    monetize.ok("run", MONTH)
    assert statuses(monetize) == {"acme": "booked, differs by 0.50", "birch": "booked"}
    ended = monetize("publish", MONTH)
    assert ended.code == 1
    assert "acme" in ended.err
    assert "booked, differs by 0.50; what is booked never changes, so it was left alone" in ended.err
    assert stripe_objects(monetize) == held
    return ended.both


def test_a_month_that_is_not_over_is_not_published(folder: Callable[..., Monetize]) -> None:
    monetize = folder("starter")
    for made in ("customers/customers.yaml", "sources/example.yaml"):
        (monetize.home / made).unlink()
    month = f"{datetime.now(UTC):%Y-%m}"
    write_shop(monetize.home, f"{month}-01")
    monetize.ok("ingest", "--source", "logs", "calls.ndjson")
    monetize.ok("run", month)
    assert set(statuses(monetize, month).values()) <= {"estimate", "draft"}
    early = monetize.ok("publish", month)
    assert "0 invoices booked, 0 issued" in early.out
    assert "2 invoices are not final yet." in early.out
    assert set(statuses(monetize, month).values()) <= {"estimate", "draft"}
    assert not any('INSERT INTO "invoices"' in text for text in stripe_objects(monetize))


def test_a_live_key_in_test_mode_is_refused_and_not_shown(folder: Callable[..., Monetize]) -> None:
    live = "sk_live_51ThisMustNeverBeSeenEither"
    monetize = folder("cloudtrail", STRIPE_MODE="test", STRIPE_API_KEY=live)
    said = monetize.refused("publish", MONTH)
    assert "live key" in said
    assert live not in said
    kept = [path for path in (monetize.home / ".monetization").rglob("*") if path.is_file()]
    assert [path for path in kept if live.encode() in path.read_bytes()] == []
