"""Parquet: every type's values arrive exactly, row by row; what cannot be read is refused with its row."""

import io
import json
import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from workshop import PLAIN_MAPPING, Workshop

from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS
from monetization_pipeline.ingest import exact_json
from monetization_pipeline.ingest.readers.arrow_json import RowsJson
from monetization_pipeline.ingest.records import record_hash

NOON = datetime(2023, 7, 10, 12, tzinfo=UTC).replace(tzinfo=None)


@pytest.fixture
def parquet(shop: Workshop) -> Workshop:
    shop.source("parquet", format="parquet")
    return shop


def file_of(columns: dict[str, pa.Array], **options: object) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, **options)
    return target.getvalue()


def events(numbers: Iterable[int], **columns: pa.Array) -> dict[str, pa.Array]:
    ids = pa.array([f"e{number}" for number in numbers])
    return {"id": ids, "at": pa.array([NOON] * len(ids)), "company": pa.array(["acme"] * len(ids))} | columns


def test_rows_are_records_by_column_name(parquet: Workshop) -> None:
    columns = events(
        (1, 2),
        status=pa.array([200, None], pa.int16()),
        verb=pa.array(["GET", 'P"\\\n'], pa.large_string()),
        m=pa.array([{"tokens": 5, "model": "small"}, None]),
    )
    file = parquet.take(file_of(columns), source="parquet")
    assert (file.raw_events, file.refusals) == (2, 0)
    first, second = sorted(parquet.rows(RAW_EVENTS), key=lambda row: row["line"])
    assert (first["event_id"], first["line"], first["record"]) == ("e1", 1, 1)
    assert (first["status"], first["verb"], first["company_id"]) == (200, "GET", "acme")
    assert json.loads(first["metadata"]) == {"model": "small", "tokens": 5}
    assert (second["event_id"], second["line"], second["status"], second["verb"]) == ("e2", 2, None, 'P"\\\n')


INSTANTS = {
    "without a zone it is UTC": pa.array([NOON], pa.timestamp("us")),
    "in milliseconds": pa.array([NOON], pa.timestamp("ms")),
    "in nanoseconds": pa.array([NOON], pa.timestamp("ns")),
    "in UTC": pa.array([NOON.replace(tzinfo=UTC)], pa.timestamp("us", "UTC")),
    "in a zone it is the same instant": pa.array([NOON.replace(tzinfo=UTC)], pa.timestamp("us", "Asia/Kolkata")),
    "as text": pa.array(["2023-07-10T14:00:00+02:00"]),
}


@pytest.mark.parametrize("at", INSTANTS.values(), ids=INSTANTS.keys())
def test_a_time(parquet: Workshop, at: pa.Array) -> None:
    parquet.take(file_of(events([1], at=at)), source="parquet")
    assert [row["occurred_at"] for row in parquet.rows(RAW_EVENTS)] == [NOON.replace(tzinfo=UTC)]


def test_times_as_spark_used_to_write_them(parquet: Workshop) -> None:
    parquet.take(file_of(events([1]), use_deprecated_int96_timestamps=True), source="parquet")
    assert [row["occurred_at"] for row in parquet.rows(RAW_EVENTS)] == [NOON.replace(tzinfo=UTC)]


# A value, and what stands for it in metadata.
VALUES: dict[str, tuple[pa.Array, object]] = {
    "a decimal of many digits": (
        pa.array([Decimal("12345678901234567890.123456789012")], pa.decimal128(38, 12)),
        "12345678901234567890.123456789012",
    ),
    "a decimal without its column's zeros": (pa.array([Decimal("1.5")], pa.decimal128(38, 18)), Decimal("1.5")),
    "a decimal of 256 bits": (
        pa.array([Decimal("-1234567890123456789012345678901234567890.5")], pa.decimal256(76, 20)),
        "-1234567890123456789012345678901234567890.5",
    ),
    "a decimal zero": (pa.array([Decimal(0)], pa.decimal128(38, 18)), 0),
    "a decimal hundred": (pa.array([Decimal(100)], pa.decimal128(10, 2)), 100),
    "a small decimal": (pa.array([Decimal("0.000000000001")], pa.decimal128(28, 12)), "0.000000000001"),
    "a small double": (pa.array([1.5e-7]), "0.00000015"),
    "a double of ten to the fifteenth": (pa.array([1e15]), "1000000000000000"),
    "a double that is minus zero": (pa.array([-0.0]), 0),
    "a double": (pa.array([0.1]), Decimal("0.1")),
    "a double of 17 digits": (pa.array([0.1 + 0.2]), "0.30000000000000004"),
    "a double that is whole": (pa.array([3.0]), 3),
    "a great double": (pa.array([1e300]), "1e+300"),
    "no number": (pa.array([float("nan")]), "NaN"),
    "infinity": (pa.array([float("-inf")]), "-Infinity"),
    "a float": (pa.array([0.1], pa.float32()), Decimal("0.1")),
    "a whole number of 19 digits": (pa.array([2**63 - 1]), "9223372036854775807"),
    "an unsigned one": (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
    "a short one": (pa.array([-7], pa.int8()), -7),
    "a truth": (pa.array([True]), True),
    "a text": (pa.array(['é\u2028\\"/\n\t😀']), 'é\u2028\\"/\n\t😀'),
    "a text of a dictionary": (pa.array(["x"]).dictionary_encode(), "x"),
    "bytes that are text": (pa.array([b"abc"]), "abc"),
    "bytes that are none": (pa.array([b"\xff\xfe"]), "//4="),
    "a day": (pa.array([date(2023, 7, 10)]), "2023-07-10"),
    "a time of day": (pa.array([time(1, 2, 3, 4)]), "01:02:03.000004"),
    "a UUID": (
        pa.array([uuid.UUID(int=1).bytes], pa.uuid()),
        "00000000-0000-0000-0000-000000000001",
    ),
    "a list": (pa.array([[1, None, 12345678901234]]), [1, None, "12345678901234"]),
    "a list of a fixed size": (pa.array([[1, 2]], pa.list_(pa.int8(), 2)), [1, 2]),
    "an empty list": (pa.array([[]], pa.list_(pa.int8())), []),
    "a structure": (pa.array([{"b": {"c": [Decimal("0.10")]}, "a": None}]), {"b": {"c": [Decimal("0.1")]}}),
    "a structure of nothing": (pa.array([{"a": None}], pa.struct([("a", pa.int8())])), {}),
    "a map": (pa.array([[("b", 1), ("a", None)]], pa.map_(pa.string(), pa.int64())), {"b": 1, "a": None}),
    "a map with numbers for keys": (pa.array([[(7, "x")]], pa.map_(pa.int64(), pa.string())), {"7": "x"}),
}


@pytest.mark.parametrize(("value", "kept"), VALUES.values(), ids=VALUES.keys())
def test_a_value_in_metadata(parquet: Workshop, value: pa.Array, kept: object) -> None:
    struct = pa.StructArray.from_arrays([value], names=["v"])
    parquet.take(file_of(events([1], m=struct)), source="parquet")
    (row,) = parquet.rows(RAW_EVENTS)
    found = json.loads(row["metadata"], parse_float=Decimal)["v"]
    assert found == kept
    assert type(found) is type(kept)


def test_a_column_mapped_to_a_key_of_metadata_is_its_exact_text(parquet: Workshop) -> None:
    parquet.source("parquet", format="parquet", mapping=PLAIN_MAPPING | {"metadata.d": "d", "metadata.f": "f"})
    exact = pa.array([Decimal("12345678901234567890.123456789012")], pa.decimal128(38, 12))
    parquet.take(file_of(events([1], d=exact, f=pa.array([0.1 + 0.2]))), source="parquet")
    (row,) = parquet.rows(RAW_EVENTS)
    assert json.loads(row["metadata"]) == {"d": "12345678901234567890.123456789012", "f": "0.30000000000000004"}


#: What identities are made of keeps Arrow's spelling, as the first version wrote it.
SENT = {
    "a small decimal": (pa.array([Decimal("0.000000000001")], pa.decimal128(28, 12)), '{"n":"1E-12"}'),
    "a great double": (pa.array([1e15]), '{"n":"1e+15"}'),
    "minus zero": (pa.array([-0.0]), '{"n":-0}'),
    "a whole double": (pa.array([7.0]), '{"n":7}'),
    "one in a structure": (pa.array([{"m": [1e-7]}]), '{"n":{"m":["1e-7"]}}'),
}


@pytest.mark.parametrize(("column", "text"), SENT.values(), ids=SENT.keys())
def test_an_identity_is_made_of_numbers_as_they_were_sent(parquet: Workshop, column: pa.Array, text: str) -> None:
    rows = RowsJson.of(pa.record_batch({"n": column}))
    assert rows.identities.to_pylist() == [text]
    parquet.source("parquet", format="parquet", mapping={"occurred_at": "at", "event_type": "'api_call'"})
    parquet.take(file_of({"at": pa.array(["2023-07-10"]), "n": column}), source="parquet")
    record = '{"at":"2023-07-10",' + text.removeprefix("{")
    assert [row["event_id"] for row in parquet.rows(RAW_EVENTS)] == [f"{record_hash(record)}-1"]


NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1).map(lambda value: pa.array([value], pa.int64())),
    st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20).map(
        lambda value: pa.array([value], pa.decimal128(38, 9))
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: pa.array([value])),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda value: pa.array([value], pa.float32())),
)


@given(NUMBERS)
def test_any_number_means_what_it_meant(column: pa.Array) -> None:
    """Read back as a number of its own type, it is the same one; and a reader of JSON cannot bend it."""
    (text,) = RowsJson.of(pa.record_batch({"n": column})).texts.to_pylist()
    number = exact_json.parse(text)["n"]
    assert isinstance(number, str) or len(text) - len('{"n":}') < exact_json.LONG_NUMBER
    assert str(number) == exact_json.digits_of(str(number))
    kind, value = column.type, column[0].as_py()
    if pa.types.is_float32(kind):
        assert np.float32(str(number)) == np.float32(value)
    elif pa.types.is_floating(kind):
        assert float(str(number)) == value
    else:
        assert Fraction(str(number)) == Fraction(value)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"t": st.none() | st.text(st.characters(codec="utf-8")), "n": st.none() | st.integers(-999, 999)},
            optional={"l": st.none() | st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=4))},
        ),
        min_size=1,
    )
)
def test_any_rows_are_the_same_as_json(rows: list[dict[str, object]]) -> None:
    schema = pa.schema([("t", pa.string()), ("n", pa.int64()), ("l", pa.list_(pa.string()))])
    inner = pa.table({"s": pa.array(rows, pa.struct(schema))}).combine_chunks()
    for slices in (inner, pa.concat_tables([inner, inner]).slice(len(rows) // 2, len(rows)).combine_chunks()):
        (batch,) = slices.to_batches()
        texts = RowsJson.of(batch).texts.to_pylist()
        expected = [{key: value for key, value in row.items() if value is not None} for row in _rows_of(batch)]
        assert [json.loads(text)["s"] for text in texts] == expected


def _rows_of(batch: pa.RecordBatch) -> list[dict[str, object]]:
    return [row["s"] for row in batch.to_pylist()]


def test_the_same_rows_in_another_order_of_columns_are_the_same_records(parquet: Workshop) -> None:
    """Without an id, the identity is the record's content: a column that is null says nothing."""
    parquet.source("parquet", format="parquet", mapping={"occurred_at": "at", "event_type": "'api_call'"})
    columns = {"at": pa.array([NOON] * 2), "b": pa.array([1, 1]), "a": pa.array(["x", "x"])}
    parquet.take(file_of(columns), source="parquet")
    turned = {"c": pa.nulls(2, pa.int8())} | dict(reversed(columns.items()))
    parquet.take(file_of(turned), source="parquet")
    found = [row["event_id"] for row in parquet.rows(RAW_EVENTS)]
    assert len(found) == 4
    assert len(set(found)) == 2


def test_rows_that_cannot_be_events_are_refused_one_by_one(parquet: Workshop) -> None:
    columns = events(range(5), at=pa.array([NOON, None, NOON, NOON, NOON]))
    columns["verb"] = _with_bytes([b"GET", b"GET", b"\xff\xfe", b"GET", b"G\xff"])
    file = parquet.take(file_of(columns), source="parquet")
    assert sorted(row["event_id"] for row in parquet.rows(RAW_EVENTS)) == ["e0", "e3"]
    refusals = sorted(parquet.rows(REFUSALS), key=lambda row: row["line"])
    assert [(row["line"], row["reason"]) for row in refusals] == [
        (2, "occurred_at is missing"),
        (3, "the row is not UTF-8 (column verb)"),
        (5, "the row is not UTF-8 (column verb)"),
    ]
    assert json.loads(refusals[1]["text"])["id"] == "e2"
    assert file.records == 5


def _with_bytes(values: list[bytes]) -> pa.Array:
    """Text that breaks the promise to be UTF-8."""
    raw = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())


NONE: dict[str, tuple[bytes, str]] = {
    "no Parquet": (b'{"id": "e1"}\n', "the file is not Parquet"),
    "nothing": (b"", "the file is not Parquet"),
    "Parquet cut off": (file_of(events(range(9)))[:-20], "the file is not Parquet"),
    "Parquet whose end lies": (file_of(events(range(9)))[:-30] + b"\xff" * 22 + b"\xff\x00\x00\x00PAR1", "not Parquet"),
}


@pytest.mark.parametrize(("content", "reason"), NONE.values(), ids=NONE.keys())
def test_a_file_that_is_no_parquet_is_refused_as_one_record(parquet: Workshop, content: bytes, reason: str) -> None:
    file = parquet.take(content, source="parquet")
    assert (file.records, file.refusals) == (1, 1)
    (refusal,) = parquet.rows(REFUSALS)
    assert (refusal["line"], refusal["record"]) == (1, 1)
    assert reason in refusal["reason"]
    assert str(parquet.root) not in refusal["reason"]


def test_a_damaged_row_group_is_refused_as_one_record_and_the_others_are_kept(parquet: Workshop) -> None:
    content = bytearray(file_of(events(range(300)), row_group_size=100, write_page_checksum=True))
    described = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(1).column(0)
    content[described.dictionary_page_offset + described.total_compressed_size // 2] ^= 0xFF
    file = parquet.take(bytes(content), source="parquet")
    assert (file.raw_events, file.refusals) == (200, 1)
    assert {row["line"] for row in parquet.rows(RAW_EVENTS)} == {*range(1, 101), *range(201, 301)}
    (refusal,) = parquet.rows(REFUSALS)
    assert refusal["line"] == 101
    assert "row group 2 is damaged from here on" in refusal["reason"]


def test_a_file_without_rows_holds_nothing(parquet: Workshop) -> None:
    assert parquet.take(file_of(events([])), source="parquet").records == 0


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "lz4", "brotli"])
def test_a_codec(parquet: Workshop, codec: str) -> None:
    assert parquet.take(file_of(events(range(9)), compression=codec), source="parquet").raw_events == 9


def test_moesifs_events_as_parquet(parquet: Workshop) -> None:
    parquet.source("parquet", format="parquet", schema="moesif", mapping={})
    request = pa.array([{"time": NOON, "verb": "GET", "uri": "https://h/x?token=1"}])
    columns = {"transaction_id": pa.array(["t1"]), "company_id": pa.array(["acme"]), "request": request}
    parquet.take(file_of(columns), source="parquet")
    (row,) = parquet.rows(RAW_EVENTS)
    assert (row["event_id"], row["event_type"], row["verb"], row["uri"]) == (
        "t1",
        "api_call",
        "GET",
        "https://h/x?token=",
    )


def named(table: pa.Table) -> bytes:
    """A file in which the name `Zx` is one in another encoding."""
    content = io.BytesIO()
    pq.write_table(table, content, store_schema=False)
    return content.getvalue().replace(b"Zx", b"Z\xe4")


@pytest.mark.parametrize(
    "table",
    [pa.table({"id": ["a"], "Zx": [1]}), pa.table({"id": ["a"], "m": [{"Zx": 1}]})],
    ids=["of a column", "of a field within one"],
)
def test_a_name_that_is_not_utf_8_refuses_the_file_and_no_other(parquet: Workshop, table: pa.Table) -> None:
    parquet.place("parquet", named(table), name="a")
    good = io.BytesIO()
    pq.write_table(pa.table({"id": ["good"], "at": [NOON]}), good)
    parquet.place("parquet", good.getvalue(), name="b")
    parquet.ingest()
    assert [row["event_id"] for row in parquet.rows(RAW_EVENTS)] == ["good"]
    (refusal,) = parquet.rows(REFUSALS)
    assert (refusal["line"], refusal["reason"]) == (1, "a column has a name that is not UTF-8: b'Z\\xe4'")


def test_a_maps_keys_may_be_anything(parquet: Workshop) -> None:
    kinds = [(1, pa.int64()), ({"a": 'x"'}, pa.struct([("a", pa.string())])), ([1], pa.list_(pa.int64()))]
    for number, (key, kind) in enumerate(kinds):
        content = io.BytesIO()
        of_map = pa.array([[(key, 2)]], pa.map_(kind, pa.int64()))
        pq.write_table(pa.table({"id": [f"{number}"], "at": [NOON], "m": of_map}), content)
        parquet.place("parquet", content.getvalue())
    parquet.ingest()
    kept = {row["event_id"]: row["metadata"] for row in parquet.rows(RAW_EVENTS)}
    assert kept == {"0": '{"1":2}', "1": '{"{\\"a\\":\\"x\\\\\\"\\"}":2}', "2": '{"[1]":2}'}
