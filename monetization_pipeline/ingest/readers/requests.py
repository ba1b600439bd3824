"""Recorded requests: `{method, path, body}` a line, as a Moesif client sends them; routed by path."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from monetization_pipeline.ingest import exact_json
from monetization_pipeline.ingest.exact_json import Json, NotJsonError
from monetization_pipeline.ingest.readers.blocks import Block, line_blocks
from monetization_pipeline.ingest.readers.lines import elements
from monetization_pipeline.ingest.records import Record, RecordKind, batches, refused

_ROUTES = {
    "events": RecordKind.EVENT,
    "actions": RecordKind.EVENT,
    "users": RecordKind.USER,
    "companies": RecordKind.COMPANY,
    "subscriptions": RecordKind.SUBSCRIPTION,
}


def read(file_no: int, path: Path) -> Iterator[pa.RecordBatch]:
    """Records of all requests of a file, as batches of RECORD_SCHEMA."""
    return batches(file_no, _records(path))


def _records(path: Path) -> Iterator[Record]:
    line = 0
    for block in line_blocks(path):
        if not isinstance(block, Block):
            line += 1
            yield refused(line, 1, block.reason, block.start)
            continue
        for content in block.data.removesuffix(b"\n").split(b"\n"):
            line += 1
            yield from read_request(line, content)


def read_request(line: int, content: bytes) -> Iterator[Record]:
    """Records of one request. Equal records of one request are several; a request sent again is the same ones."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        yield refused(line, 1, f"the line is not UTF-8 (byte {error.start + 1})", content)
        return
    if not text.strip():
        yield Record(RecordKind.EMPTY, line, 1, "")
        return
    try:
        yield from _routed(line, exact_json.parse(text))
    except NotJsonError as error:
        yield refused(line, 1, f"the line is not a recorded request: {error}", text)


def _routed(line: int, request: Json) -> Iterator[Record]:
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        exact_json.fail("an object with method, path and body is expected")
    if request["method"] != "POST":
        yield Record(RecordKind.EMPTY, line, 1, "")
        return
    body = request.get("body")
    if isinstance(body, str):
        body = exact_json.parse(body)
    if body == []:
        yield Record(RecordKind.EMPTY, line, 1, "")
        return
    values: list[Json] = body if isinstance(body, list) else [body]
    yield from elements(_kind(request.get("path")), line, values, scope=line)


def _kind(path: Json) -> RecordKind:
    parts = [part for part in str(path).split("?")[0].split("/") if part and part != "batch"]
    if parts and parts[-1] in _ROUTES:
        return _ROUTES[parts[-1]]
    return exact_json.fail(f"path {path!r} is none of {', '.join(sorted(_ROUTES))}")
