"""What every test may use, and what holds for all of them."""

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from workshop import Workshop

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

# The same examples every time, so that a red test is red again. `deep` looks further: HYPOTHESIS_PROFILE=deep make test
settings.register_profile(
    "default", derandomize=True, max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("deep", settings.get_profile("default"), derandomize=False, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell that runs the tests in the background has interrupts ignored, and every process started from here would
# inherit that: those that are to be interrupted must not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: `.ci/run` sets it: there, a skipped test is a failed one.
NOTHING_SKIPPED = os.environ.get("REQUIRE_ALL") == "1"


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real input; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real input is not there: {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A working folder with the source `logs` of plain events."""
    made = Workshop(tmp_path)
    made.source("logs")
    return made


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as the processors: what waits for a process of its own leaves one idle."""
    return (os.cpu_count() or 1) * 3 // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lines are counted by the small tests: to count them takes half as long again, and the slow ones are many runs."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if NOTHING_SKIPPED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {item.nodeid}: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if NOTHING_SKIPPED and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {collector.nodeid}: {report.longrepr}"
    return report
