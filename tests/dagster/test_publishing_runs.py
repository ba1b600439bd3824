"""Publishing as Dagster sees it: nothing is booked or sent unless the run's config says so, whoever starts it."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from click.testing import CliRunner, Result
from dagster_folder import Folder

from monetization_pipeline.automation.in_process import RunFailedError
from monetization_pipeline.cli import main
from monetization_pipeline.closing.opening import opened_ledger
from monetization_pipeline.publishing import registry
from monetization_pipeline.publishing.sandbox.server import start_stripe_sandbox

FIRST, SECOND = "2026-09", "2026-10"
BEGIN = date(2026, 9, 1)
FEE = {"price_id": "fee", "model": "flat", "amount": "10.00"}
PLAN = {"plan_id": "p", "currency": "USD", "interval": "month", "prices": [FEE]}
SUBSCRIPTIONS = [
    {"subscription_id": f"s-{name}", "company_id": name, "plan_id": "p", "start_at": "2026-09-01"}
    for name in ("acme", "birch")
]
ASSET = "stripe_invoices"


def made(folder_of: Callable[..., Folder], home: Path, **settings: object) -> Folder:
    for name, content in (
        ("catalog/catalog.yaml", {"meters": [], "plans": [PLAN]}),
        ("customers/customers.yaml", {"subscriptions": SUBSCRIPTIONS}),
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(yaml.safe_dump(content))
    folder = folder_of(first_month=FIRST, **settings)
    folder.run(FIRST)
    folder.run(SECOND)
    return folder


@pytest.fixture
def folder(folder_of: Callable[..., Folder], tmp_path: Path) -> Folder:
    """acme and birch pay 10.00 a month; September and October are over and made."""
    return made(folder_of, tmp_path / "home", first_invoice_at=BEGIN)


def monetize(folder: Folder, *arguments: str, said: str = "", **environment: str) -> Result:
    settings = {
        "MONETIZATION_HOME": str(folder.settings.home),
        "MONETIZATION_FIRST_MONTH": FIRST,
        "MONETIZATION_FIRST_INVOICE_AT": f"{BEGIN}",
    }
    return CliRunner().invoke(main, arguments, input=said, env={**settings, **environment})


def booked(folder: Folder, month: str) -> int:
    with opened_ledger(folder.pipeline) as ledger:
        return len(ledger.booked_in(month))


def accounts_of(folder: Folder, month: str) -> list[list[str]]:
    """The accounts that each invoice was issued at."""
    shown = json.loads(monetize(folder, "invoices", month, "--format", "json").stdout)
    return [[each["account"] for each in invoice["issued_at"]] for invoice in shown]


def nobody(*_: object) -> Any:
    raise AssertionError("somebody was asked")


def test_to_materialize_all_reads_back_and_asks_nobody(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    stripe = registry.PROVIDERS["stripe"]
    asking_nobody = registry.Registered(
        *("stripe", "Stripe", stripe.invoices, nobody, stripe.limits, nobody, stripe.new_customer)
    )
    monkeypatch.setitem(registry.PROVIDERS, "stripe", asking_nobody)
    folder.materialize("publishing", [ASSET], FIRST, SECOND)
    for month in (FIRST, SECOND):
        shown = folder.metadata(ASSET, month)
        assert (shown["to be booked"], shown["to be issued"], shown["booked now"], shown["issued now"]) == (2, 2, 0, 0)
        assert (shown["done"], shown["account"]) == ("read back; nothing was booked or sent", "none yet")
        assert shown["cannot be published"] == "no reason"
        assert booked(folder, month) == 0
    assert not (folder.settings.home / ".monetization" / "sandbox").exists()
    assert not (folder.settings.home / "seller.id").exists()


def test_a_period_that_cannot_be_published_is_read_back_with_the_reason(folder: Folder) -> None:
    catalog = {"meters": [], "plans": [PLAN | {"prices": [FEE | {"amount": "11.00"}]}]}
    (folder.settings.home / "catalog" / "catalog.yaml").write_text(yaml.safe_dump(catalog))
    folder.materialize("publishing", [ASSET], FIRST)
    shown = folder.metadata(ASSET, FIRST)
    assert "2026-09 cannot be published, nothing was sent" in shown["cannot be published"]
    assert (shown["to be booked"], booked(folder, FIRST)) == (0, 0)


@pytest.mark.parametrize("said", [{}, {"periods": 1}, {"periods": 3}], ids=str)
def test_a_run_over_several_periods_publishes_only_if_it_says_how_many(folder: Folder, said: dict[str, int]) -> None:
    with pytest.raises(RunFailedError, match="this run is over 2 billing periods, 2026-09 to 2026-10"):
        folder.materialize("publishing", [ASSET], FIRST, SECOND, publish=True, **said)
    assert (booked(folder, FIRST), booked(folder, SECOND)) == (0, 0)
    folder.materialize("publishing", [ASSET], FIRST, SECOND, publish=True, periods=2)
    for month in (FIRST, SECOND):
        shown = folder.metadata(ASSET, month)
        assert (shown["booked now"], shown["issued now"], shown["amount"]) == (2, 2, "20 USD")


def test_a_period_before_anything_was_received_is_published_only_if_the_run_says_so(
    folder_of: Callable[..., Folder], tmp_path: Path
) -> None:
    """All that was received came in November."""
    folder = made(folder_of, tmp_path / "home")
    with pytest.raises(RunFailedError, match="2026-09 is held, as it lies before anything was received"):
        folder.materialize("publishing", [ASSET], FIRST, publish=True)
    assert booked(folder, FIRST) == 0
    folder.materialize("publishing", [ASSET], FIRST, publish=True, held=True)
    assert (booked(folder, FIRST), folder.metadata(ASSET, FIRST)["issued now"]) == (2, 2)


def test_one_period_that_cannot_be_published_does_not_hold_up_the_others(folder: Folder) -> None:
    """October is not made from what there is now; a price was renamed, and only September was run again."""
    fee = FEE | {"description": "Fee"}
    catalog = {"meters": [], "plans": [PLAN | {"prices": [fee]}]}
    (folder.settings.home / "catalog" / "catalog.yaml").write_text(yaml.safe_dump(catalog))
    folder.run(FIRST)
    with pytest.raises(RunFailedError, match="2026-10 cannot be published"):
        folder.materialize("publishing", [ASSET], FIRST, SECOND, publish=True, periods=2)
    assert (booked(folder, FIRST), booked(folder, SECOND)) == (2, 0)
    assert folder.metadata(ASSET, FIRST)["issued now"] == 2


def test_a_publication_by_the_command_line_is_a_run_like_any_other(folder: Folder) -> None:
    before = len(folder.runs())
    assert monetize(folder, "publish", FIRST).exit_code == 0
    (run,) = folder.runs()[before:]
    assert run == ("publishing", "SUCCESS")
    assert folder.metadata(ASSET, FIRST)["issued now"] == 2
    (newest, *_) = folder.instance.get_runs(limit=1)
    with opened_ledger(folder.pipeline) as ledger:
        assert {entry.booked_by for entry in ledger.booked_in(FIRST)} == {f"Dagster run {newest.run_id}"}

    catalog = {"meters": [], "plans": [PLAN | {"prices": [FEE | {"amount": "11.00"}]}]}
    (folder.settings.home / "catalog" / "catalog.yaml").write_text(yaml.safe_dump(catalog))
    folder.run(FIRST)
    differing = monetize(folder, "publish", FIRST)
    assert (differing.exit_code, folder.runs()[-1]) == (1, ("publishing", "FAILURE"))
    assert "0 invoices booked, 0 issued" in " ".join(differing.stdout.split())
    assert "booked, differs by 1.00; what is booked never changes" in " ".join(differing.stderr.split())

    refused = monetize(folder, "publish", SECOND)
    assert (refused.exit_code, folder.runs()[-1]) == (1, ("publishing", "FAILURE"))
    assert "2026-10 cannot be published, nothing was sent" in refused.stderr


def test_a_period_off_the_grid_is_refused_by_name(folder: Folder) -> None:
    before = folder.runs()
    refused = monetize(folder, "publish", "2026-08")
    assert (refused.exit_code, folder.runs()) == (1, before)
    assert "billing period 2026-08 does not lie between 2026-09" in " ".join(refused.stderr.split())


@pytest.fixture
def other(tmp_path: Path) -> AbstractContextManager[str]:
    return start_stripe_sandbox(tmp_path / "other.db")


def test_a_switch_of_accounts_is_said_and_what_was_booked_before_is_asked_for(
    folder: Folder, other: AbstractContextManager[str]
) -> None:
    assert monetize(folder, "publish", FIRST).exit_code == 0
    [[ours], _] = accounts_of(folder, FIRST)
    live = monetize(folder, "publish", SECOND, STRIPE_MODE="live", STRIPE_API_KEY="sk_live_51NobodyHasThisKey")
    assert live.exit_code == 1
    said = "this folder publishes to stripe, mode sandbox, account"
    assert said in " ".join(live.stderr.split())
    with other as address:
        there = {"STRIPE_API_BASE": address}
        for arguments in (["publish", SECOND], ["publish", SECOND, "--dry-run"]):
            refused = monetize(folder, *arguments, **there)
            assert (refused.exit_code, said in " ".join(refused.stderr.split())) == (1, True)
        assert booked(folder, SECOND) == 0

        assert monetize(folder, "publish", SECOND, "--switch-account", **there).exit_code == 0
        [[theirs], _] = accounts_of(folder, SECOND)
        assert theirs != ours
        listed = monetize(folder, "invoices", FIRST)
        assert f"booked    due 2026-10-01  acme; issued at stripe, mode sandbox, account {ours}" in listed.stdout

        left = monetize(folder, "publish", FIRST, **there)
        assert (left.exit_code, accounts_of(folder, FIRST)) == (0, [[ours]] * 2)
        assert "2 invoices were booked before this folder was switched" in " ".join(left.stderr.split())
        declined = monetize(folder, "publish", FIRST, "--booked-before", said="n\n", **there)
        assert (declined.exit_code, accounts_of(folder, FIRST)) == (1, [[ours]] * 2)
        assert f"Issue these 2 invoices as well, at stripe, mode sandbox, account {theirs}?" in declined.stderr
        assert declined.stdout.count("birch") == 1
        issued = monetize(folder, "publish", FIRST, "--booked-before", said="y\n", **there)
        assert (issued.exit_code, accounts_of(folder, FIRST)) == (0, [[ours, theirs]] * 2)
        assert folder.metadata(ASSET, FIRST)["amount"] == "20 USD"
    assert dg.DagsterRunStatus.FAILURE.value in {status for _, status in folder.runs()}
