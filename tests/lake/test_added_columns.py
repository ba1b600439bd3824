"""Columns are only added: a table of before takes files that have one more, and tells whoever else reads it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from monetization_pipeline.datasets.spec import DatasetSpec, schema
from monetization_pipeline.engines.address import Address
from monetization_pipeline.engines.duckdb import DuckDBEngine
from monetization_pipeline.lake.table import NewFile, Table

TEXT = pa.string()
BEFORE = DatasetSpec("notes", "notes", schema(("id", TEXT, "id"), ("said", TEXT, "text")), ("id",), by_batch=True)
NOW = DatasetSpec(
    "notes",
    "notes",
    schema(("id", TEXT, "id"), ("tone", TEXT, "how"), ("said", TEXT, "text"), added=("tone",)),
    ("id",),
    by_batch=True,
)


def write(table: Table, batch: str, **columns: str) -> Address:
    address = table.new_path(prefix=f"{batch}-")
    content = pa.table({name: [value] for name, value in columns.items()})
    pq.write_table(content, address.local)
    table.append(batch, [NewFile(address, "all", 1)])
    return address


def test_a_table_of_before_gets_the_column(tmp_path: Path) -> None:
    former = write(Table(tmp_path, BEFORE), "one", id="1", said="a")
    table = Table(tmp_path, NOW)
    write(table, "two", id="2", said="b", tone="loud")
    write(table, "three", id="3", said="c", tone="low")
    assert len(table.files()) == 3
    in_log = DeltaTable(tmp_path / "notes")
    assert {field.name for field in in_log.schema().fields} == {"id", "said", "tone"}
    for files in ([former], table.files()):
        with DuckDBEngine(tmp_path / "spill", "100MB").session() as session:
            session.view("notes", NOW.schema, files)
            rows = session.rows("SELECT * FROM notes ORDER BY id")
        assert rows == [("1", None, "a"), ("2", "loud", "b"), ("3", "low", "c")][: len(files)]


def test_what_was_added_is_known_by_the_dataset() -> None:
    assert (tuple(BEFORE.added), tuple(NOW.added)) == ((), ("tone",))
