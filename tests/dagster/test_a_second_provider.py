"""Another provider, of which nothing is known but its own file and its registration, published to by everything that
there is: the command line, its dry run, Dagster's job and asset, the ledger and the lake."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from click.testing import CliRunner, Result
from dagster_folder import Folder
from paper import PAPER

from monetization_pipeline.cli import main
from monetization_pipeline.closing.opening import opened_ledger
from monetization_pipeline.datasets import STRIPE_INVOICES
from monetization_pipeline.lake.rows import read_rows
from monetization_pipeline.publishing import registry
from monetization_pipeline.publishing.accounts import Account

MONTH = "2026-10"
PAPER_ACCOUNT = Account("paper")

FEE = {"model": "flat", "amount": "10.00"}
CATALOG = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": "payg",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "calls", "meter": "calls", "model": "per_unit", "unit_amount": "0.5"}],
        },
        {
            "plan_id": "many",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": f"fee_{number}"} | FEE for number in range(4)],
        },
    ],
}
CUSTOMERS = {
    "companies": [{"company_id": "acme", "name": "Acme"}],
    "subscriptions": [
        {"subscription_id": "s1", "company_id": "acme", "plan_id": "payg", "start_at": "2026-10-01"},
        {"subscription_id": "s2", "company_id": "birch", "plan_id": "payg", "start_at": "2026-10-01"},
        {"subscription_id": "s3", "company_id": "cedar", "plan_id": "many", "start_at": "2026-10-01"},
    ],
}
MAPPING = {"event_id": "id", "event_type": "'api_call'", "occurred_at": "at", "company_id": "company"}


@pytest.fixture
def folder(folder_of: Callable[..., Folder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Three calls of acme, none of birch; cedar has more lines than a sheet of paper holds. October is over."""
    monkeypatch.setitem(registry.PROVIDERS, PAPER.name, PAPER)
    home = tmp_path / "home"
    calls = [{"id": number, "at": "2026-10-10T12:00:00Z", "company": "acme"} for number in range(3)]
    for name, content in (
        ("catalog/catalog.yaml", yaml.safe_dump(CATALOG)),
        ("customers/customers.yaml", yaml.safe_dump(CUSTOMERS)),
        ("sources/logs.yaml", yaml.safe_dump({"format": "ndjson", "mapping": MAPPING})),
        ("calls.ndjson", "".join(json.dumps(call) + "\n" for call in calls)),
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content)
    made = folder_of(first_month="2026-10", account=PAPER_ACCOUNT)
    made.place("logs", home / "calls.ndjson")
    made.run(MONTH)
    return made


def monetize(folder: Folder, *arguments: str) -> Result:
    home = folder.settings.home
    environment = {"MONETIZATION_HOME": str(home), "MONETIZATION_PROVIDER": "paper", "MONETIZATION_FIRST_MONTH": MONTH}
    return CliRunner().invoke(main, arguments, env=environment)


def drawer(folder: Folder) -> dict[str, Any]:
    """What the stand-in holds, by name."""
    files = (folder.settings.home / ".monetization" / "sandbox" / "drawer").glob("*.json")
    return {path.stem: json.loads(path.read_text()) for path in files}


def statuses(folder: Folder) -> dict[str, str]:
    shown = json.loads(monetize(folder, "invoices", MONTH, "--format", "json").stdout)
    return {invoice["company_id"]: invoice["status"] for invoice in shown}


def test_the_command_line_books_and_issues_once(folder: Folder) -> None:
    dry = monetize(folder, "publish", MONTH, "--dry-run")
    assert "Dry run, Paper mode sandbox" in dry.stdout
    assert "2 invoices would be booked" in dry.stdout
    said = "was left alone: it cannot be issued: it has more than 3 lines"
    assert said in " ".join(dry.stderr.split())

    first = monetize(folder, "publish", MONTH)
    said = "paper (sandbox, account drawer): 2 invoices booked, 1 issued, 0 were issued before, 1 of zero not sent."
    assert said in " ".join(first.stdout.split())
    assert "was left alone: it cannot be issued: it has more than 3 lines" in " ".join(first.stderr.split())
    assert first.exit_code == 1
    assert statuses(folder) == {"acme": "issued", "birch": "booked", "cedar": "final"}
    held = drawer(folder)
    seller_id = (folder.settings.home / "seller.id").read_text().strip()
    assert seller_id.startswith("seller_")
    assert held["customer-0"] == [seller_id, "acme"]
    invoice = held["invoice-0"]
    assert (invoice["state"], [Decimal(amount) for amount in invoice["lines"].values()]) == ("open", [Decimal("1.50")])

    again = monetize(folder, "publish", MONTH)
    assert "0 invoices booked, 0 issued, 1 were issued before" in " ".join(again.stdout.split())
    assert drawer(folder) == held


def test_dagster_shows_and_publishes_it(folder: Folder) -> None:
    graph = folder.definitions.resolve_asset_graph()
    assert dg.AssetKey("paper_invoices") in graph.get_all_asset_keys()
    assert dg.AssetKey("stripe_invoices") not in graph.get_all_asset_keys()
    assert "issue them in Paper" in (folder.definitions.resolve_job_def("publishing").description or "")
    with pytest.raises(Exception, match="has more than 3 lines"):
        folder.materialize("publishing", ["paper_invoices"], MONTH, publish=True)
    # Said by the failure as well: what was issued until then is shown.
    assert statuses(folder)["acme"] == "issued"


def test_what_was_published_is_read_back_by_its_provider(folder: Folder) -> None:
    monetize(folder, "publish", MONTH)
    lake = folder.pipeline.lake
    (row,) = read_rows(lake.table(PAPER.invoices).files([MONTH]))
    assert (row["company_id"], str(row["total"]), row["state"], row["number"]) == (
        *("acme", "1.500000000000", "issued", "INVOICE-0"),
    )
    assert lake.table(STRIPE_INVOICES).files() == []
    assert PAPER.invoices in registry.every_dataset()
    with opened_ledger(folder.pipeline) as ledger:
        assert {each.intent.provider for each in ledger.publications(MONTH)} == {"paper"}
