"""What a look into watched folders brings."""

import os
from pathlib import Path

import pytest
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.landing.receiving import ReceiveError
from monetization_pipeline.landing.watching import Watched, watch
from monetization_pipeline.sources.declared import SourceError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


@pytest.fixture
def watched(shop: Workshop, folder: Path) -> Watched:
    return watch(shop.pipeline.landing, shop.pipeline.home.sources, "logs", [folder])


def names(watched: Watched) -> list[str]:
    return [file.original_name for file in watched.take(RECEIVED).received]


def test_a_file_is_taken_once_it_was_left_alone_from_one_look_to_the_next(watched: Watched, folder: Path) -> None:
    assert names(watched) == []
    (folder / "a").write_bytes(b"half")
    assert names(watched) == []
    (folder / "a").write_bytes(b"half and half")
    assert names(watched) == []
    assert names(watched) == ["a"]
    assert names(watched) == []


def test_what_lies_there_already_is_taken_too_and_nothing_is_read_twice(watched: Watched, folder: Path) -> None:
    for name in ("b", "sub/c", ".hidden", "d.part"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    assert names(watched) == []
    assert names(watched) == ["b", "c"]
    # What is read again is known, and would be named again.
    for _ in range(3):
        assert names(watched) == []


def test_a_file_that_is_renamed_when_it_is_whole_is_taken_under_its_new_name(watched: Watched, folder: Path) -> None:
    (folder / "a.tmp").write_bytes(b"x")
    assert names(watched) == names(watched) == []
    (folder / "a.tmp").rename(folder / "a")
    assert names(watched) == []
    assert names(watched) == ["a"]


def test_a_file_that_has_grown_is_another_one(watched: Watched, folder: Path) -> None:
    (folder / "a").write_bytes(b"x")
    names(watched)
    assert names(watched) == ["a"]
    with (folder / "a").open("ab") as log:
        log.write(b"y")
    assert names(watched) == []
    assert names(watched) == ["a"]


def test_a_file_whose_time_was_set_back_while_it_changed_is_seen(watched: Watched, folder: Path) -> None:
    path = folder / "a"
    path.write_bytes(b"x")
    old = path.stat()
    names(watched)
    assert names(watched) == ["a"]
    path.write_bytes(b"y")
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert names(watched) == []
    assert names(watched) == ["a"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is nothing here that cannot be read")
def test_a_file_that_cannot_be_read_holds_up_no_other_and_is_named_once(watched: Watched, folder: Path) -> None:
    (folder / "bad").symlink_to("/proc/self/mem")
    for name in ("a", "z"):
        (folder / name).write_text(name)
    watched.take(RECEIVED)
    arrivals = watched.take(RECEIVED)
    assert [file.original_name for file in arrivals.received] == ["a", "z"]
    assert len(arrivals.problems) == 1
    assert arrivals.problems[0].startswith(f"{folder / 'bad'} cannot be read: ")
    (folder / "b").write_text("b")
    watched.take(RECEIVED)
    arrivals = watched.take(RECEIVED)
    assert ([file.original_name for file in arrivals.received], arrivals.problems) == (["b"], ())


def test_what_a_source_without_declaration_missed_is_taken_once_it_has_one(
    shop: Workshop, watched: Watched, folder: Path
) -> None:
    (folder / "a").write_bytes(lines([event(1)]))
    names(watched)
    declaration = shop.root / "sources" / "logs.yaml"
    content = declaration.read_text()
    declaration.unlink()
    for _ in range(2):
        with pytest.raises(SourceError, match="not declared"):
            names(watched)
    declaration.write_text(content)
    assert names(watched) == ["a"]


def test_a_folder_that_vanishes_and_comes_back(watched: Watched, folder: Path) -> None:
    folder.rmdir()
    assert names(watched) == []
    folder.mkdir()
    (folder / "a").write_bytes(b"x")
    assert names(watched) == []
    assert names(watched) == ["a"]


def test_only_folders_are_watched_for_declared_sources(shop: Workshop, folder: Path) -> None:
    with pytest.raises(ReceiveError, match="is not a folder"):
        watch(shop.pipeline.landing, shop.pipeline.home.sources, "logs", [folder / "nowhere"])
    with pytest.raises(SourceError, match="not declared"):
        watch(shop.pipeline.landing, shop.pipeline.home.sources, "nobody", [folder])
