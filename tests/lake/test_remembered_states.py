"""States kept in a file beside the log: those of the whole log, whoever wrote the file and whatever is in it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monetization_pipeline.datasets import DatasetSpec
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.remembered import NOTHING, recall, remember
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile, Table

_FIELDS = [pa.field("value", pa.int64()), pa.field("day", pa.string())]
DAYS = DatasetSpec("days", "by day", pa.schema(_FIELDS), ("value",), "day")

#: Commits partitions of its own, looking at all states now and then; prints nothing.
WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_remembered_states import put
from monetization_pipeline.lake.table import Table
from test_remembered_states import DAYS
for number in range(40):
    table = Table(Path(sys.argv[2]), DAYS)
    put(table, f"{sys.argv[3]}{number % 9}", number)
    assert table.states()[f"{sys.argv[3]}{number % 9}"].rows == number
"""


def put(table: Table, day: str, number: int) -> None:
    address = table.new_path(day)
    pq.write_table(pa.table({"value": [number], "day": [day]}, pa.schema(_FIELDS)), address.local)
    table.replace(table.claim([day]), [NewFile(address, day, 1)], {day: PartitionState(f"f{number}", number)})


def fill(root: Path, commits: int, text: str = "d") -> Table:
    table = Lake(root).table(DAYS)
    for number in range(commits):
        put(table, f"{text}{number % 40}", number)
        table.states()
    return table


def kept_file(root: Path) -> Path:
    return root / "days" / "_states.json"


def fingerprints(root: Path) -> dict[str, str]:
    return {day: state.fingerprint for day, state in Lake(root).table(DAYS).states().items()}


def expected(commits: int) -> dict[str, str]:
    return {f"d{number % 40}": f"f{number}" for number in range(commits)}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 120 commits on 40 days, followed commit by commit."""
    root = tmp_path_factory.mktemp("filled")
    fill(root, 120)
    return root


@pytest.fixture
def root(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "lake"))


def test_states_of_the_file_and_the_commits_since_are_those_of_the_whole_log(root: Path) -> None:
    kept = recall(root / "days")
    assert 70 <= kept.version < 120
    assert fingerprints(root) == expected(120)
    kept_file(root).unlink()
    assert fingerprints(root) == expected(120)


def test_a_process_that_read_much_of_the_log_keeps_it_for_the_next(root: Path) -> None:
    kept_file(root).unlink()
    fingerprints(root)
    assert recall(root / "days").version == 120


def test_what_the_file_says_is_not_read_from_the_log_again(root: Path) -> None:
    remember(root / "days", 100, {"d7": PartitionState("of the file", 1)})
    known = fingerprints(root)
    assert known["d7"] == "of the file"
    assert known["d39"] == "f119"
    assert "d10" not in known


def test_a_small_table_has_no_file(tmp_path: Path) -> None:
    fill(tmp_path, 20)
    assert not kept_file(tmp_path).exists()
    assert fingerprints(tmp_path) == {f"d{number}": f"f{number}" for number in range(20)}


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def torn_early(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def changed(path: Path) -> None:
    path.write_text(path.read_text().replace('"f98"', '"f97"'))


def no_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")


def another_table(path: Path) -> None:
    other = path.parent.parent / "other"
    fill(other, 60)
    shutil.copyfile(kept_file(other), path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [torn, torn_early, emptied, changed, no_text, another_table, a_folder])
def test_a_file_that_does_not_hold_is_taken_for_none(root: Path, harm: Callable[[Path], None]) -> None:
    harm(kept_file(root))
    assert recall(root / "days") == NOTHING
    assert fingerprints(root) == expected(120)


def test_a_table_put_back_to_an_earlier_state_forgets_what_came_after(root: Path, tmp_path: Path) -> None:
    """The file of the states was left as it was; and again, once the table has as many commits as before."""
    earlier = tmp_path / "earlier"
    fill(earlier, 30)
    shutil.copyfile(kept_file(root), kept_file(earlier))
    assert fingerprints(earlier) == {f"d{number}": f"f{number}" for number in range(30)}
    table = Lake(earlier).table(DAYS)
    for number in range(30, 125):
        put(table, "since", number)
    shutil.copyfile(kept_file(root), kept_file(earlier))
    assert fingerprints(earlier) == {f"d{number}": f"f{number}" for number in range(30)} | {"since": "f124"}


def test_processes_that_write_at_once_do_no_harm(tmp_path: Path) -> None:
    fill(tmp_path, 1, "first")
    here = str(Path(__file__).parent)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, here, str(tmp_path), name]) for name in "abc"]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    last = {f"{name}{number % 9}": f"f{number}" for name in "abc" for number in range(40)} | {"first0": "f0"}
    assert fingerprints(tmp_path) == last
    assert recall(tmp_path / "days").version >= 50
    kept_file(tmp_path).unlink()
    assert fingerprints(tmp_path) == last
    assert not list((tmp_path / "days").glob("_states-*"))
