"""`monetize publish` against the sandbox: once, never twice, nothing early, nothing that was booked otherwise."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
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


def write_shop(home: Path) -> None:
    """Instead of the starter: acme makes two calls, birch none; both are on a plan since July 2023."""
    for starter in ("customers/customers.yaml", "sources/example.yaml"):
        (home / starter).unlink()
    calls = [{"id": number, "at": f"2023-07-10T12:00:0{number}Z", "company": "acme"} for number in range(2)]
    mapping = {"event_id": "id", "event_type": "'api_call'", "occurred_at": "at", "company_id": "company"}
    files = {
        "catalog/catalog.yaml": catalog("0.5"),
        "sources/logs.yaml": yaml.safe_dump({"format": "ndjson", "mapping": mapping}),
        "customers/subscriptions.csv": "subscription_id,company_id,plan_id,start_at,end_at\n"
        "s1,acme,payg,2023-07-01,\ns2,birch,payg,2023-07-01,\n",
        "calls.ndjson": "".join(json.dumps(call) + "\n" for call in calls),
    }
    for name, content in files.items():
        (home / name).write_text(content)


def statuses(monetize: Monetize, month: str = MONTH) -> dict[str, str]:
    return {invoice["company_id"]: invoice["status"] for invoice in monetize.json("invoices", month)}


def stripe_objects(monetize: Monetize) -> list[str]:
    """Everything that the sandbox was made to keep: customers, invoices, lines."""
    path = monetize.home / ".monetization" / "sandbox" / "stripe.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as database:
        return sorted(line for line in database.iterdump() if line.startswith('INSERT INTO "objects"'))


def test_what_is_published_is_published_once(folder: Callable[..., Monetize]) -> None:
    monetize = folder(None, STRIPE_API_KEY=NOT_TO_BE_SEEN)
    write_shop(monetize.home)
    said = [monetize.refused("publish", MONTH)]
    assert "2023-07 cannot be published, nothing was sent" in said[0]
    assert stripe_objects(monetize) == []

    said.append(monetize.ok("ingest", "--source", "logs", "calls.ndjson").both)
    said.append(monetize.ok("run", MONTH).both)
    dry = monetize.ok("publish", MONTH, "--dry-run")
    assert "2 invoices would be booked, 1 issued; nothing was booked or sent." in dry.out
    assert stripe_objects(monetize) == []

    first = monetize.ok("publish", MONTH)
    assert "2 invoices booked, 1 issued, 0 were issued before, 1 of zero not sent." in first.out
    assert statuses(monetize) == {"acme": "issued", "birch": "booked"}
    held = stripe_objects(monetize)
    assert held
    again = monetize.ok("publish", MONTH)
    assert "0 invoices booked, 0 issued, 1 were issued before, 1 of zero not sent." in again.out
    assert stripe_objects(monetize) == held

    what_is_not_over_waits(monetize, held)
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
    assert "was left alone: it is booked, differs by 0.50; what is booked never changes" in ended.err
    assert stripe_objects(monetize) == held
    return ended.both


def what_is_not_over_waits(monetize: Monetize, held: list[str]) -> None:
    """Publishing this month, long before its invoices are due."""
    month = f"{datetime.now(UTC):%Y-%m}"
    monetize.ok("run", month)
    early = monetize.ok("publish", month)
    assert "0 invoices booked, 0 issued" in early.out
    assert "2 invoices are not final yet." in early.out
    assert set(statuses(monetize, month).values()) <= {"estimate", "draft"}
    assert stripe_objects(monetize) == held


def test_a_live_key_in_test_mode_is_refused_and_not_shown(folder: Callable[..., Monetize]) -> None:
    live = "sk_live_51ThisMustNeverBeSeenEither"
    monetize = folder("cloudtrail", STRIPE_MODE="test", STRIPE_API_KEY=live)
    said = monetize.refused("publish", MONTH)
    assert "live key" in said
    assert live not in said
    kept = [path for path in (monetize.home / ".monetization").rglob("*") if path.is_file()]
    assert [path for path in kept if live.encode() in path.read_bytes()] == []
