"""Landing: whole files, each once. The ingest log: what is listed is visible, what is not is not; nothing is lost."""

import io
import os
import stat
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.datasets import ENTITY_CHANGES, LANDING_FILES, RAW_EVENTS, REFUSALS
from monetization_pipeline.lake.ingest_log import IngestedFile, TouchedDay
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.listing import add_to_log, read_log
from monetization_pipeline.lake.table import ConcurrentCommitError, NewFile, Table
from monetization_pipeline.lake.visible import visible_files
from monetization_pipeline.landing.store import Landing, LandingError
from monetization_pipeline.steps import raw_events

# --- landing ----------------------------------------------------------------------------------------------------------


def test_a_file_lies_under_its_day_its_instant_and_its_hash(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "landing")
    received_at = datetime(2023, 7, 10, 23, 30, 0, 123456, tzinfo=UTC).astimezone()
    placed = landing.place("logs", "../odd näme.gz", io.BytesIO(b"content"), received_at)
    assert placed.path.parent == tmp_path / "landing" / "logs" / "2023-07-10"
    assert placed.path.name == f"20230710T233000.123456Z-{placed.sha256}-1.1@.._odd_n_me.gz"
    assert placed.path.read_bytes() == b"content"
    assert (placed.received_at, placed.received_on) == (received_at, date(2023, 7, 10))
    assert (placed.original_name, placed.landed) == (".._odd_n_me.gz", (1, 1))
    assert list(landing.files()) == [placed] == list(Landing(tmp_path / "landing").files())
    assert stat.S_IMODE((tmp_path / "landing").stat().st_mode) == 0o700


@pytest.mark.parametrize("above", [0, 1], ids=["a day's", "a source's"])
def test_a_folder_that_cannot_be_read_counts_not_as_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, above: int
) -> None:
    """To the superuser, under whom tests may run, nothing is forbidden."""
    landing, scan = Landing(tmp_path), os.scandir
    closed = landing.place("logs", "a", io.BytesIO(b"content"), RECEIVED).path.parents[above]

    def forbidden(folder: Path) -> Any:
        if folder == closed:
            raise PermissionError(13, "Permission denied")
        return scan(folder)

    monkeypatch.setattr(os, "scandir", forbidden)
    for look in (lambda: list(landing.files()), landing.days):
        with pytest.raises(LandingError, match="cannot be read: Permission denied"):
            look()


def test_the_same_bytes_are_one_file_of_a_source(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    first = landing.place("logs", "a", io.BytesIO(b"x"), RECEIVED)
    assert landing.place("logs", "b", io.BytesIO(b"x"), RECEIVED + timedelta(days=1)) == first
    assert Landing(tmp_path).place("logs", "b", io.BytesIO(b"x"), RECEIVED - timedelta(days=1)) == first
    assert landing.place("other", "a", io.BytesIO(b"x"), RECEIVED) != first
    assert len(list(landing.files())) == 2
    assert list((tmp_path / "logs" / ".staging").iterdir()) == []


class _Breaks(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 0:
            raise OSError("the disk is gone")
        return super().read(4)


def test_a_file_that_breaks_off_on_its_way_in_is_not_there(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    with pytest.raises(OSError, match="gone"):
        landing.place("logs", "a", _Breaks(b"0123456789"), RECEIVED)
    assert list(landing.files()) == []
    assert list(Landing(tmp_path).files()) == []


def test_of_many_files_one_that_breaks_off_leaves_the_earlier_ones_whole(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(40)]
    for path in paths[:30]:
        path.write_text(path.name)
    landing = Landing(tmp_path / "landing")
    with pytest.raises(FileNotFoundError):
        landing.copy_in("logs", paths, RECEIVED)
    assert [file.original_name for file in sorted(landing.files(), key=lambda file: int(file.original_name))] == [
        path.name for path in paths[:30]
    ]
    paths[35].write_text("7")
    placed = landing.copy_in("logs", [paths[35], *paths[:30]], RECEIVED + timedelta(days=1))
    assert [file.original_name for file in placed] == ["7", *(path.name for path in paths[:30])]
    assert len(list(landing.files())) == 30


def test_what_a_killed_process_left_behind_is_removed_in_the_end(tmp_path: Path) -> None:
    staging = tmp_path / "logs" / ".staging"
    staging.mkdir(parents=True)
    for name, days in (("old", 3), ("new", 1)):
        (staging / name).write_bytes(b"half")
        changed = time.time() - days * 86_400
        os.utime(staging / name, (changed, changed))
    Landing(tmp_path).place("logs", "a", io.BytesIO(b"x"), RECEIVED)
    assert [path.name for path in staging.iterdir()] == ["new"]


def test_what_is_no_landing_file_is_passed_over(tmp_path: Path) -> None:
    placed = Landing(tmp_path).place("logs", "a", io.BytesIO(b"x"), RECEIVED)
    for path in (placed.path.parent / "notes.txt", tmp_path / "logs" / ".staging" / "half", tmp_path / "stray"):
        path.write_bytes(b"y")
    (placed.path.parent / placed.path.name.replace("20230", "20239")).write_bytes(b"z")
    (tmp_path / "logs" / "2023-02-30").mkdir()
    assert list(Landing(tmp_path).files()) == [placed]
    assert Landing(tmp_path).days() == [RECEIVED.date()]


def test_a_file_in_another_days_folder_is_received_when_its_name_says(tmp_path: Path) -> None:
    placed = [
        Landing(tmp_path).place("logs", "a", io.BytesIO(bytes([day])), RECEIVED + timedelta(days=day)) for day in (0, 1)
    ]
    placed[0].path.rename(placed[1].path.parent / placed[0].name)
    placed[0].path.parent.rmdir()
    landing = Landing(tmp_path)
    assert [file.name for file in landing.files()] == [file.name for file in placed]
    assert [[file.name for file in landing.files(file.received_on)] for file in placed] == [
        [file.name] for file in placed
    ]
    assert landing.days() == [file.received_on for file in placed]


def test_files_come_by_source_then_in_order_of_receipt(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    for number, hours in enumerate((5, 1, 30, 3)):
        for source in ("b", "a"):
            landing.place(source, "f", io.BytesIO(str(number).encode()), RECEIVED + timedelta(hours=hours))
    found = [(file.source, file.received_at) for file in landing.files()]
    assert found == sorted(found)
    assert len(list(landing.files(RECEIVED.date()))) == 6


# --- the log ----------------------------------------------------------------------------------------------------------


def ingested(number: int) -> IngestedFile:
    day = TouchedDay(date(2023, 7, 1 + number % 28), number, f"{number}-{number:016x}", (date(2023, 6, 30),))
    received_at = RECEIVED + timedelta(seconds=number)
    return IngestedFile("logs", f"{number:064x}", f"n{number}", received_at, f"b{number}", number, 1, 0, 2, 3, (day,))


def test_a_log_of_many_files_is_compacted_and_keeps_everything(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    expected = [ingested(number) for number in range(70)]
    sizes = []
    for file in expected:
        add_to_log(lake, read_log(lake), [file])
        sizes.append(len(lake.landing_files.files()))
    assert max(sizes) <= 65
    assert sizes[-1] < 64
    log = read_log(Lake(tmp_path))
    assert list(log.files) == expected
    assert log.batches == {file.batch_id for file in expected}
    assert log.knows("logs", f"{69:064x}")
    assert not log.knows("other", f"{69:064x}")
    assert sum(day.rows for day in log.days.values()) == sum(range(70))
    state = lake.landing_files.state()
    assert state is not None
    assert state.rows == 70


def test_of_two_that_list_files_the_second_reads_again(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    stale = read_log(lake)
    add_to_log(lake, read_log(lake), [ingested(1)])
    with pytest.raises(ConcurrentCommitError):
        add_to_log(lake, stale, [ingested(2)])
    assert [file.name for file in read_log(lake).files] == ["n1"]


# --- an ingest that is interrupted ------------------------------------------------------------------------------------

CONTENT = lines(
    [
        '{"method":"POST","path":"/v1/events","body":{"transaction_id":"a","request":{"time":"2023-07-10","verb":"GET"}}}',
        '{"method":"POST","path":"/v1/users","body":{"user_id":"u","company_id":"acme"}}',
        "nonsense",
    ]
)
BATCH_TABLES = (RAW_EVENTS, ENTITY_CHANGES, REFUSALS)


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("commits", range(5))
def test_an_ingest_that_is_killed_between_two_commits_is_completed_by_the_next(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    """What it committed before is invisible until the file is listed, and nothing comes twice."""
    shop.source("requests", format="requests", mapping={})
    shop.place("requests", CONTENT)
    done: list[str] = []
    commit = Table._commit

    def commit_some(table: Table, *arguments: Any) -> None:
        if len(done) == commits:
            raise Killed
        done.append(table.spec.name)
        commit(table, *arguments)

    monkeypatch.setattr(Table, "_commit", commit_some)
    if commits < 4:
        with pytest.raises(Killed):
            shop.ingest()
        monkeypatch.undo()
        again = shop.reopened()
        assert [again.rows(spec) for spec in BATCH_TABLES] == [[], [], []]
        assert read_log(again.pipeline.lake).files == ()
        assert len(again.ingest()) == 1
    else:
        shop.ingest()
        assert done[-1] == LANDING_FILES.name
        monkeypatch.undo()
        again = shop.reopened()
    assert [len(again.rows(spec)) for spec in BATCH_TABLES] == [1, 1, 1]
    (file,) = read_log(again.pipeline.lake).files
    assert (file.raw_events, file.entity_changes, file.refusals, file.records) == (1, 1, 1, 3)
    assert again.ingest() == ()


def test_a_batch_that_is_not_listed_stays_invisible_for_ever_once_it_was_cut_differently(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before it was listed; then another file joins the batch, which so becomes another one."""
    shop.place("logs", lines([event(1)]))

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(raw_events, "add_to_log", killed)
    with pytest.raises(Killed):
        shop.ingest()
    monkeypatch.undo()
    again = shop.reopened()
    again.place("logs", lines([event(2)]), RECEIVED + timedelta(seconds=1))
    assert len(again.ingest()) == 2
    assert sorted(row["event_id"] for row in again.rows(RAW_EVENTS)) == ["e1", "e2"]
    committed = again.pipeline.lake.table(RAW_EVENTS).files()
    visible = visible_files(again.pipeline.lake, RAW_EVENTS, read_log(again.pipeline.lake).batches)
    assert (len(committed), len(visible)) == (2, 1)


def test_a_batch_that_somebody_else_listed_meanwhile_is_not_listed_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.place("logs", lines([event(1)]))
    other = shop.reopened()
    append = Table.append

    def append_after_the_other(table: Table, batch_id: str, files: Sequence[NewFile]) -> None:
        monkeypatch.undo()
        other.ingest()
        append(table, batch_id, files)

    monkeypatch.setattr(Table, "append", append_after_the_other)
    assert shop.ingest() == ()
    assert len(shop.rows(RAW_EVENTS)) == 1
    assert len(read_log(shop.pipeline.lake).files) == 1
