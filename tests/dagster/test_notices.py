"""Notices reach the webhook once each, and its address shows nowhere."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path

import dagster as dg
import pytest
from call_files import calls, set_up
from dagster_folder import Folder
from untended import DAYS, SCHEDULE, Untended, instant

from monetization_pipeline.automation.notices import NoticeError, post
from monetization_pipeline.definitions import build_definitions
from monetization_pipeline.settings import Settings

TOKEN = "token-never-to-be-seen"


@dataclass
class Hook:
    """A webhook on this machine; `answer` is its status."""

    address: str = ""
    answer: int = 200
    got: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if found.answer == 200:
                found.got.append(json.loads(body))
            self.send_response(found.answer)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.address = f"http://127.0.0.1:{server.server_port}/{TOKEN}"
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def noticed(machine: Untended, hook: Hook) -> list[str]:
    """What one tick of the sensor posts."""
    hook.got.clear()
    machine.evaluate("standing_notices")
    return [notice["text"] for notice in hook.got]


def test_without_an_address_nothing_is_posted_by_anybody(tmp_path: Path) -> None:
    sensors = build_definitions(Settings(home=tmp_path)).sensors or ()
    assert {sensor.name for sensor in sensors} == {"event_days", "billing_periods"}


def test_what_waits_and_what_is_silent_is_posted_once_and_taken_back(
    folder_of: Callable[..., Folder], hook: Hook
) -> None:
    folder = folder_of(first_month="2026-01", webhook_url=hook.address, fresh_hours=24)
    set_up(folder.settings.home)
    machine = Untended(folder, instant("2026-03-05T12:00:00"))
    folder.pipeline.landing.place("nobody", "stray.ndjson", BytesIO(calls(("z", "2026-03-01T00:00:00Z"))), machine.at)
    machine.drop("api", "calls.ndjson", calls(("a", "2026-03-04T10:00:00Z")))
    assert noticed(machine, hook) == []
    for _ in range(6):
        machine.tick(SCHEDULE)
    (waits,) = noticed(machine, hook)
    assert waits.startswith("monetize: raw_events r2026-03-05: files in landing wait; tried 5 times")
    assert noticed(machine, hook) == []

    machine.at = instant("2026-03-07T12:00:00")
    assert noticed(machine, hook) == [
        "monetize: nothing was received since 2026-03-05 12:00 UTC, for more than 24 hours"
    ]
    hook.answer = 500
    machine.drop("api", "more.ndjson", calls(("b", "2026-03-07T10:00:00Z")))
    machine.tick(SCHEDULE)
    with pytest.raises(Exception, match="did not take a notice"):
        machine.evaluate("standing_notices")
    hook.answer = 200
    assert noticed(machine, hook)[0].startswith("monetize: no longer so: nothing was received"), "it is tried again"


def test_a_failed_run_is_posted_with_what_it_says(folder_of: Callable[..., Folder], hook: Hook) -> None:
    folder = folder_of(first_month="2026-01", webhook_url=hook.address)
    set_up(folder.settings.home)
    machine = Untended(folder, instant("2026-03-05T12:00:00"))
    folder.pipeline.landing.place("nobody", "stray.ndjson", BytesIO(calls(("z", "2026-03-01T00:00:00Z"))), machine.at)
    machine.tick(SCHEDULE)
    (run,) = folder.instance.get_runs()
    failure = folder.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)[0].get_dagster_event()
    context = dg.build_run_status_sensor_context("failure_notices", failure, folder.instance, run).for_run_failure()
    sensor = folder.definitions.get_repository_def().get_sensor_def("failure_notices")
    sensor(context)
    (notice,) = hook.got
    assert notice["kind"] == "run_failed"
    assert f"received_days r2026-03-05 failed (run {run.run_id})" in notice["text"]


def test_an_address_shows_in_no_error_and_in_nothing_that_is_kept(folder_of: Callable[..., Folder], hook: Hook) -> None:
    hook.answer = 500
    with pytest.raises(NoticeError) as error:
        post(hook.address, "waits", "something")
    assert TOKEN not in str(error.value)
    folder = folder_of(first_month="2026-01", webhook_url=hook.address)
    set_up(folder.settings.home)
    machine = Untended(folder, instant("2026-03-05T12:00:00"))
    machine.drop("api", "calls.ndjson", calls(("a", "2026-03-04T10:00:00Z")))
    machine.tick(SCHEDULE)
    machine.tick(DAYS)
    kept = [path for path in folder.settings.home.rglob("*") if path.is_file()]
    assert [path for path in kept if TOKEN.encode() in path.read_bytes()] == []
