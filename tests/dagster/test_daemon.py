"""The real daemon in a process of its own: from a dropped file to a draft invoice, with nobody's hand at it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from call_files import calls, set_up
from dagster_folder import KEPT, Folder

from monetization_pipeline.automation.launching import running
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.invoicing.models import minor_text
from monetization_pipeline.periods import add_months, month_key
from monetization_pipeline.steps.invoices import read_invoices

#: The daemon's own clock decides what is over: the month before this one is the last that is.
THIS_MONTH = month_key(datetime.now(UTC).date())
LAST_MONTH, MONTH_BEFORE = add_months(THIS_MONTH, -1), add_months(THIS_MONTH, -2)

PATIENCE_SECONDS = 400
MODULE = "monetization_pipeline.definitions"
# A daemon ends by itself also where the tests are killed.
_BOUNDED = ["timeout", "-k", "5", "900"] if shutil.which("timeout") else []


@contextmanager
def daemon(folder: Folder, root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster's daemon on a working folder; whatever it started is ended with it."""
    home = folder.settings.home
    dropped = ("STRIPE_", "MONETIZATION_", "DAGSTER_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    environment |= {"MONETIZATION_HOME": str(home), "DAGSTER_HOME": str(home / KEPT)}
    with (home / "daemon.log").open("ab") as log:
        process = subprocess.Popen(
            [*_BOUNDED, Path(sys.executable).with_name("dagster-daemon"), "run", "-m", MODULE],
            cwd=root,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def wait_for(process: subprocess.Popen[bytes], folder: Folder, reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        log = (folder.settings.home / "daemon.log").read_text(errors="replace")
        assert process.poll() is None, log[-3000:]
        assert time.monotonic() < deadline, log[-3000:]
        time.sleep(1)


def total(folder: Folder, month: str) -> str:
    try:
        invoices = read_invoices(folder.pipeline, month)
    except MonetizeError:
        return "being written"
    return ", ".join(minor_text(invoice.total, invoice.currency) for invoice in invoices)


@pytest.mark.slow
def test_a_dropped_file_becomes_a_draft_and_a_killed_daemon_forgets_nothing(
    folder_of: Callable[..., Folder], root: Path
) -> None:
    folder = folder_of(first_month=MONTH_BEFORE)
    set_up(folder.settings.home)
    (folder.settings.home / ".env").write_text(f"MONETIZATION_FIRST_MONTH={MONTH_BEFORE}\n")
    inbox = folder.pipeline.landing.inbox("api")
    inbox.mkdir(parents=True)
    with daemon(folder, root) as process:
        two = calls(("a", f"{LAST_MONTH}-04T10:00:00Z"), ("b", f"{LAST_MONTH}-05T11:00:00Z"))
        (inbox / "calls.ndjson").write_bytes(two)
        wait_for(process, folder, lambda: total(folder, LAST_MONTH) == "0.20")
        # A late file, and all that works on it is killed as soon as it was taken out of the inbox.
        (inbox / "late.ndjson").write_bytes(calls(("c", f"{LAST_MONTH}-04T12:00:00Z")))
        wait_for(process, folder, lambda: not any(inbox.iterdir()))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with daemon(folder, root) as process:
        wait_for(process, folder, lambda: total(folder, LAST_MONTH) == "0.30" and not running(folder.instance))
    made = Counter(
        run.tags["dagster/partition"]
        for run in folder.instance.get_runs()
        if run.job_name == "billing_periods" and run.is_success
    )
    assert made.pop(LAST_MONTH) == 2, "once for each file"
    assert made == {THIS_MONTH: 1}, "the month since, with an estimate of nothing"
