"""Tables: what replacing, extending and adding a batch do, who gets a conflict, and that states outlive checkpoints."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monetization_pipeline.datasets import DatasetSpec
from monetization_pipeline.lake import disk
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import ConcurrentCommitError, NewFile, Table

_FIELDS = [pa.field("value", pa.int64()), pa.field("day", pa.string())]
DAYS = DatasetSpec("days", "by day", pa.schema(_FIELDS), ("value",), "day")
WHOLE = DatasetSpec("whole", "one partition", pa.schema(_FIELDS), ("value",))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def written(table: Table, values: Sequence[int], day: str = "all", prefix: str = "") -> NewFile:
    address = table.new_path(day, prefix)
    pq.write_table(pa.table({"value": values, "day": [day] * len(values)}, pa.schema(_FIELDS)), address.local)
    return NewFile(address, day, len(values))


def content(table: Table, days: Sequence[str] | None = None) -> list[int]:
    return sorted(value for file in table.files(days) for value in disk.read(file)["value"].to_pylist())


def state(text: str) -> PartitionState:
    return PartitionState(text, 1, inputs={"a": "b"}, counts={"n": 1}, notes={"list": ["x"]})


def put(table: Table, values: Sequence[int], day: str) -> None:
    table.replace(table.claim([day]), [written(table, values, day)], {day: state(str(values))})


def test_a_table_that_is_not_there_is_empty(lake: Lake) -> None:
    table = lake.table(DAYS)
    assert (table.files(), table.partitions(), dict(table.states()), table.state("a")) == ([], [], {}, None)
    assert not table.root.exists()


def test_replace_puts_a_whole_partition_in_place_of_another_and_leaves_its_neighbours(lake: Lake) -> None:
    table = lake.table(DAYS)
    put(table, [1, 2], "a")
    put(table, [3], "b")
    put(table, [4, 5, 6], "a")
    assert content(table) == [3, 4, 5, 6]
    assert content(table, ["a"]) == [4, 5, 6]
    assert table.partitions() == ["a", "b"]
    assert table.state("a") == state("[4, 5, 6]")


def test_replace_with_nothing_empties_a_partition_and_says_so(lake: Lake) -> None:
    table = lake.table(DAYS)
    put(table, [1], "a")
    table.replace(table.claim(["a"]), [], {"a": state("none")})
    assert content(table) == []
    assert table.state("a") == state("none")


def test_several_partitions_in_one_commit(lake: Lake) -> None:
    table = lake.table(DAYS)
    put(table, [1], "a")
    claim = table.claim(["a", "b", "c"])
    files = [written(table, [2], "a"), written(table, [3], "b")]
    table.replace(claim, files, {day: state(day) for day in "abc"})
    assert content(table) == [2, 3]
    assert set(table.states()) == {"a", "b", "c"}


@pytest.mark.parametrize("first", [True, False])
def test_of_two_writers_of_one_partition_the_second_gets_a_conflict(lake: Lake, first: bool) -> None:
    """Also where both are the first to write it, and where they work on tables of their own."""
    mine, theirs = lake.table(DAYS), Lake(lake.root).table(DAYS)
    if not first:
        put(mine, [0], "a")
    my_claim, their_claim = mine.claim(["a"]), theirs.claim(["a"])
    theirs.replace(their_claim, [written(theirs, [1], "a")], {"a": state("theirs")})
    with pytest.raises(ConcurrentCommitError, match=r"days: another process committed the same partition"):
        mine.replace(my_claim, [written(mine, [2], "a")], {"a": state("mine")})
    assert content(mine) == [1]
    assert mine.state("a") == state("theirs")
    put(mine, [2], "a")
    assert content(theirs) == [2]


def test_a_writer_that_comes_while_another_commits_gets_a_conflict(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the moment in which a commit looks at the table and the one in which it is written."""
    mine, theirs = lake.table(DAYS), Lake(lake.root).table(DAYS)
    put(mine, [0], "a")
    claim = mine.claim(["a"])
    commit = Table._commit

    def commit_after_the_other(table: Table, *arguments: Any) -> None:
        monkeypatch.undo()
        put(theirs, [1], "a")
        commit(table, *arguments)

    monkeypatch.setattr(Table, "_commit", commit_after_the_other)
    with pytest.raises(ConcurrentCommitError):
        mine.replace(claim, [written(mine, [2], "a")], {"a": state("mine")})
    assert content(mine) == [1]


def test_a_neighbour_that_commits_meanwhile_is_no_conflict(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delta calls it one, as soon as the neighbour's commit removes files."""
    mine, theirs = lake.table(DAYS), Lake(lake.root).table(DAYS)
    put(mine, [0], "a")
    put(theirs, [1], "b")
    claim = mine.claim(["a"])
    commit = Table._commit

    def commit_after_the_other(table: Table, *arguments: Any) -> None:
        monkeypatch.undo()
        put(theirs, [2], "b")
        commit(table, *arguments)

    monkeypatch.setattr(Table, "_commit", commit_after_the_other)
    mine.replace(claim, [written(mine, [3], "a")], {"a": state("mine")})
    assert content(mine) == content(theirs) == [2, 3]


def test_a_claim_holds_for_one_commit(lake: Lake) -> None:
    table = lake.table(DAYS)
    claim = table.claim(["a"])
    table.replace(claim, [written(table, [1], "a")], {"a": state("1")})
    with pytest.raises(ConcurrentCommitError):
        table.replace(claim, [written(table, [1], "a")], {"a": state("2")})
    assert content(table) == [1]


def test_writers_of_neighbours_do_not_meet(lake: Lake) -> None:
    mine, theirs = lake.table(DAYS), Lake(lake.root).table(DAYS)
    put(mine, [0], "a")
    my_claim, their_claim = mine.claim(["a"]), theirs.claim(["b"])
    theirs.replace(their_claim, [written(theirs, [1], "b")], {"b": state("theirs")})
    mine.replace(my_claim, [written(mine, [2], "a")], {"a": state("mine")})
    assert content(mine) == [1, 2]


def test_a_writer_of_several_partitions_meets_one_of_any_of_them(lake: Lake) -> None:
    mine, theirs = lake.table(DAYS), Lake(lake.root).table(DAYS)
    my_claim, their_claim = mine.claim(["a", "b"]), theirs.claim(["b", "c"])
    theirs.replace(their_claim, [written(theirs, [1], "b")], {day: state("theirs") for day in "bc"})
    with pytest.raises(ConcurrentCommitError):
        mine.replace(my_claim, [written(mine, [2], "a")], {day: state("mine") for day in "ab"})
    assert content(mine) == [1]


def test_a_batch_is_added_once(lake: Lake) -> None:
    table = lake.table(DAYS)
    table.append("one", [written(table, [1], "a", "one-")])
    table.append("one", [written(table, [1], "a", "one-")])
    table.append("two", [written(table, [2], "a", "two-")])
    Lake(lake.root).table(DAYS).append("two", [written(table, [2], "a", "two-")])
    table.append("three", [])
    assert content(table) == [1, 2]


def test_batches_and_replacements_leave_each_other_alone(lake: Lake) -> None:
    table = lake.table(DAYS)
    put(table, [1], "a")
    claim = table.claim(["b"])
    table.append("one", [written(table, [2], "c", "one-")])
    table.replace(claim, [written(table, [3], "b")], {"b": state("b")})
    assert content(table) == [1, 2, 3]


# --- files rewritten as others ----------------------------------------------------------------------------------------


def compacted(table: Table, day: str = "a") -> None:
    """All files of a day rewritten as one, whatever lies between looking at them and the commit."""
    old = table.committed([day])
    values = [value for file in old for value in disk.read(file.address)["value"].to_pylist()]
    table.rewrite(old, [written(table, values, day, "all-")])


def fill_in_batches(table: Table) -> None:
    for number in range(3):
        table.append(f"b{number}", [written(table, [number], "a", f"b{number}-")])


def test_rewritten_files_hold_the_same_rows_and_claims_of_the_partition_stay_good(lake: Lake) -> None:
    table = lake.table(DAYS)
    table.replace(table.claim(["a"]), [written(table, [1], "a"), written(table, [2], "a")], {"a": state("a")})
    claim = table.claim(["a"])
    compacted(table)
    assert (content(table), len(table.files()), table.state("a")) == ([1, 2], 1, state("a"))
    table.replace(claim, [written(table, [3], "a")], {"a": state("b")})
    assert content(table) == [3]


def meanwhile(monkeypatch: pytest.MonkeyPatch, other: Callable[[], None]) -> None:
    """The next commit waits until `other` has committed, though it looked at the table before."""
    commit = Table._commit

    def commit_after_the_other(table: Table, *arguments: Any) -> None:
        monkeypatch.undo()
        other()
        commit(table, *arguments)

    monkeypatch.setattr(Table, "_commit", commit_after_the_other)


def test_of_two_that_rewrite_the_same_files_the_second_is_told(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = lake.table(DAYS), Lake(lake.root).table(DAYS)
    fill_in_batches(mine)
    meanwhile(monkeypatch, lambda: compacted(theirs))
    with pytest.raises(ConcurrentCommitError):
        compacted(mine)
    assert content(mine) == content(theirs) == [0, 1, 2]


def test_files_that_were_rewritten_meanwhile_are_replaced_all_the_same(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = lake.table(DAYS), Lake(lake.root).table(DAYS)
    put(mine, [0, 1], "a")
    claim = mine.claim(["a"])
    meanwhile(monkeypatch, lambda: compacted(theirs))
    mine.replace(claim, [written(mine, [2], "a")], {"a": state("mine")})
    assert content(mine) == content(theirs) == [2]


def test_files_that_were_replaced_meanwhile_are_not_rewritten(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = lake.table(DAYS), Lake(lake.root).table(DAYS)
    put(mine, [0, 1], "a")
    meanwhile(monkeypatch, lambda: put(theirs, [2], "a"))
    with pytest.raises(ConcurrentCommitError):
        compacted(mine)
    assert content(mine) == content(theirs) == [2]
    assert mine.state("a") == state("[2]")


@pytest.mark.parametrize("rewriting", [True, False])
def test_a_batch_that_comes_while_files_are_rewritten_is_kept(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, rewriting: bool
) -> None:
    mine, theirs = lake.table(DAYS), Lake(lake.root).table(DAYS)
    fill_in_batches(mine)

    def add(table: Table) -> None:
        table.append("late", [written(table, [9], "a", "late-")])

    if rewriting:
        meanwhile(monkeypatch, lambda: add(theirs))
        compacted(mine)
    else:
        meanwhile(monkeypatch, lambda: compacted(theirs))
        add(mine)
    assert content(mine) == content(theirs) == [0, 1, 2, 9]
    assert len(mine.files()) == 2


def test_extending_a_dataset_of_one_partition(lake: Lake) -> None:
    table = lake.table(WHOLE)
    table.extend(table.claim(), [written(table, [1])], state("1"))
    stale = table.claim()
    table.extend(table.claim(), [written(table, [2])], state("2"))
    with pytest.raises(ConcurrentCommitError):
        table.extend(stale, [written(table, [3])], state("3"))
    assert content(table) == [1, 2]
    assert table.state() == state("2")
    table.replace(table.claim(), [written(table, [4])], {"all": state("4")})
    assert content(table) == [4]


def test_a_file_that_was_written_and_not_committed_is_not_there(lake: Lake) -> None:
    table = lake.table(DAYS)
    put(table, [1], "a")
    written(table, [2], "a")
    assert content(table) == [1]


def test_states_survive_many_commits_and_their_checkpoints(lake: Lake) -> None:
    """Read by one that followed every commit, by one that comes at the end, and by one that fell behind."""
    table, behind = lake.table(DAYS), Lake(lake.root).table(DAYS)
    for number in range(130):
        day = f"d{number % 7}" if number > 20 else f"early{number}"
        put(table, [number], day)
        if number == 50:
            assert behind.state("early3") == state("[3]")
    late = Lake(lake.root).table(DAYS)
    assert list(table.root.glob("_delta_log/*.checkpoint.parquet"))
    assert dict(late.states()) == dict(table.states()) == dict(behind.states())
    assert late.state("early0") == state("[0]")
    assert late.state("d3") == state("[129]")
    assert len(late.states()) == 21 + 7
    with pytest.raises(ConcurrentCommitError):
        late.replace(Lake(lake.root / "elsewhere").table(DAYS).claim(["d3"]), [], {"d3": state("x")})
