"""The demo's sample is the same everywhere, and has in it what real logs have."""

import csv
import gzip
import json
import runpy
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monetization_pipeline.cli.working_folder import make_working_folder
from monetization_pipeline.landing import customer_files
from monetization_pipeline.settings import load_settings, pipeline_of
from monetization_pipeline.standing.making import bring_up_to_date, making_here
from monetization_pipeline.steps.invoices import read_invoices
from monetization_pipeline.steps.known import read_catalog

Generate = Callable[..., None]


@pytest.fixture(scope="module")
def generate(root: Path) -> Generate:
    return runpy.run_path(str(root / "examples" / "demo" / "generate.py"))["generate"]


@pytest.fixture(scope="module")
def sample(generate: Generate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    generate(folder, seed=7, events=8_000)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): gzip.decompress(path.read_bytes()) for path in folder.rglob("*.gz")}


def read_events(folder: Path, source: str) -> list[dict[str, object]]:
    events: list[dict[str, object]] = []
    for name, content in sorted(contents(folder).items()):
        for line in content.splitlines() if name.startswith(source) else ():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                events.append(event)
    return events


def test_the_same_seed_makes_the_same_lines(generate: Generate, sample: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again", seed=7, events=8_000)
    generate(tmp_path / "other", seed=8, events=8_000)
    assert contents(tmp_path / "again") == contents(sample)
    assert contents(tmp_path / "other") != contents(sample)


def test_every_day_of_three_months_has_a_file(sample: Path) -> None:
    assert Counter(name.split("/")[0] for name in contents(sample)) == {"api": 90, "jobs": 90}


def test_every_user_and_company_is_a_customer_or_nobody(root: Path, sample: Path) -> None:
    with (root / "examples" / "demo" / "customers" / "users.csv").open(newline="") as file:
        users = {row["user_id"]: row["company_id"] for row in csv.DictReader(file)}
    companies = {*users.values(), None}
    events = [*read_events(sample, "api"), *read_events(sample, "jobs")]
    assert {event.get("company_id") for event in events} <= companies
    strangers = {event["user_id"] for event in events if event.get("user_id")} - set(users)
    assert strangers
    assert all(str(stranger).startswith("guest-") for stranger in strangers)


def test_it_has_in_it_what_real_logs_have(sample: Path) -> None:
    calls = read_events(sample, "api")
    ids = Counter(event.get("transaction_id") for event in calls)
    statuses = Counter(event["response"]["status"] // 100 for event in calls if "response" in event)  # type: ignore[index]
    assert sum(count - 1 for count in ids.values()) > 20, "sent again"
    assert statuses[4] + statuses[5] > 100, "failed"
    assert sum(bool(event.get("blocked_by")) for event in calls) > 20, "blocked"
    assert sum(not event.get("company_id") for event in calls) > 1_000, "without a company"
    lines = sum(len(content.splitlines()) for name, content in contents(sample).items() if name.startswith("api"))
    assert 5 <= lines - len(calls) <= 20, "unreadable"


def test_january_has_its_fees_in_advance(generate: Generate, tmp_path: Path) -> None:
    """16 fees in advance for January, 864.00, beside 3,876.63; fees in arrears for December are not billed here."""
    home = tmp_path / "demo"
    make_working_folder(home, "demo")
    generate(tmp_path / "samples")
    pipeline = pipeline_of(load_settings({}, home))
    received = datetime(2025, 4, 1, 1, tzinfo=UTC)
    for source in ("api", "jobs"):
        pipeline.landing.copy_in(source, sorted((tmp_path / "samples" / source).glob("*.gz")), received)
    customer_files.land_files(pipeline.landing, pipeline.home.customers, received)
    bring_up_to_date(pipeline, read_catalog(pipeline), ["2025-01"], making_here(pipeline, lambda *_: None))
    assert f"{sum(invoice.total for invoice in read_invoices(pipeline, '2025-01')):.2f}" == "4740.63"
