"""A session's names: what was made readable last is what is read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from monetization_pipeline.engines.duckdb import DuckDBEngine

SCHEMA = pa.schema([("id", pa.int64())])


def written(path: Path, *ids: int) -> Path:
    pq.write_table(pa.table({"id": list(ids)}, schema=SCHEMA), path)
    return path


def test_a_name_shows_the_files_it_was_given_last(tmp_path: Path) -> None:
    one, two = written(tmp_path / "one.parquet", 1), written(tmp_path / "two.parquet", 2, 3)
    with DuckDBEngine(tmp_path / "spill").session() as session:
        for files, ids in (
            ([], []),
            ([one], [1]),
            ([], []),
            ([two], [2, 3]),
            ([one, two], [1, 2, 3]),
            ([one], [1]),
        ):
            session.view("rows", SCHEMA, files)
            session.run("CREATE OR REPLACE TEMP VIEW over AS SELECT id FROM rows")
            assert session.rows("SELECT id FROM over ORDER BY id") == [(number,) for number in ids]


def test_a_session_leaves_nothing_on_disk(tmp_path: Path) -> None:
    with DuckDBEngine(tmp_path / "spill").session() as session:
        session.run("CREATE TEMP TABLE numbers AS SELECT * FROM range(10)")
    assert list((tmp_path / "spill").iterdir()) == []
