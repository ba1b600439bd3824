"""Files dropped into an inbox: moved into landing once they are whole, never lost, whenever the process ends."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.datasets import RAW_EVENTS
from monetization_pipeline.landing.receiving import inbox_files, take_inboxes, undeclared_inboxes
from monetization_pipeline.landing.store import LandingFile


def drop(shop: Workshop, name: str, content: bytes, *, source: str = "logs", age: float = 60) -> Path:
    """Put a file into an inbox as changed `age` seconds ago."""
    path = shop.pipeline.landing.inbox(source) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    changed = time.time() - age
    os.utime(path, (changed, changed))
    return path


def names(files: Sequence[LandingFile]) -> list[str]:
    return [file.original_name for file in files]


def test_a_dropped_file_is_moved_received_now_and_ingested(shop: Workshop) -> None:
    dropped = drop(shop, "a.ndjson", lines([event(1)]))
    assert inbox_files(shop.pipeline.landing, shop.pipeline.home.sources)
    (taken,) = take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED)
    assert (taken.source, taken.original_name, taken.received_at) == ("logs", "a.ndjson", RECEIVED)
    assert taken.path.read_bytes() == lines([event(1)])
    assert taken.sha256 == hashlib.sha256(lines([event(1)])).hexdigest()
    assert not dropped.exists()
    assert not inbox_files(shop.pipeline.landing, shop.pipeline.home.sources)
    assert take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED) == []
    shop.ingest()
    assert [row["event_id"] for row in shop.rows(RAW_EVENTS)] == ["e1"]


def test_without_any_inbox_nothing_waits_and_the_inboxes_of_declared_sources_are_made(shop: Workshop) -> None:
    assert not inbox_files(shop.pipeline.landing, shop.pipeline.home.sources)
    assert take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED) == []
    assert {path.parent.name for path in shop.pipeline.landing.root.glob("*/inbox")} == {"corrections", "logs"}


LEFT = {
    "one that was changed just now": ("a.ndjson", 0.0),
    "a hidden one": (".a.ndjson", 60.0),
    "one that is named .tmp": ("a.ndjson.tmp", 60.0),
    "one that is named .part": ("a.ndjson.part", 60.0),
    "one in a hidden folder": (".upload/a.ndjson", 60.0),
}


@pytest.mark.parametrize(("name", "age"), LEFT.values(), ids=LEFT.keys())
def test_a_file_that_is_not_whole_yet_is_left(shop: Workshop, name: str, age: float) -> None:
    dropped = drop(shop, name, b"x", age=age)
    assert not inbox_files(shop.pipeline.landing, shop.pipeline.home.sources)
    assert take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED) == []
    assert dropped.exists()
    drop(shop, "whole.ndjson", b"y")
    assert names(take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED)) == ["whole.ndjson"]


def test_a_time_of_change_that_lies_ahead_holds_nothing_up(shop: Workshop) -> None:
    drop(shop, "a.ndjson", b"x", age=-3600)
    assert names(take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED)) == ["a.ndjson"]


def test_folders_in_the_inbox_are_looked_into_and_links_are_not_followed(shop: Workshop, tmp_path: Path) -> None:
    drop(shop, "2023/07/b.ndjson", b"b")
    drop(shop, "a.ndjson", b"a")
    elsewhere = tmp_path / "elsewhere.ndjson"
    elsewhere.write_bytes(b"mine")
    (shop.pipeline.landing.inbox("logs") / "link").symlink_to(elsewhere)
    assert names(take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED)) == ["b.ndjson", "a.ndjson"]
    assert elsewhere.exists()


def test_known_bytes_are_removed_from_the_inbox_and_keep_their_instant(shop: Workshop) -> None:
    first = shop.place("logs", b"x")
    again = [drop(shop, name, b"x") for name in ("a", "b")]
    assert take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED + timedelta(days=1)) == [
        first,
        first,
    ]
    assert not any(path.exists() for path in again)
    assert [file.path for file in shop.pipeline.landing.files()] == [first.path]


def test_bytes_that_have_left_landing_meanwhile_come_in_again(shop: Workshop) -> None:
    shop.place("logs", b"x").path.unlink()
    drop(shop, "a", b"x")
    (taken,) = take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED + timedelta(days=1))
    assert taken.path.read_bytes() == b"x"


def test_an_undeclared_sources_inbox_is_left_alone_and_named(shop: Workshop) -> None:
    dropped = drop(shop, "a.ndjson", b"x", source="nobody")
    drop(shop, "b.ndjson", b"y")
    assert names(take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED)) == ["b.ndjson"]
    assert not inbox_files(shop.pipeline.landing, shop.pipeline.home.sources)
    assert dropped.exists()
    assert undeclared_inboxes(shop.pipeline.landing, shop.pipeline.home.sources) == [dropped.parent]
    shop.source("nobody")
    assert undeclared_inboxes(shop.pipeline.landing, shop.pipeline.home.sources) == []
    assert names(take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED)) == ["a.ndjson"]


def test_a_file_that_changes_on_its_way_stays(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its writer comes back to it after it was hashed, before it was renamed or right after."""
    rename = os.rename
    for before in (True, False):
        dropped = drop(shop, "a.ndjson", b"half")

        def write_more(source: Path, target: Path, dropped: Path = dropped, before: bool = before) -> None:
            monkeypatch.undo()
            if before:
                dropped.write_bytes(b"half and more")
            with dropped.open("ab") as still_open:
                rename(source, target)
                still_open.write(b" and more")

        monkeypatch.setattr(os, "rename", write_more)
        assert take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED) == []
        assert dropped.read_bytes().endswith(b"and more")
        assert list(shop.reopened().pipeline.landing.files()) == []


def test_an_inbox_on_another_file_system(shop: Workshop) -> None:
    here = shop.root.stat().st_dev
    elsewhere = next(
        (path for path in map(Path, ("/dev/shm", "/run", "/tmp")) if _writable_elsewhere(path, here)), None
    )
    if elsewhere is None:
        pytest.skip("there is no second file system here")
    folder = elsewhere / f"inbox-{os.getpid()}"
    folder.mkdir()
    try:
        inbox = shop.pipeline.landing.inbox("logs")
        inbox.parent.mkdir(parents=True)
        inbox.symlink_to(folder)
        dropped = [drop(shop, name, content) for name, content in (("a", b"x"), ("b", b"x"), ("c", b"y"))]
        assert [
            file.path.read_bytes() for file in take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED)
        ] == [b"x", b"x", b"y"]
        assert not any(path.exists() for path in dropped)
        assert list((inbox.parent / ".staging").iterdir()) == []
    finally:
        shutil.rmtree(folder)


def _writable_elsewhere(path: Path, device: int) -> bool:
    return path.is_dir() and os.access(path, os.W_OK) and path.stat().st_dev != device


def test_killed_at_any_moment_nothing_is_lost_and_nothing_comes_twice(shop: Workshop, tmp_path: Path) -> None:
    """Each dropped file is at every moment in the inbox or, whole and under its hash, in landing."""
    template, copies = shop.root, tmp_path.parent / f"{tmp_path.name}-copies"
    contents = {"a": b"first", "b": b"second", "sub/c": b"first", "d": b"third" * 1000}
    for name, content in contents.items():
        drop(shop, name, content)
    killer = Path(__file__).with_name("inbox_killer.py")
    ended = subprocess.run([sys.executable, killer, template, copies], capture_output=True, text=True, check=True)
    moments = int(ended.stdout)
    assert moments > 12
    outcomes = set()
    for moment in range(1, moments + 1):
        struck = Workshop(copies / str(moment))
        landing = struck.pipeline.landing
        inbox = landing.inbox("logs")
        waiting = {path.read_bytes() for path in inbox.rglob("*") if path.is_file()}
        landed = {file.path.read_bytes() for file in landing.files()}
        assert waiting | landed == set(contents.values())
        outcomes.add((len(waiting), len(landed)))
        take_inboxes(struck.pipeline.landing, struck.pipeline.home.sources, RECEIVED + timedelta(minutes=1))
        assert not inbox_files(struck.pipeline.landing, struck.pipeline.home.sources)
        files = list(struck.reopened().pipeline.landing.files())
        assert sorted(file.path.read_bytes() for file in files) == sorted(set(contents.values()))
        assert all(hashlib.sha256(file.path.read_bytes()).hexdigest() == file.sha256 for file in files)
    assert len(outcomes) >= 4
