"""Maintenance: no row is lost, doubled or changed by it, nothing gets out of date, and only what is of no use goes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.datasets import ALL, ENTITY_CHANGES, EVENTS, RAW_EVENTS, REFUSALS, DatasetSpec
from monetization_pipeline.engines.address import Address
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.rows import fingerprint_of, read_rows
from monetization_pipeline.lake.visible import visible_files
from monetization_pipeline.sources.declared import CUSTOMERS
from monetization_pipeline.standing.maintenance import Chore, Tidied, maintain
from monetization_pipeline.standing.out_of_date import reasons
from monetization_pipeline.standing.verdicts import problems_shown
from monetization_pipeline.steps import raw_events
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Retention

#: Later than anything that a test wrote a moment ago may be compacted.
LATER = datetime.now(UTC) + timedelta(hours=2)
MONTH = "2023-07"
HERE = Path(__file__).parent

CATALOG: Mapping[str, object] = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": "growth",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "per_call", "meter": "calls", "model": "per_unit", "unit_amount": "0.5"}],
        }
    ],
}
CUSTOMERS_FILE: Mapping[str, object] = {
    "companies": [{"company_id": "acme", "name": "Acme"}],
    "subscriptions": [
        {"subscription_id": "s", "company_id": "acme", "plan_id": "growth", "start_at": "2023-01-01T00:00:00Z"}
    ],
}


def content(number: int) -> bytes:
    """Three new events of two days, one that comes again in the next file, and a line that is no record."""
    day = {"at": f"2023-07-{10 + number % 2}T08:00:00Z"}
    return lines([event(number * 10), event(number * 10 + 1, **day), event(number), "nonsense"])


def filled(shop: Workshop, files: int) -> Workshop:
    """A shop that was billed, and got its events in as many batches as files."""
    shop.catalog(CATALOG)
    shop.customers(CUSTOMERS_FILE)
    shop.ingest()
    for number in range(1, files + 1):
        shop.take(content(number), received_at=RECEIVED + timedelta(seconds=number))
    shop.run(MONTH)
    return shop


@pytest.fixture(scope="module")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = Workshop(tmp_path_factory.mktemp("twelve"))
    shop.source("logs")
    return filled(shop, 12).root


@pytest.fixture
def full(twelve: Path, tmp_path: Path) -> Workshop:
    return Workshop(Path(shutil.copytree(twelve, tmp_path / "full")))


def tidy(shop: Workshop, now: datetime = LATER, *, dry_run: bool = False, **kept: timedelta) -> Sequence[Tidied]:
    retention = Retention(**({"landing": timedelta(days=30), "files": timedelta(days=7)} | kept))
    return maintain(replace(shop.reopened().pipeline, retention=retention), now, dry_run=dry_run)


def rows(shop: Workshop, spec: DatasetSpec) -> list[dict[str, Any]]:
    return sorted(shop.reopened().rows(spec), key=str)


def everything(shop: Workshop) -> dict[str, Any]:
    """All rows that readers see, and what is out of date."""
    pipeline = shop.reopened().pipeline
    known = Known.now(pipeline)
    return {
        **{spec.name: rows(shop, spec) for spec in ALL},
        "stale": reasons(pipeline, known, MONTH),
        "problems": problems_shown(pipeline, known, "raw_events", [f"{RECEIVED.date()}"])
        + problems_shown(pipeline, known, "events", ["2023-07-10", "2023-07-11"]),
    }


def files(shop: Workshop, spec: DatasetSpec) -> list[Address]:
    return Lake(shop.pipeline.lake.root).table(spec).files()


def done(tidied: Sequence[Tidied], chore: Chore) -> dict[str, int]:
    return {item.place: item.files for item in tidied if item.chore is chore}


def aged(path: Path, days: float) -> Path:
    then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))
    return path


# --- compaction -------------------------------------------------------------------------------------------------------


def test_small_files_of_a_received_day_become_one_and_nothing_changes_for_anybody(full: Workshop) -> None:
    before = everything(full)
    assert before["stale"] == before["problems"] == []
    assert [len(files(full, spec)) for spec in (RAW_EVENTS, REFUSALS)] == [12, 12]
    tidied = tidy(full)
    assert done(tidied, Chore.COMPACTED) == {"raw_events 2023-08-02": 12, "refusals 2023-08-02": 12}
    assert [len(files(full, spec)) for spec in (RAW_EVENTS, REFUSALS)] == [1, 1]
    assert everything(full) == before
    assert tidy(full) == []


def test_fingerprints_are_those_of_the_files_before(full: Workshop) -> None:
    pipeline = full.pipeline
    with pipeline.engine.session() as session:
        before = {spec.name: fingerprint_of(session, spec, files(full, spec)) for spec in (RAW_EVENTS, REFUSALS)}
        tidy(full)
        after = {spec.name: fingerprint_of(session, spec, files(full, spec)) for spec in (RAW_EVENTS, REFUSALS)}
    assert before == after
    assert before["raw_events"].startswith("36-")


def test_what_arrives_afterwards_meets_its_copies_in_the_compacted_file(full: Workshop) -> None:
    tidy(full)
    again = full.reopened()
    again.take(lines([event(20), event(5000)]), received_at=RECEIVED + timedelta(days=1))
    again.run(MONTH)
    (state,) = (again.pipeline.lake.table(EVENTS).states()[day] for day in ("2023-07-10",))
    noon = [row for row in again.rows(EVENTS) if row["event_id"] in ("e20", "e5000")]
    assert [row["event_id"] for row in sorted(noon, key=lambda row: row["event_id"])] == ["e20", "e5000"]
    # 12 files: 12 e<n>0 and 12 e<n>; e10 comes twice of them, and six files have their other event on this day.
    assert state.counts["raw_events"] == 12 + 12 + 6 + 2
    assert state.counts["duplicates"] == 1 + 1
    assert everything(again)["problems"] == []


def test_compacted_files_are_compacted_with_those_that_came_since(full: Workshop) -> None:
    tidy(full)
    for number in range(13, 21):
        full.take(content(number), received_at=RECEIVED + timedelta(seconds=number))
    before = rows(full, RAW_EVENTS)
    assert len(before) == 60
    assert done(tidy(full), Chore.COMPACTED) == {"raw_events 2023-08-02": 9, "refusals 2023-08-02": 9}
    assert rows(full, RAW_EVENTS) == before
    assert len(files(full, RAW_EVENTS)) == 1


def test_days_are_compacted_apart(shop: Workshop) -> None:
    for number in range(16):
        shop.take(lines([event(number)]), received_at=RECEIVED + timedelta(days=number % 2, seconds=number))
    assert done(tidy(shop), Chore.COMPACTED) == {"raw_events 2023-08-02": 8, "raw_events 2023-08-03": 8}
    log = read_log(shop.pipeline.lake)
    first = {file.batch_id for file in log.files if file.received_on == RECEIVED.date()}
    some = visible_files(Lake(shop.pipeline.lake.root), RAW_EVENTS, first)
    assert sorted(row["event_id"] for row in read_rows(some)) == sorted(f"e{number}" for number in range(0, 16, 2))


def test_few_files_are_left_alone(shop: Workshop) -> None:
    filled(shop, 7)
    assert tidy(shop) == []


def test_files_that_were_written_a_moment_ago_are_left_alone(full: Workshop) -> None:
    assert tidy(full, datetime.now(UTC)) == []


def test_a_dry_run_says_the_same_and_does_nothing(full: Workshop) -> None:
    before = files(full, RAW_EVENTS)
    said = tidy(full, dry_run=True, landing=timedelta(days=1), files=timedelta(0))
    assert files(full, RAW_EVENTS) == before
    assert all(file.local.exists() for file in before)
    assert done(said, Chore.COMPACTED) == done(tidy(full), Chore.COMPACTED)


def test_a_batch_that_was_never_listed_stays_apart_and_unseen_until_it_is(
    full: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ingest was killed before its last commit; it is completed after the maintenance."""

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    full.place("logs", content(50), RECEIVED + timedelta(seconds=50))
    monkeypatch.setattr(raw_events, "add_to_log", killed)
    with pytest.raises(Killed):
        full.ingest()
    monkeypatch.undo()
    assert done(tidy(full, files=timedelta(0)), Chore.COMPACTED)["raw_events 2023-08-02"] == 12
    assert len(rows(full, RAW_EVENTS)) == 36
    assert len(files(full, RAW_EVENTS)) == 2
    assert len(full.reopened().ingest()) == 1
    assert len(rows(full, RAW_EVENTS)) == 39
    assert everything(full)["problems"] == []


# --- what goes --------------------------------------------------------------------------------------------------------


def test_replaced_files_stay_as_long_as_somebody_may_read_them(full: Workshop) -> None:
    held = files(full, RAW_EVENTS)
    tidy(full)
    tidy(full)
    assert all(file.local.exists() for file in held)
    assert done(tidy(full, files=timedelta(0)), Chore.REPLACED)["raw_events"] == 12
    assert not any(file.local.exists() for file in held)
    assert len(rows(full, RAW_EVENTS)) == 36


@pytest.mark.parametrize("name", ["left.parquet", "left.tmp"])
def test_files_that_were_never_committed_go_once_no_ingest_can_still_be_writing_them(full: Workshop, name: str) -> None:
    folder = files(full, RAW_EVENTS)[0].local.parent
    old, young = folder / f"old-{name}", folder / f"young-{name}"
    for path in (old, young):
        path.write_bytes(b"half")
    aged(old, 8)
    aged(young, 6)
    assert done(tidy(full), Chore.REPLACED) == {"raw_events": 1}
    assert (old.exists(), young.exists()) == (False, True)


def test_what_killed_processes_left_goes_after_a_day(full: Workshop) -> None:
    kept = full.root / ".monetization"
    left: list[Path] = []
    for folder in ("landing/logs/.staging", "spill", "lake/daily_usage/_staging"):
        for days in (0.5, 2):
            path = kept / folder / f"left{days}"
            path.mkdir(parents=True)
            aged_file(path / "x", days)
            left.append(aged(path, days))
    busy = kept / "spill" / "busy"
    busy.mkdir()
    (busy / "written just now").write_bytes(b"")
    left.append(aged(busy, 2))
    states = aged_file(kept / "lake" / "events" / "_states-1.tmp", 2)
    tidied = tidy(full, datetime.now(UTC))
    assert done(tidied, Chore.ABANDONED) == {
        "landing/logs/.staging": 1,
        "spill": 1,
        "lake/daily_usage/_staging": 1,
        "lake/events": 1,
    }
    assert [path.name for path in left if path.exists()] == ["left0.5", "left0.5", "left0.5", "busy"]
    assert not states.exists()


def aged_file(path: Path, days: float) -> Path:
    path.write_bytes(b"1234")
    return aged(path, days)


NOW = datetime(2023, 10, 1, tzinfo=UTC)
#: (received so many days before NOW, written on the disk so many days before, source, ingested, stays)
LANDED = {
    "an old file that was ingested goes": (40, 40, "logs", True, False),
    "a young one stays": (29, 29, "logs", True, True),
    "one that was not ingested stays for ever": (400, 400, "logs", False, True),
    "one of customers stays for ever": (400, 400, CUSTOMERS, True, True),
    "one of history that came in yesterday stays": (400, 1, "logs", True, True),
    "one that lay in an inbox for long stays": (1, 400, "logs", True, True),
}


@pytest.mark.parametrize("case", LANDED)
def test_landing_files(shop: Workshop, case: str) -> None:
    received, written, source, ingested, stays = LANDED[case]
    shop.customers(CUSTOMERS_FILE, NOW)
    shop.ingest()
    text = b"companies: [{company_id: acme, name: Acme}]" if source == CUSTOMERS else lines([event(1)])
    name = "customers.yaml" if source == CUSTOMERS else "part.ndjson"
    placed = shop.place(source, text, NOW - timedelta(days=received), name)
    if ingested:
        shop.ingest()
    then = (NOW - timedelta(days=written)).timestamp()
    os.utime(placed.path, (then, then))
    tidied = tidy(shop, NOW)
    assert placed.path.exists() == stays
    assert bool(done(tidied, Chore.INGESTED)) != stays


def test_a_file_that_went_from_landing_is_still_known(full: Workshop) -> None:
    assert done(tidy(full, LATER + timedelta(days=31)), Chore.INGESTED) == {"landing/logs/2023-08-02": 12}
    again = full.reopened()
    again.place("logs", content(1), LATER)
    assert again.ingest() == ()
    assert len(rows(full, RAW_EVENTS)) == 36
    assert everything(full)["stale"] == []


# --- beside others, and killed ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_beside_an_ingest_and_runs_no_row_is_lost_or_doubled(shop: Workshop) -> None:
    """Two processes compact again and again what a third ingests and makes days of."""
    filled(shop, 1)
    script = str(HERE / "maintenance_worker.py")
    stop = shop.root / "stop"
    tidying = [subprocess.Popen([sys.executable, script, "tidy", str(shop.root), str(stop)]) for _ in range(2)]
    try:
        for number in range(2, 31):
            shop.reopened().take(content(number), received_at=RECEIVED + timedelta(seconds=number))
            if number % 10 == 0:
                shop.reopened().run(MONTH)
    finally:
        stop.touch()
        ended = [process.wait(timeout=60) for process in tidying]
    assert ended == [0, 0]
    shop.reopened().run(MONTH)
    found = sorted(row["event_id"] for row in rows(shop, RAW_EVENTS))
    expected = sorted(f"e{n}" for number in range(1, 31) for n in (number * 10, number * 10 + 1, number))
    assert found == expected
    assert len(files(shop, RAW_EVENTS)) < 20
    assert sorted(row["event_id"] for row in rows(shop, EVENTS)) == sorted(set(expected))
    assert everything(shop)["problems"] == []


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_nothing_and_the_next_completes_it(full: Workshop, tmp_path: Path) -> None:
    for number in range(8):
        full.customers({**CUSTOMERS_FILE, "users": [{"user_id": f"u{number}", "company_id": "acme"}]}, RECEIVED)
        full.ingest()
    full.run(MONTH)
    before = everything(full)
    assert len(before[ENTITY_CHANGES.name]) > 8
    script = str(HERE / "maintenance_worker.py")
    killed = subprocess.run(
        [sys.executable, script, "kill", str(full.root), str(tmp_path / "killed")],
        check=True,
        capture_output=True,
        text=True,
    )
    homes = [Path(line) for line in killed.stdout.splitlines()]
    assert len(homes) > 8
    half = 0
    for home in homes:
        shop = Workshop(home)
        half += len(files(shop, RAW_EVENTS)) != len(files(shop, REFUSALS))
        assert everything(shop) == before
        tidy(shop)
        assert everything(shop) == before
        assert [len(files(shop, spec)) for spec in (RAW_EVENTS, REFUSALS)] == [1, 1]
    assert half
