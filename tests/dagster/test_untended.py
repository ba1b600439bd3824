"""Months that nobody tends: files arrive late, customers and meters change, and the right days and periods follow."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO

import dagster as dg
import pytest
import yaml
from call_files import CATALOG, CUSTOMERS, SOURCE, calls, set_up
from dagster_folder import Folder
from untended import DAYS, PERIODS, SCHEDULE, Untended, instant

from monetization_pipeline.automation.standing import Standing, standing
from monetization_pipeline.invoicing.models import minor_text
from monetization_pipeline.partitions import grids_from
from monetization_pipeline.reports import listings
from monetization_pipeline.resources.process import PROCESS_TAG, this_process
from monetization_pipeline.standing.out_of_date import reasons
from monetization_pipeline.steps.invoices import read_invoices
from monetization_pipeline.steps.known import Known

MONTHS = ("2026-01", "2026-02", "2026-03")


def untended(folder_of: Callable[..., Folder], at: str) -> Untended:
    folder = folder_of(first_month="2026-01")
    set_up(folder.settings.home)
    return Untended(folder, instant(at))


def totals(machine: Untended, month: str) -> dict[str, str]:
    invoices = read_invoices(machine.folder.pipeline, month)
    return {invoice.company_id: minor_text(invoice.total, invoice.currency) for invoice in invoices}


def found(machine: Untended) -> Standing:
    """What `monetize status` tells."""
    return standing(machine.folder.instance, machine.folder.pipeline, grids_from("2026-01"), machine.at)


def statuses(machine: Untended, month: str) -> set[str]:
    return {row["status"] for row in listings.invoices(machine.folder.pipeline, month, machine.at)}


def settled(machine: Untended) -> bool:
    """Whether a further round would launch nothing."""
    return not any(machine.evaluate(name)[0] for name in (SCHEDULE, DAYS, PERIODS))


def write(machine: Untended, name: str, content: object) -> None:
    machine.at += timedelta(minutes=1)
    (machine.folder.settings.home / name / f"{name}.yaml").write_text(yaml.safe_dump(content))


def rounds(machine: Untended, number: int) -> list[tuple[str, str]]:
    """What some rounds launch."""
    before = len(machine.launched)
    for _ in range(number):
        machine.round()
    return machine.launched[before:]


def test_a_dropped_file_becomes_a_draft_in_one_round(folder_of: Callable[..., Folder]) -> None:
    machine = untended(folder_of, "2026-03-05T12:00:00")
    machine.drop("api", "calls.ndjson", calls(("a", "2026-03-04T10:00:00Z"), ("b", "2026-03-05T11:00:00Z")))
    machine.round()
    assert machine.launched == [
        ("received_days", "r2026-03-05"),
        ("event_days", "2026-03-04..2026-03-05"),
        ("billing_periods", "2026-03"),
    ]
    assert totals(machine, "2026-03") == {"acme": "0.20"}


def test_a_round_with_nothing_new_launches_nothing(folder_of: Callable[..., Folder]) -> None:
    machine = untended(folder_of, "2026-03-05T12:00:00")
    machine.drop("api", "calls.ndjson", calls(("a", "2026-03-04T10:00:00Z")))
    machine.round()
    # The catalog is shown once; after that there is nothing left to do.
    assert rounds(machine, 2) == [("received_days", "")]
    assert machine.tick(DAYS) == machine.tick(PERIODS) == "everything is up to date"
    assert machine.tick(SCHEDULE) == "everything is up to date"


def test_a_period_that_ends_turns_from_an_estimate_into_a_draft_and_a_late_event_changes_it_alone(
    folder_of: Callable[..., Folder],
) -> None:
    machine = untended(folder_of, "2026-01-20T12:00:00")
    machine.drop("api", "one.ndjson", calls(("a", "2026-01-10T10:00:00Z"), ("b", "2026-01-20T10:00:00Z")))
    rounds(machine, 2)
    assert (totals(machine, "2026-01"), statuses(machine, "2026-01")) == ({"acme": "0.20"}, {"estimate"})

    machine.at = instant("2026-02-01T06:00:00")
    assert rounds(machine, 1) == [("billing_periods", "2026-02")], "the new month has its estimate, of nothing yet"
    assert statuses(machine, "2026-01") == {"draft"}

    machine.at = instant("2026-03-07T06:00:00")
    machine.drop("api", "late.ndjson", calls(("c", "2026-01-31T23:59:59.999999Z"), ("d", "2026-02-01T00:00:00Z")))
    assert rounds(machine, 1) == [
        ("received_days", "r2026-03-07"),
        ("event_days", "2026-01-31..2026-02-01"),
        ("billing_periods", "2026-01"),
        ("billing_periods", "2026-02"),
        ("billing_periods", "2026-03"),
    ]
    assert [totals(machine, month)["acme"] for month in ("2026-01", "2026-02", "2026-03")] == ["0.30", "0.10", "0.00"]
    assert reasons(machine.folder.pipeline, Known.now(machine.folder.pipeline), "2026-01") == []
    assert statuses(machine, "2026-01") == {"final"}
    assert settled(machine)


def test_changes_of_customers_meters_and_prices_launch_what_they_touch(folder_of: Callable[..., Folder]) -> None:
    machine = untended(folder_of, "2026-03-20T12:00:00")
    days = [("a", "2026-02-10T10:00:00Z"), ("b", "2026-03-10T10:00:00Z"), ("c", "2026-03-15T10:00:00Z")]
    machine.drop("api", "acme.ndjson", calls(*days))
    machine.drop("api", "new.ndjson", calls(("x", "2026-03-10T10:00:00Z"), company="globex"))
    rounds(machine, 2)
    assert totals(machine, "2026-03") == {"acme": "0.20"}, "globex is nobody's customer yet"

    # A subscription that starts in the past: its days are metered anew, and unbilled events are billed.
    globex = {"subscription_id": "s2", "company_id": "globex", "plan_id": "payg", "start_at": "2026-03-05"}
    write(machine, "customers", {"subscriptions": [*CUSTOMERS["subscriptions"], globex]})
    assert rounds(machine, 1) == [
        ("received_days", "r2026-03-20"),
        ("event_days", "2026-03-10"),
        ("event_days", "2026-03-15"),
        ("billing_periods", "2026-03"),
    ]
    assert totals(machine, "2026-03") == {"acme": "0.20", "globex": "0.10"}

    # It ends: the days before its end are as they were, the period has to be clipped.
    write(machine, "customers", {"subscriptions": [*CUSTOMERS["subscriptions"], globex | {"end_at": "2026-03-12"}]})
    assert rounds(machine, 1) == [
        ("received_days", "r2026-03-20"),
        ("event_days", "2026-03-15"),
        ("billing_periods", "2026-03"),
    ]

    # Another amount: nothing is metered anew.
    dearer = yaml.safe_load(yaml.safe_dump(CATALOG).replace("'0.10'", "'0.20'"))
    write(machine, "catalog", dearer)
    assert rounds(machine, 1) == [
        ("received_days", ""),
        ("billing_periods", "2026-02"),
        ("billing_periods", "2026-03"),
    ]
    assert totals(machine, "2026-03") == {"acme": "0.40", "globex": "0.20"}

    # Another meter: every day is.
    dearer["meters"][0]["filter"] = "company_id <> 'nobody'"
    write(machine, "catalog", dearer)
    launched = rounds(machine, 1)
    assert [key for job, key in launched if job == "event_days"] == ["2026-02-10", "2026-03-10", "2026-03-15"]
    assert totals(machine, "2026-03") == {"acme": "0.40", "globex": "0.20"}
    assert settled(machine)


def test_a_correction_and_another_zone_of_a_company_touch_their_days(
    folder_of: Callable[..., Folder],
) -> None:
    machine = untended(folder_of, "2026-03-20T12:00:00")
    machine.drop("api", "calls.ndjson", calls(("a", "2026-01-10T10:00:00Z"), ("b", "2026-02-28T23:00:00Z")))
    rounds(machine, 2)
    assert [totals(machine, month)["acme"] for month in MONTHS] == ["0.10", "0.10", "0.00"]

    # A replacement: the event of January happened in February.
    correction = {"correction": "replacement", "event_id": "fix-1", "target_source": "api", "target_event_id": "a"}
    event = {"event_type": "api_call", "company_id": "acme", "occurred_at": "2026-02-11T10:00:00Z"}
    machine.drop("corrections", "fix.ndjson", json.dumps(correction | event).encode())
    assert rounds(machine, 1) == [
        ("received_days", "r2026-03-20"),
        ("event_days", "2026-01-10"),
        ("event_days", "2026-02-11"),
        ("billing_periods", "2026-01"),
        ("billing_periods", "2026-02"),
    ]
    assert [totals(machine, month)["acme"] for month in MONTHS] == ["0.00", "0.20", "0.00"]

    # In Berlin, 23:00 UTC on 28 February is 1 March.
    write(machine, "customers", CUSTOMERS | {"companies": [{"company_id": "acme", "time_zone": "Europe/Berlin"}]})
    launched = rounds(machine, 1)
    assert [key for job, key in launched if job == "event_days"] == ["2026-01-10", "2026-02-11", "2026-02-28"]
    assert [totals(machine, month)["acme"] for month in MONTHS] == ["0.00", "0.10", "0.10"]
    assert settled(machine)


def test_what_fails_is_tried_five_times_then_waits_until_it_changes(folder_of: Callable[..., Folder]) -> None:
    machine = untended(folder_of, "2026-03-05T12:00:00")
    stray = BytesIO(calls(("z", "2026-03-01T00:00:00Z")))
    machine.folder.pipeline.landing.place("nobody", "stray.ndjson", stray, machine.at)
    machine.drop("api", "calls.ndjson", calls(("a", "2026-03-04T10:00:00Z")))
    launched = rounds(machine, 9)
    failed = [run for run in machine.folder.runs() if run == ("received_days", "FAILURE")]
    assert len(failed) == 6, "once with the dropped file, five times without"
    assert totals(machine, "2026-03") == {"acme": "0.10"}, "what is in order is not held up"
    assert launched.count(("billing_periods", "2026-03")) == 1
    assert "tried 5 times" in machine.tick(SCHEDULE)
    (row,) = found(machine).out_of_date
    assert (row.dataset, row.partition, row.tried) == ("raw_events", "r2026-03-05", 5)
    assert row.waits.startswith("tried 5 times")
    failures = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])
    assert row.last_run == machine.folder.instance.get_runs(failures, limit=1)[0].run_id

    (machine.folder.settings.home / "sources" / "nobody.yaml").write_text(yaml.safe_dump(SOURCE))
    machine.drop("api", "more.ndjson", calls(("b", "2026-03-04T11:00:00Z")))
    rounds(machine, 1)
    assert totals(machine, "2026-03") == {"acme": "0.30"}


def test_a_day_that_cannot_be_made_does_not_hold_up_the_others(folder_of: Callable[..., Folder]) -> None:
    machine = untended(folder_of, "2026-03-08T12:00:00")
    machine.drop("api", "calls.ndjson", calls(*((f"e{day}", f"2026-03-0{day}T10:00:00Z") for day in (3, 4, 5))))
    machine.tick(SCHEDULE)
    # Where the fourth's rows should lie, there is a file instead of a folder.
    blocked = machine.folder.pipeline.lake.root / "events" / "occurred_on=2026-03-04"
    blocked.parent.mkdir(parents=True)
    blocked.touch()
    launched = [machine.tick(DAYS) for _ in range(8)]
    assert launched[0] == [("event_days", "2026-03-03..2026-03-05")]
    assert launched[1] == [("event_days", f"2026-03-0{day}") for day in (3, 4, 5)]
    assert launched[2:6] == [[("event_days", "2026-03-04")]] * 4
    assert all("tried 5 times" in found for found in launched[6:])
    assert machine.tick(PERIODS) == "everything is up to date", "the period waits for its days"

    blocked.unlink()
    machine.drop("api", "more.ndjson", calls(("e9", "2026-03-04T11:00:00Z")))
    rounds(machine, 1)
    assert totals(machine, "2026-03") == {"acme": "0.40"}


def test_the_checks_and_the_status_say_what_is_out_of_date(folder_of: Callable[..., Folder]) -> None:
    machine = untended(folder_of, "2026-03-05T12:00:00")
    machine.drop("api", "calls.ndjson", calls(("a", "2026-03-04T10:00:00Z")))
    machine.tick(PERIODS)
    assert "raw_events inbox: api/inbox/calls.ndjson waits" in machine.verdicts["raw_events"]
    machine.tick(SCHEDULE)
    machine.tick(PERIODS)
    assert machine.verdicts == {
        "raw_events": "",
        "daily_usage": "events 2026-03-04: raw events changed",
        "invoices": "usage 2026-03: its event days are made first",
    }
    rows = [(row.dataset, row.partition, row.waits) for row in found(machine).out_of_date]
    assert rows == [("events", "2026-03-04", ""), ("usage", "2026-03", "")]
    machine.round()
    machine.tick(PERIODS)
    assert set(machine.verdicts.values()) == {""}
    assert found(machine).out_of_date == ()
    assert "no daemon was ever seen" in found(machine).automation


def test_nothing_is_launched_beside_a_run_at_work_and_one_whose_process_is_gone_is_ended(
    folder_of: Callable[..., Folder],
) -> None:
    machine = untended(folder_of, "2026-03-05T12:00:00")
    machine.drop("api", "calls.ndjson", calls(("a", "2026-03-04T10:00:00Z")))
    machine.tick(SCHEDULE)
    here = this_process()
    job = machine.folder.definitions.resolve_job_def("event_days")
    run = machine.folder.instance.create_run_for_job(job, tags={PROCESS_TAG: here}, status=dg.DagsterRunStatus.STARTED)
    assert "is started" in machine.tick(DAYS)
    assert found(machine).at_work == (f"event_days : started (run {run.run_id})",)

    host, process, started = here.split(":")
    machine.folder.instance.add_run_tags(run.run_id, {PROCESS_TAG: f"{host}:{process}:{started}0"})
    assert machine.tick(DAYS) == [("event_days", "2026-03-04")]
    assert machine.folder.instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE


@pytest.mark.slow
def test_two_years_of_history_are_metered_a_month_at_a_time(folder_of: Callable[..., Folder]) -> None:
    machine = untended(folder_of, "2026-07-01T00:00:00")
    first = date(2026, 1, 1)
    days = [first + timedelta(days=day) for day in range(70)]
    machine.drop("api", "history.ndjson", calls(*((f"e{day}", f"{day}T12:00:00Z") for day in days)))
    machine.tick(SCHEDULE)
    assert machine.tick(DAYS) == [
        ("event_days", "2026-01-01..2026-01-31"),
        ("event_days", "2026-02-01..2026-03-03"),
        ("event_days", "2026-03-04..2026-03-11"),
    ]
    machine.tick(PERIODS)
    assert [totals(machine, f"2026-0{month}")["acme"] for month in range(1, 8)] == [
        *("3.10", "2.80", "1.10", "0.00", "0.00", "0.00", "0.00")
    ]
