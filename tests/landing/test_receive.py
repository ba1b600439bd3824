"""Which files a path given by hand stands for."""

from pathlib import Path

import pytest
from workshop import RECEIVED, Workshop

from monetization_pipeline.landing.receiving import ReceiveError, receive

TREE = (
    "logs/a.ndjson",
    "logs/b.gz",
    "logs/2023/07/c.gz",
    "logs/2023/08/d.gz",
    "logs/2023/notes",
    "logs/.hidden/e.gz",
    "logs/2023/.f.gz",
    "logs/g.gz.tmp",
    "logs/2023/h.gz.part",
    "odd/[1].gz",
    "empty/.keep",
)

CASES = {
    "a folder and the folders in it": (["logs"], ["c.gz", "d.gz", "notes", "a.ndjson", "b.gz"]),
    "a pattern over all folders": (["logs/**/*.gz"], ["c.gz", "d.gz", "b.gz"]),
    "a pattern that matches folders": (["logs/20*/0[78]"], ["c.gz", "d.gz"]),
    "a pattern that matches files and folders": (["logs/*"], ["c.gz", "d.gz", "notes", "a.ndjson", "b.gz"]),
    "a file twice": (["logs/b.gz", "logs/*.gz", "logs/b.gz"], ["b.gz"]),
    "a file that is named is taken, whatever its name": (["logs/g.gz.tmp", "logs/2023/.f.gz"], ["g.gz.tmp", ".f.gz"]),
    "a file whose name looks like a pattern": (["odd/[1].gz"], ["_1_.gz"]),
}


@pytest.fixture
def tree(shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    for name in TREE:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path / "in")
    return shop


@pytest.mark.parametrize(("paths", "names"), CASES.values(), ids=CASES.keys())
def test_what_a_path_stands_for(tree: Workshop, paths: list[str], names: list[str]) -> None:
    received = receive(tree.pipeline.landing, tree.pipeline.home.sources, "logs", map(Path, paths), RECEIVED)
    assert [file.original_name for file in received] == names
    assert {file.path.read_text().rpartition("/")[2].strip("[]") for file in received}
    assert Path("logs/a.ndjson").exists()


def test_a_link_to_a_folder_is_followed_where_it_is_named_only(tree: Workshop) -> None:
    Path("links").mkdir()
    Path("links/back").symlink_to(Path("logs").absolute())
    with pytest.raises(ReceiveError, match="links: there is no such file"):
        receive(tree.pipeline.landing, tree.pipeline.home.sources, "logs", [Path("links")], RECEIVED)
    assert len(receive(tree.pipeline.landing, tree.pipeline.home.sources, "logs", [Path("links/back")], RECEIVED)) == 5


NOTHING = {
    "a path that is not there": ("nowhere", "nowhere is neither a file nor a folder"),
    "a pattern that matches nothing": ("logs/*.zst", r"logs/\*\.zst: there is no such file"),
    "a folder with nothing in it": ("empty", "empty: there is no such file; hidden files and those that end in .tmp"),
}


@pytest.mark.parametrize(("path", "message"), NOTHING.values(), ids=NOTHING.keys())
def test_a_path_that_stands_for_nothing_holds_everything_up(tree: Workshop, path: str, message: str) -> None:
    with pytest.raises(ReceiveError, match=message):
        receive(
            tree.pipeline.landing, tree.pipeline.home.sources, "logs", [Path("logs/a.ndjson"), Path(path)], RECEIVED
        )
    assert list(tree.pipeline.landing.files()) == []
