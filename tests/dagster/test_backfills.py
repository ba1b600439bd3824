"""History: ingested in one go, made by range, interrupted and gone on with, backfilled as the UI does it."""

import calendar
import json
import signal
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from call_files import calls, set_up
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._time import get_current_timestamp
from dagster_folder import Folder
from processes import run, start
from test_daemon import THIS_MONTH, daemon, total, wait_for

from monetization_pipeline.periods import add_months

FIRST, LAST = "2022-10", "2023-03"


def history(home: Path, first: date, days: int) -> Path:
    """One call a day."""
    path = home / "history.ndjson"
    path.write_bytes(calls(*((f"e{day}", f"{first + timedelta(days=day)}T12:00:00Z") for day in range(days))))
    return path


def totals(home: Path, month: str) -> list[str]:
    return [invoice["total"] for invoice in json.loads(run(home, "invoices", month, "--format", "json"))]


@pytest.mark.slow
def test_a_winter_is_made_by_range_and_an_interrupted_run_is_gone_on_with(tmp_path: Path) -> None:
    set_up(tmp_path)
    run(tmp_path, "ingest", "--source", "api", str(history(tmp_path, date(2022, 10, 1), 182)))
    interrupted = start(tmp_path, "run", f"{FIRST}..{LAST}")
    assert interrupted.stderr is not None
    for line in interrupted.stderr:
        if "usage, rated_lines, invoices (2022-12)" in line:
            interrupted.send_signal(signal.SIGINT)
            break
    try:
        _, said = interrupted.communicate(timeout=60)
    finally:
        interrupted.kill()
    assert (interrupted.returncode, said[-9:]) == (1, "Aborted!\n")

    resumed = run(tmp_path, "run", f"{FIRST}..{LAST}")
    assert "invoices (2022-11)" not in resumed, "what was made is not made again"
    assert "events" not in resumed
    assert "invoices (2023-03)" in resumed
    assert f"{FIRST}..{LAST} is up to date" in run(tmp_path, "run", f"{FIRST}..{LAST}")
    days = {"2022-11": "3.00", "2022-12": "3.10", "2023-02": "2.80", "2023-03": "3.10"}
    assert {month: totals(tmp_path, month) for month in days} == {month: [amount] for month, amount in days.items()}


@pytest.mark.slow
def test_days_and_periods_are_backfilled_as_the_ui_asks_for_it(folder_of: Callable[..., Folder], root: Path) -> None:
    months = [add_months(THIS_MONTH, before) for before in (-3, -2, -1)]
    first, *lengths = date.fromisoformat(f"{months[0]}-01"), *map(days_of, months)
    folder = folder_of(first_month=months[0])
    home = folder.settings.home
    set_up(home)
    (home / ".env").write_text(f"MONETIZATION_FIRST_MONTH={months[0]}\n")
    run(home, "ingest", "--source", "api", str(history(home, first, sum(lengths))))
    days = [str(first + timedelta(days=day)) for day in range(sum(lengths))]
    asked = {
        "days": backfill(folder, "days", ["events", "daily_usage"], days),
        "months": backfill(folder, "months", ["usage", "rated_lines", "invoices"], months),
    }
    folder.instance.add_backfill(asked["days"])
    with daemon(folder, root) as process:
        wait_for(process, folder, lambda: status(folder, "days") is BulkActionStatus.COMPLETED_SUCCESS)
        folder.instance.add_backfill(asked["months"])
        wait_for(process, folder, lambda: status(folder, "months") is BulkActionStatus.COMPLETED_SUCCESS)
        # The backfill of days was asked for before customers were merged: what it missed is made good.
        due = [f"{length // 10}.{length % 10}0" for length in lengths]
        wait_for(process, folder, lambda: [total(folder, month) for month in months] == due)
    runs = [run for run in folder.instance.get_runs() if run.tags.get("dagster/backfill") == "days"]
    assert sorted(length(run) for run in runs) == [sum(lengths) - 62, 31, 31]


def days_of(month: str) -> int:
    year, number = map(int, month.split("-"))
    return calendar.monthrange(year, number)[1]


def backfill(folder: Folder, name: str, assets: list[str], keys: list[str]) -> PartitionBackfill:
    return PartitionBackfill.from_asset_partitions(
        backfill_id=name,
        asset_graph=folder.definitions.resolve_asset_graph(),
        partition_names=keys,
        asset_selection=[dg.AssetKey(asset) for asset in assets],
        backfill_timestamp=get_current_timestamp(),
        tags={},
        dynamic_partitions_store=folder.instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )


def status(folder: Folder, name: str) -> BulkActionStatus | None:
    found = folder.instance.get_backfill(name)
    return found.status if found else None


def length(run: dg.DagsterRun) -> int:
    first, last = (date.fromisoformat(run.tags[f"dagster/asset_partition_range_{end}"]) for end in ("start", "end"))
    return (last - first).days + 1
