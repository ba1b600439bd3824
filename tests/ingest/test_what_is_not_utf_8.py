"""What is not UTF-8 is set aside with its place, and its bytes are kept: as base64, whatever reader met it."""

import base64
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from workshop import Workshop

from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS

GOOD = b'{"id":"good","at":"2023-07-10T12:00:00Z","company":"acme"}'
REQUEST = json.dumps(
    {
        "method": "POST",
        "path": "/v1/events",
        "body": {
            "transaction_id": "good",
            "company_id": "acme",
            "request": {"time": "2023-07-10T12:00:00", "verb": "GET", "uri": "/"},
            "response": {"time": "2023-07-10T12:00:00", "status": 200},
        },
    }
).encode()

#: Declaration of the source, content of the file, (line, bytes kept) of what is refused; one event is good in each.
CASES: dict[str, tuple[dict[str, object], bytes, tuple[int, bytes]]] = {
    "a line of JSON": ({}, GOOD + b'\n{"id":"\xff\xfe"}\n', (2, b'{"id":"\xff\xfe"}')),
    "a line that is no JSON either": ({}, b"\xe9t\xe9\n" + GOOD + b"\n", (1, b"\xe9t\xe9")),
    "a line that breaks off within a character": ({}, GOOD + b'\n{"id":"\xe2\x82', (2, b'{"id":"\xe2\x82')),
    "a row of CSV": (
        {"format": "csv"},
        b"id,at,company\ngood,2023-07-10T12:00:00Z,acme\nb\xe4d,2023-07-10T12:00:00Z,acme\n",
        (3, b"b\xe4d,2023-07-10T12:00:00Z,acme"),
    ),
    "a recorded request": (
        {"format": "requests", "mapping": {}},
        REQUEST + b'\n{"method":"POST\xff"}\n',
        (2, b'{"method":"POST\xff"}'),
    ),
    "the rest of a document": ({"format": "json"}, b"[" + GOOD + b',{"id":nu\xffll}]', (1, b'{"id":nu\xffll}]')),
    "a file that is no Parquet": ({"format": "parquet"}, b"PAR\xff\xfe", (1, b"PAR\xff\xfe")),
}


@pytest.mark.parametrize(("declared", "content", "refused"), CASES.values(), ids=CASES)
def test_the_bytes_are_kept_as_base64(
    shop: Workshop, declared: dict[str, object], content: bytes, refused: tuple[int, bytes]
) -> None:
    shop.source("odd", **declared)
    shop.take(content, source="odd")
    (row,) = shop.rows(REFUSALS)
    assert (row["line"], base64.b64decode(row["text"], validate=True)) == refused
    assert [each["event_id"] for each in shop.rows(RAW_EVENTS)] == ([] if b"PAR" in content else ["good"])


def test_bytes_in_a_column_of_parquet_are_text_where_they_are_utf_8_else_base64(shop: Workshop) -> None:
    content = io.BytesIO()
    columns = {
        "id": ["text", "bytes"],
        "at": ["2023-07-10T12:00:00Z"] * 2,
        "company": ["acme"] * 2,
        "m": [{"raw": "é".encode()}, {"raw": b"\xff\x00"}],
    }
    kinds = [("id", pa.string()), ("at", pa.string()), ("company", pa.string())]
    schema = pa.schema([*kinds, ("m", pa.struct([("raw", pa.binary())]))])
    pq.write_table(pa.table(columns, schema), content)
    shop.source("odd", format="parquet")
    shop.take(content.getvalue(), source="odd")
    kept = {row["event_id"]: row["metadata"] for row in shop.rows(RAW_EVENTS)}
    assert kept == {"text": '{"raw":"é"}', "bytes": f'{{"raw":"{base64.b64encode(bytes([255, 0])).decode()}"}}'}
