"""docs/operations.md, "As-of": its commands, run on a month that changed since."""

import json
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from command_line import Monetize

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
SHOWN = "2023-08-02T06:00:00Z"
MONTH = "2023-07"

pytestmark = pytest.mark.slow


def commands() -> list[list[str]]:
    section = PAGE.read_text().partition("## As-of")[2].partition("\n## ")[0]
    return [shlex.split(line) for line in re.findall(r"^ {4}monetize (.*)$", section, re.MULTILINE)]


def write_catalog(home: Path, unit_amount: str) -> None:
    price = {"price_id": "calls", "meter": "calls", "model": "per_unit", "unit_amount": unit_amount}
    plan = {"plan_id": "payg", "currency": "USD", "interval": "month", "prices": [price]}
    content = {"meters": [{"meter_id": "calls", "aggregation": "count"}], "plans": [plan]}
    (home / "catalog" / "catalog.yaml").write_text(yaml.safe_dump(content))


def logs(home: Path, *numbers: int) -> Path:
    calls = [{"id": number, "at": f"2023-07-10T12:00:0{number}Z", "company": "acme"} for number in numbers]
    path = home / f"calls-{numbers[0]}.ndjson"
    path.write_text("".join(f"{json.dumps(call)}\n" for call in calls))
    return path


@pytest.fixture
def shop(folder: Callable[..., Monetize]) -> Monetize:
    monetize = folder(None)
    for name in ("catalog", "customers", "sources"):
        for starter in (monetize.home / name).iterdir():
            starter.unlink()
    write_catalog(monetize.home, "0.5")
    subscriptions = [{"subscription_id": "s", "company_id": "acme", "plan_id": "payg"}]
    (monetize.home / "customers" / "customers.yaml").write_text(yaml.safe_dump({"subscriptions": subscriptions}))
    mapping = {"event_id": "id", "event_type": "'api_call'", "occurred_at": "at", "company_id": "company"}
    source = {"format": "ndjson", "mapping": mapping}
    (monetize.home / "sources" / "api.yaml").write_text(yaml.safe_dump(source))
    return monetize


def test_a_month_is_shown_as_it_was_before_a_late_file_and_a_new_price(shop: Monetize) -> None:
    shop.ok("ingest", "--source", "api", logs(shop.home, 1, 2))
    shop.ok("run", MONTH)
    instant = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    invoices = shop.json("invoices", MONTH)
    assert [invoice["total"] for invoice in invoices] == ["1.00"]
    line_id = invoices[0]["lines"][0]["line_id"]

    def called(arguments: list[str]) -> list[str]:
        return [argument.replace(SHOWN, instant).replace("LINE_ID", line_id) for argument in arguments]

    shown = [called(command) for command in commands()]
    assert [command[0] for command in shown] == ["run", "invoices", "usage", "counts", "explain"]
    before = [shop.ok(*command[: command.index("--as-of")], "--format", "json").out for command in shown[1:]]

    write_catalog(shop.home, "7")
    shop.ok("ingest", "--source", "api", logs(shop.home, 3))
    backdated = ("--received-at", "2023-08-01T00:00:00Z")
    shop.ok("run", MONTH)
    assert [invoice["total"] for invoice in shop.json("invoices", MONTH)] == ["21.00"]
    assert f"run `monetize run {MONTH} --as-of {instant}`" in shop.refused(*shown[1])

    kept = shop.kept()
    made = shop.ok(*shown[0])
    assert "warning" not in made.both
    assert [shop.ok(*command, "--format", "json").out for command in shown[1:]] == before
    assert {path: content for path, content in shop.kept().items() if path in kept} == kept

    shop.ok("ingest", "--source", "api", *backdated, logs(shop.home, 4, 5))
    named = shop.ok(*shown[0]).err
    assert re.search(r"warning: api/\S+@calls-4.ndjson counts as received until \S+, but was ingested later", named)
    assert [invoice["total"] for invoice in shop.json(*shown[1])] == ["2.00"]


def test_an_instant_that_cannot_be_looked_back_at_is_refused(shop: Monetize) -> None:
    assert "nothing was run until 2023-08-02T06:00:00Z" in shop.refused("run", MONTH, "--as-of", SHOWN)
    assert "is still to come; leave out --as-of" in shop.refused("run", MONTH, "--as-of", "2999-01-01")
    assert "is not an instant" in shop.refused("run", MONTH, "--as-of", "then", code=2)
    assert "No such option" in shop.refused("publish", MONTH, "--as-of", SHOWN, code=2)
