"""Runs over ranges, runs that have nothing to do, runs that fail: on a small folder."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster_folder import KEPT, RECEIVED, RECEIVED_KEY, Folder, opened
from workshop import Workshop, event, lines

from monetization_pipeline.automation.in_process import RunFailedError, StepCrashedError, opened_instance
from monetization_pipeline.automation.running import OffTheGridError, ingest_received_days
from monetization_pipeline.automation.standing import standing
from monetization_pipeline.catalog.loading import CatalogError
from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, RAW_EVENTS, DatasetSpec
from monetization_pipeline.lake.table import ConcurrentCommitError, NewFile
from monetization_pipeline.partitions import event_day, event_key, grids_from, received_day, received_key
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.steps.invoices import read_invoices
from monetization_pipeline.steps.raw_events import IngestReport

DAYS = ["2023-07-10", "2023-07-11", "2023-07-12"]
MONTH = "2023-07"


def catalog(unit_amount: str) -> dict[str, object]:
    price = {"price_id": "calls", "meter": "calls", "model": "per_unit", "unit_amount": unit_amount}
    return {
        "meters": [{"meter_id": "calls", "aggregation": "count"}],
        "plans": [{"plan_id": "payg", "currency": "USD", "interval": "month", "prices": [price]}],
    }


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return write_shop(tmp_path / "home")


def write_shop(home: Path) -> Workshop:
    """Company acme pays 0.5 USD a call; two calls on the 10th, one on the 12th, one line that is no event."""
    shop = Workshop(home)
    shop.source("logs")
    shop.catalog(catalog("0.5"))
    subscription = {"subscription_id": "s1", "company_id": "acme", "plan_id": "payg", "start_at": "2023-01-01"}
    shop.customers({"subscriptions": [subscription]}, RECEIVED)
    calls = [event(1), event(2), event(3, at="2023-07-12T08:00:00Z"), "this is | no <b>event</b>"]
    shop.place("logs", lines(calls), RECEIVED)
    return shop


@pytest.fixture
def folder(shop: Workshop, folder_of: Callable[..., Folder]) -> Folder:
    """Everything still to be done."""
    return folder_of(first_invoice_at=date(2023, 7, 1))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, instance_template: Path) -> Path:
    """The shop after a run, to be copied."""
    home = tmp_path_factory.mktemp("whole") / "home"
    shutil.copytree(instance_template, write_shop(home).root / KEPT)
    with opened(home) as folder:
        folder.run(MONTH)
    return home


@pytest.fixture
def ran(whole: Path, tmp_path: Path) -> Iterator[Folder]:
    """Everything done."""
    shutil.copytree(whole, tmp_path / "home")
    with opened(tmp_path / "home") as folder:
        yield folder


def totals(folder: Folder) -> list[str]:
    return [f"{invoice.total:.2f}" for invoice in read_invoices(folder.pipeline, MONTH)]


def test_a_range_of_days_is_one_run_that_skips_what_is_up_to_date(folder: Folder) -> None:
    folder.materialize("received_days", ["raw_events"], RECEIVED_KEY)
    folder.materialize("customers_and_catalog", ["companies", "users", "subscriptions"])
    folder.materialize("event_days", ["events", "daily_usage"], *DAYS)
    for asset in ("events", "daily_usage"):
        assert folder.instance.get_materialized_partitions(dg.AssetKey(asset)) == set(DAYS)
    rows = [folder.metadata("events", day)["dagster/partition_row_count"] for day in DAYS]
    assert rows == [2, 0, 1]
    assert [folder.metadata("daily_usage", day)["made"] for day in DAYS] == [
        "now",
        "no: there are no events on this day",
        "now",
    ]
    version = folder.pipeline.lake.table(DAILY_USAGE).claim(DAYS)
    folder.materialize("event_days", ["events", "daily_usage"], *DAYS)
    assert folder.pipeline.lake.table(DAILY_USAGE).claim(DAYS) == version
    again = folder.metadata("daily_usage", DAYS[0])
    assert (again["made"], again["metered"]) == ("before: it was up to date", 2)
    assert len(folder.runs()) == 4


def test_a_refusal_is_shown_with_its_reason(folder: Folder) -> None:
    folder.ingest()
    shown = folder.metadata("raw_events", RECEIVED_KEY)
    assert (shown["files"], shown["files of this run"], shown["raw_events"], shown["refusals"]) == (2, 2, 3, 1)
    assert shown["refusals by reason"].splitlines()[2].startswith("| logs | ")


def test_a_run_says_what_it_does_and_only_does_what_is_out_of_date(
    shop: Workshop, folder: Folder, capfd: pytest.CaptureFixture[str]
) -> None:
    folder.run(MONTH)
    assert totals(folder) == ["1.50"]
    assert folder.said == [
        "raw_events (1 received day)",
        "companies, users, subscriptions, meters, prices",
        "events, daily_usage (2 days)",
        "usage, rated_lines, invoices",
    ]
    assert folder.run(MONTH).made == ()

    shop.catalog(catalog("0.7"))
    assert folder.run(MONTH).made == ("prices", "rated_lines", "invoices")
    assert totals(folder) == ["2.10"]

    shop.place("logs", lines([event(4, at="2023-07-11T08:00:00Z")]), RECEIVED)
    made = folder.run(MONTH).made
    assert made[:3] == ("raw_events (1 received day)", "events (1 day)", "daily_usage (1 day)")
    assert totals(folder) == ["2.80"]
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_customers_written_anew_make_days_out_of_date(ran: Folder) -> None:
    (ran.settings.home / "customers" / "subscriptions.csv").write_text(
        "subscription_id,company_id,plan_id,start_at,end_at\ns1,acme,payg,2023-01-01,2023-07-11\n"
    )
    made = ran.run(MONTH, RECEIVED + timedelta(hours=1)).made
    assert made[:4] == ("raw_events (1 received day)", "companies", "users", "subscriptions")
    assert "daily_usage (1 day)" in made, "the day before the end is as it was"
    assert totals(ran) == ["1.00"]


def test_an_undeclared_source_is_named_and_holds_nothing_up(shop: Workshop, folder: Folder) -> None:
    shop.place("unheard_of", lines([event(9)]), RECEIVED)
    with pytest.raises(RunFailedError, match="unheard_of"):
        folder.ingest()
    assert folder.runs() == [("received_days", "FAILURE")]
    assert len(folder.pipeline.lake.table(RAW_EVENTS).files()) == 1


def test_a_run_goes_on_beside_a_source_that_is_not_declared(shop: Workshop, folder: Folder) -> None:
    shop.place("unheard_of", lines([event(9)]), RECEIVED)
    done = folder.run(MONTH)
    assert totals(folder) == ["1.50"]
    (warning,) = done.warnings
    assert warning.startswith("not ingested, and nothing can be published while it waits: source 'unheard_of' is not")
    assert folder.reasons(MONTH) == ["raw_events r2026-11-22: files in landing wait"]


@pytest.mark.parametrize(
    "received_at", [datetime(2019, 12, 31, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)], ids=["before it", "to come"]
)
def test_a_day_off_the_grid_holds_up_itself_alone(shop: Workshop, folder: Folder, received_at: datetime) -> None:
    shop.place("logs", lines([event(9)]), received_at)
    done = folder.run(MONTH)
    assert totals(folder) == ["1.50"]
    (warning,) = done.warnings
    assert f"files were received on {received_at:%Y-%m-%d}, which does not lie between 2020-01" in warning
    assert "`monetize landing` names them and the ways out" in warning
    assert [status for _, status in folder.runs()] == ["SUCCESS"] * 4
    stands = standing(folder.instance, folder.pipeline, grids_from("2020-01"), RECEIVED)
    (waits,) = [row for row in stands.out_of_date if row.dataset == "raw_events"]
    assert waits.partition == f"r{received_at:%Y-%m-%d}"
    assert waits.waits == "received on a day that cannot be ingested: `monetize landing` names the ways out"
    assert waits.needs_somebody
    with pytest.raises(RunFailedError, match="does not lie between"):
        ingest_received_days(
            folder.definitions, folder.instance, folder.pipeline, [received_at.date()], folder.said.append
        )


def test_a_clock_that_was_ahead_is_named(folder: Folder) -> None:
    assert folder.run(MONTH).warnings == ()
    (warning,) = folder.run(MONTH, RECEIVED - timedelta(days=1, seconds=1)).warnings
    assert "files were ingested as received at 2026-11-22T12:00:00Z, which is still to come" in warning


def test_a_broken_catalog_shows_when_it_is_used(shop: Workshop, folder: Folder) -> None:
    (shop.root / "catalog" / "catalog.yaml").write_text("meters: [{meter_id: calls}]\n")
    with pytest.raises(CatalogError, match=r"catalog\.yaml:1"):
        folder.run(MONTH)
    assert folder.runs() == []
    with pytest.raises(RunFailedError, match=r"catalog\.yaml:1"):
        folder.materialize("customers_and_catalog", ["meters"])


@pytest.mark.parametrize("month", ["2019-12", "2999-01"])
def test_a_period_off_the_grid_is_refused_by_name(folder: Folder, month: str) -> None:
    with pytest.raises(OffTheGridError, match=f"{month} does not lie between 2020-01"):
        folder.run(month)


def test_counts_that_do_not_close_stop_the_run(ran: Folder) -> None:
    rewrite(ran, EVENTS, DAYS[0], counts={"raw_events": 3, "duplicates": 0, "conflicts": 0, "voided": 0, "events": 2})
    with pytest.raises(
        RunFailedError, match="counts_close failed: 2023-07-10: event days: 3 raw events and replacements, but 2"
    ):
        ran.materialize("event_days", ["events", "daily_usage"], *DAYS)
    assert ran.runs()[-1] == ("event_days", "FAILURE")
    assert ran.metadata("daily_usage", DAYS[0])["made"] == "now", "nothing after the check was run"
    with pytest.raises(RunFailedError, match="usage: check counts_close failed: 2023-07"):
        ran.materialize("billing_periods", ["usage", "rated_lines"], MONTH)


def test_rows_that_are_missing_in_the_files_are_noticed(ran: Folder) -> None:
    rewrite(ran, EVENTS, DAYS[0], change=lambda table: table.slice(1))
    with pytest.raises(RunFailedError, match="committed with 2 rows, but its files hold 1"):
        ran.materialize("event_days", ["events"], DAYS[0])


def test_columns_that_are_not_the_declared_ones_stop_the_run(ran: Folder) -> None:
    rewrite(ran, DAILY_USAGE, DAYS[0], change=lambda table: table.drop_columns(["min_value"]))
    with pytest.raises(RunFailedError, match=r"check files failed: daily_usage: .* column min_value is missing"):
        ran.materialize("event_days", ["daily_usage"], DAYS[0])


def rewrite(
    folder: Folder,
    spec: DatasetSpec,
    key: str,
    *,
    counts: dict[str, int] | None = None,
    change: Callable[[pa.Table], pa.Table] = lambda table: table,
) -> None:
    """Commit a partition anew with other rows or counts, as no step would."""
    table = folder.pipeline.lake.table(spec)
    state = table.state(key)
    assert state is not None
    (before,) = table.files([key])
    address = table.new_path(key)
    rows = change(pq.ParquetFile(before.local).read())
    pq.write_table(rows, address.local)
    made = state if counts is None else replace(state, counts=counts)
    table.replace(table.claim([key]), [NewFile(address, key, rows.num_rows)], {key: made})


def test_a_crash_of_a_step_is_no_users_error(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("monetization_pipeline.steps.raw_events.ingest", broken)
    with pytest.raises(StepCrashedError, match="step raw_events failed: ZeroDivisionError: of all things") as caught:
        folder.ingest()
    assert "Stack Trace" in caught.value.__notes__[0]


def asleep() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)


def in_a_query() -> None:
    try:
        asleep()
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
        raise RuntimeError("Query interrupted") from None


def unheard() -> None:
    with contextlib.suppress(KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
        asleep()


@pytest.mark.parametrize("work", [asleep, in_a_query, unheard])
def test_an_interrupted_run_is_interrupted(
    work: Callable[[], None], folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> IngestReport:
        work()
        return IngestReport()

    monkeypatch.setattr("monetization_pipeline.steps.raw_events.ingest", interrupted)
    with pytest.raises(KeyboardInterrupt):
        folder.ingest()
    assert folder.runs()[0][1] in (("SUCCESS",) if work is unheard else ("FAILURE", "CANCELED"))


def test_the_run_of_a_killed_process_is_ended_by_the_next_one(folder: Folder) -> None:
    killed = subprocess.Popen(["true"])
    killed.wait()
    job = folder.definitions.resolve_job_def("event_days")
    for process in (killed.pid, os.getpid()):
        tags = {"monetize/process": f"{socket.gethostname()}:{process}"}
        folder.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
    with opened_instance(folder.settings.home / KEPT) as instance:
        assert [run.status.value for run in reversed(instance.get_runs())] == ["FAILURE", "STARTED"]


@pytest.mark.parametrize(("conflicts", "tries"), [(0, 1), (1, 2)])
def test_a_step_that_was_overtaken_is_run_once_more(conflicts: int, tries: int) -> None:
    calls: list[int] = []
    assert run_step(lambda: work(calls, conflicts)) == tries


def test_a_step_that_is_overtaken_twice_fails_without_retries() -> None:
    calls: list[int] = []
    with pytest.raises(dg.Failure, match="overtaken") as caught:
        run_step(lambda: work(calls, 2))
    assert (len(calls), caught.value.allow_retries) == (2, False)


def work(calls: list[int], conflicts: int) -> int:
    calls.append(1)
    if len(calls) <= conflicts:
        raise ConcurrentCommitError("overtaken")
    return len(calls)


def test_keys_of_partitions_name_their_day() -> None:
    day = event_day("2026-11-22")
    assert (received_key(day), event_key(day)) == (RECEIVED_KEY, "2026-11-22")
    assert received_day(RECEIVED_KEY) == day
