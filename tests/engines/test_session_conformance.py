"""One suite for every engine's sessions: names of relations, what is kept and what is run anew, what stays on disk."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import permutations
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engines_under_test import ENGINES

from monetization_pipeline.engines.address import Address
from monetization_pipeline.engines.base import Session

SCHEMA = pa.schema([("id", pa.int64())])


@pytest.fixture(params=list(ENGINES))
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    with ENGINES[request.param](tmp_path / "spill").session() as opened:
        yield opened


def written(path: Path, *ids: int) -> Address:
    pq.write_table(pa.table({"id": list(ids)}, schema=SCHEMA), path)
    return Address.of(path)


def ids(session: Session, name: str) -> list[int]:
    return [found for (found,) in session.rows(f"SELECT id FROM {name} ORDER BY id")]


def test_a_name_shows_the_files_it_was_given_last(session: Session, tmp_path: Path) -> None:
    one, two = written(tmp_path / "one.parquet", 1), written(tmp_path / "two.parquet", 2, 3)
    for files, expected in (
        ([], []),
        ([one], [1]),
        ([], []),
        ([two], [2, 3]),
        ([one, two], [1, 2, 3]),
        ([one], [1]),
    ):
        session.view("numbers", SCHEMA, files)
        session.define("over", "SELECT id FROM numbers")
        assert ids(session, "over") == expected


#: Each way to make a relation `numbers` of one row.
MAKERS: dict[str, Callable[[Session, Path, int], None]] = {
    "files": lambda session, path, n: session.view("numbers", SCHEMA, [written(path / f"{n}.parquet", n)]),
    "arrow": lambda session, _, n: session.register("numbers", pa.table({"id": [n]}, schema=SCHEMA)),
    "defined": lambda session, _, n: session.define("numbers", f"SELECT CAST({n} AS BIGINT) AS id"),
    "kept": lambda session, _, n: session.keep("numbers", f"SELECT CAST({n} AS BIGINT) AS id"),
}


@pytest.mark.parametrize("ways", [*permutations(MAKERS, 2), *((way, way) for way in MAKERS)], ids=" then ".join)
def test_a_name_stands_for_what_was_made_last(session: Session, tmp_path: Path, ways: tuple[str, str]) -> None:
    for number, way in enumerate(ways):
        MAKERS[way](session, tmp_path, number)
        assert ids(session, "numbers") == [number]


@pytest.mark.parametrize("way", MAKERS)
def test_what_is_forgotten_is_not_there_and_may_be_made_again(session: Session, tmp_path: Path, way: str) -> None:
    MAKERS[way](session, tmp_path, 1)
    session.forget("numbers")
    with pytest.raises(Exception, match="numbers"):
        session.rows("SELECT id FROM numbers")
    session.forget("numbers")
    MAKERS[way](session, tmp_path, 2)
    assert ids(session, "numbers") == [2]


def test_what_is_kept_is_run_once_and_what_is_defined_each_time(session: Session) -> None:
    session.keep("numbers", "SELECT CAST(1 AS BIGINT) AS id")
    session.keep("kept", "SELECT id FROM numbers WHERE id < ?", [5])
    session.define("defined", "SELECT id FROM numbers")
    session.append("numbers", "SELECT CAST(2 AS BIGINT) AS id")
    assert (ids(session, "kept"), ids(session, "defined")) == ([1], [1, 2])


def test_what_is_kept_may_be_made_of_itself(session: Session) -> None:
    session.keep("numbers", "SELECT CAST(1 AS BIGINT) AS id")
    session.keep("numbers", "SELECT id + 1 AS id FROM numbers")
    assert ids(session, "numbers") == [2]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_session_leaves_nothing_on_disk(tmp_path: Path, engine: str) -> None:
    with ENGINES[engine](tmp_path / "spill").session() as session:
        session.keep("numbers", "SELECT CAST(1 AS BIGINT) AS id")
    assert list((tmp_path / "spill").iterdir()) == []


def test_files_are_written_where_their_addresses_say(session: Session, tmp_path: Path) -> None:
    whole, folder = Address.of(tmp_path / "whole.parquet"), Address.of(tmp_path)
    sql = "SELECT CAST(id AS BIGINT) AS id, DATE '2023-07-10' + CAST(id // 2 AS INTEGER) AS day FROM range(3) AS t(id)"
    by_day = pa.schema([("id", pa.int64()), ("day", pa.date32())])
    assert session.write(sql, whole, SCHEMA) == 3
    session.view("numbers", SCHEMA, [whole])
    assert ids(session, "numbers") == [0, 1, 2]
    written_days = session.write_days(sql, folder, by_day, "day")
    for day, expected in ((date(2023, 7, 10), [0, 1]), (date(2023, 7, 11), [2])):
        assert all(file.local.parent == folder.local for file in written_days[day])
        session.view("numbers", by_day, written_days[day])
        assert ids(session, "numbers") == expected
    assert len(written_days) == 2
