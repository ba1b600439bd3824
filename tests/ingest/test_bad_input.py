"""Bad input, reader by reader: good records come in, others are refused with place, reason and text; counts close."""

from dataclasses import dataclass

import pytest
from workshop import Workshop, event, gzipped, lines, zstandard

from monetization_pipeline.datasets import ENTITY_CHANGES, RAW_EVENTS, REFUSALS


@dataclass(frozen=True)
class Case:
    """`events` are the event_ids that come in; `refusals` are (line, record, part of the reason)."""

    source: str
    content: bytes
    events: tuple[str, ...] = ()
    refusals: tuple[tuple[int, int, str], ...] = ()
    empty: int = 0
    changes: int = 0


def good(number: int, **fields: object) -> bytes:
    return lines([event(number, **fields)])


def one(number: int) -> bytes:
    """A good record, nothing behind it."""
    return good(number).rstrip()


AT = b'"at":"2023-07-10T12:00:00Z"'
DEEP = b'{"a":' * 3000 + b"1" + b"}" * 3000
REQUEST = b'{"transaction_id":"%s","request":{"time":"2023-07-10T12:00:00Z","verb":"GET"}}'


def request(path: bytes, body: bytes, method: bytes = b"POST") -> bytes:
    return b'{"method":"%s","path":"%s","body":%s}\n' % (method, path, body)


CASES: dict[str, Case] = {
    # --- lines
    "an unreadable line": Case("logs", b"nonsense\n" + good(1), ("e1",), ((1, 1, "not JSON: Expecting value"),)),
    "a line cut off": Case("logs", good(1) + b'{"id":"x","at":"20', ("e1",), ((2, 1, "Unterminated string"),)),
    "two objects on a line": Case("logs", b'{"id":"a"}{"id":"b"}\n' + good(1), ("e1",), ((1, 1, "Extra data"),)),
    "a line that is no object": Case(
        "logs", b'5\n"x"\nnull\n' + good(1), ("e1",), tuple((n, 1, "not an object") for n in (1, 2, 3))
    ),
    "blank lines are empty": Case("logs", b"\n  \r\n" + good(1) + b"\t\n", ("e1",), (), 3),
    "CRLF": Case("logs", good(1).replace(b"\n", b"\r\n") + good(2), ("e1", "e2")),
    "a byte order mark": Case("logs", b"\xef\xbb\xbf" + good(1) + good(2), ("e1", "e2")),
    "no line feed at the end": Case("logs", good(1) + good(2).rstrip(), ("e1", "e2")),
    "an empty file": Case("logs", b""),
    "invalid UTF-8": Case(
        "logs", good(1) + b'{"id":"\xff\xfe"}\n' + good(2), ("e1", "e2"), ((2, 1, "not UTF-8 (byte 8)"),)
    ),
    "half of a surrogate pair": Case(
        "logs", b'{"id":"x","company":"\\ud800",' + AT + b"}\n" + good(1), ("e1",), ((1, 1, "surrogate"),)
    ),
    "a whole surrogate pair": Case("logs", b'{"id":"\\ud83d\\ude00",' + AT + b"}\n", ("😀",)),
    "a NUL in a text": Case("logs", b'{"id":"a\\u0000b",' + AT + b"}\n" + good(1), ("a\0b", "e1")),
    "a raw control character": Case(
        "logs", b'{"id":"a\tb",' + AT + b"}\n" + good(1), ("e1",), ((1, 1, "Invalid control character"),)
    ),
    "deep nesting": Case("logs", b'{"id":"deep",' + AT + b',"m":' + DEEP + b"}\n" + good(1), ("deep", "e1")),
    "deep nesting beside an exponent": Case(
        "logs", b'{"id":"deep","x":1e5,"m":' + DEEP + b"}\n" + good(1), ("e1",), ((1, 1, "too deeply"),)
    ),
    "of a key given twice the first holds": Case("logs", b'{"id":"first","id":"second",' + AT + b"}\n", ("first",)),
    "the same beside an exponent": Case("logs", b'{"id":"first","id":"second","x":1e5,' + AT + b"}\n", ("first",)),
    "an array in a line": Case(
        "logs",
        b'[{"id":"a",' + AT + b'},7,{"id":"b"},{"id":"\\udc00",' + AT + b'},{"id":"c",' + AT + b"}]\n" + good(1),
        ("a", "c", "e1"),
        ((1, 2, "not a JSON object"), (1, 3, "occurred_at is missing"), (1, 4, "surrogate")),
    ),
    "an empty array in a line": Case("logs", b"[]\n" + good(1), ("e1",), (), 1),
    # --- values
    "times without meaning": Case(
        "logs",
        lines(event(n, at=at) for n, at in enumerate(["noon", "2023-02-30", 1690000000, {}, "", None], 1)) + good(7),
        ("e7",),
        (*((n, 1, "occurred_at has no meaning as a time") for n in range(1, 6)), (6, 1, "occurred_at is missing")),
    ),
    "times that are no instants": Case(
        "logs",
        lines(event(n, at=at) for n, at in enumerate(["infinity", "-infinity", "0044-03-15 (BC)", "300000-01-01"], 1)),
        (),
        tuple((n, 1, "occurred_at has no meaning as a time") for n in range(1, 5)),
    ),
    "before the grid and after receipt": Case(
        "logs",
        lines(
            event(n, at=at)
            for n, at in enumerate(
                ["2019-12-31T23:59:59.999999Z", "2020-01-01", "2023-08-03T12:00:00Z", "2023-08-03T12:00:00.000001Z"], 1
            )
        ),
        ("e2", "e3"),
        ((1, 1, "before the first month that is billed"), (4, 1, "more than a day after the file was received")),
    ),
    "wrong types": Case(
        "logs",
        lines(
            [
                event(1, status="abc"),
                event(2, company={"a": 1}),
                event(3, m=[1]),
                event(4, m="text"),
                event(5, status=True),
                event(6, weight=-1),
                event(7, weight=1.5),
                event(8, weight=10**16),
                event(9, status=3_000_000_000),
                event(10, type="call"),
                event(11, type="action"),
                event(12, id=[1]),
                event(13, status="200"),
                event(14, status=None),
                event(15, weight=""),
                event(16, weight="two"),
            ]
        ),
        # What not every meter reads costs the event nothing; who reads it refuses it.
        ("e1", "e3", "e4", "e5", "e9", "e13", "e14"),
        (
            (2, 1, "company_id is not a single value"),
            (6, 1, "weight is negative"),
            (7, 1, "weight is not a whole number: 1.5"),
            (8, 1, "weight has more than 16 digits"),
            (10, 1, "event_type is not api_call or action"),
            (11, 1, "an action needs an action_name"),
            (12, 1, "event_id is not a single value"),
            (15, 1, "weight is not a whole number: "),
            (16, 1, "weight is not a whole number: two"),
        ),
    ),
    "metadata as text": Case(
        "logs",
        lines(
            event(n, m=m)
            for n, m in enumerate(['{"v":"1.5"}', '{"v":12345678.123456789012}', '{"v":1e5}', '{"v":15}'], 1)
        ),
        ("e1", "e2", "e3", "e4"),
    ),
    # --- compression
    "gzip of two members": Case("logs", gzipped(good(1) + good(2)) + gzipped(good(3)), ("e1", "e2", "e3")),
    "a gzip padded with zeros": Case("logs", gzipped(good(1)) + b"\0" * 100, ("e1",)),
    "a gzip of nothing": Case("logs", gzipped(b"")),
    "a gzip cut in its end mark": Case("logs", gzipped(good(1))[:-3], ("e1",), ((2, 1, "ends too early"),)),
    "a gzip cut after its header": Case("logs", gzipped(good(1))[:12], (), ((1, 1, "ends too early"),)),
    "garbage after a gzip": Case("logs", gzipped(good(1)) + b"garbage", ("e1",), ((2, 1, "damaged"),)),
    "zstd": Case("logs", zstandard(good(1) + good(2)), ("e1", "e2")),
    "zstd of two frames": Case("logs", zstandard(good(1) + good(2)) + zstandard(good(3)), ("e1", "e2", "e3")),
    "zstd after a frame that is skipped": Case("logs", b"\x53\x2a\x4d\x18\3\0\0\0abc" + zstandard(good(1)), ("e1",)),
    "zstd of nothing": Case("logs", zstandard(b"")),
    "zstd cut in its end": Case("logs", zstandard(good(1))[:-1], (), ((1, 1, "the zstd file ends too early"),)),
    "zstd cut after its header": Case("logs", zstandard(good(1))[:6], (), ((1, 1, "the zstd file ends too early"),)),
    "garbage after zstd": Case("logs", zstandard(good(1)) + b"garbage", ("e1",), ((2, 1, "zstd data is damaged"),)),
    "a document in zstd": Case("document", zstandard(b'{"Records":[' + good(1) + b"]}"), ("e1",)),
    "a document in zstd, cut": Case(
        "document",
        zstandard(b'{"Records":[' + good(1) + b"]}") + zstandard(b" ")[:-1],
        ("e1",),
        ((2, 2, "ends too early"),),
    ),
    "CSV in zstd": Case("table", zstandard(b"id,at\na,2023-07-10\n"), ("a",)),
    "CSV in zstd, cut": Case(
        "table", zstandard(b"id,at\na,2023-07-10\n") + zstandard(b"x")[:-1], ("a",), ((3, 1, "ends too early"),)
    ),
    "requests in zstd": Case("requests", zstandard(request(b"/v1/events", REQUEST % b"a")), ("a",)),
    # --- one JSON document
    "a document": Case("document", b'{"v":1,"Records":[' + good(1) + b"," + good(2) + b'],"w":[{}]}', ("e1", "e2")),
    "a document cut off in the middle": Case(
        "document", b'{"Records":[' + good(1) + b',{"id":"x","at', ("e1",), ((2, 2, "not JSON from here on"),)
    ),
    "a document cut off after its records": Case(
        "document", b'{"Records":[' + good(1) + b"]", ("e1",), ((2, 2, "'}' is expected"),)
    ),
    "documents one after the other": Case(
        "document", b'{"Records":[' + good(1) + b']}\n{"Records":[' + good(2) + b"]}", ("e1", "e2")
    ),
    "garbage after a document": Case(
        "document", b'{"Records":[' + good(1) + b"]} junk", ("e1",), ((2, 2, "not JSON from here on"),)
    ),
    "a document without the records": Case(
        "document", b'{"records":[' + good(1) + b"]}", (), ((1, 1, "the document has no Records"),)
    ),
    "a document with no records in it": Case("document", b'{"Records":[]}'),
    "records that are null": Case("document", b'{"Records":null}', (), ((1, 1, "not a JSON object"),)),
    "a document that is no object": Case("document", b"[1]", (), ((1, 1, "'{' is expected"),)),
    "an empty document": Case("document", b" \n"),
    "invalid UTF-8 in a record": Case(
        "document", b'{"Records":[{"id":"\xff"},' + good(1) + b"]}", ("e1",), ((1, 1, "not JSON in UTF-8"),)
    ),
    "half of a surrogate pair in a record": Case(
        "document", b'{"Records":[{"id":"\\ud800"},' + good(1) + b"]}", ("e1",), ((1, 1, "surrogate"),)
    ),
    "invalid UTF-8 where a document breaks": Case(
        "document", b'{"Records":[' + good(1) + b',{"id":"\xff', ("e1",), ((2, 2, "not JSON from here on"),)
    ),
    "a nested path": Case("nested", b'{"payload":{"x":[1],"items":[' + good(1) + b"]}}", ("e1",)),
    "a nested path that ends early": Case(
        "nested", b'{"payload":{"x":1}}', (), ((1, 1, "the document has no payload.items"),)
    ),
    "a list": Case("list", b"[" + good(1) + b"," + good(2) + b",3]", ("e1", "e2"), ((3, 3, "not a JSON object"),)),
    "a document gzipped and cut": Case(
        "document", gzipped(b'{"Records":[' + good(1) + b"]}")[:-9], ("e1",), ((2, 2, ""),)
    ),
    # --- JSON goes on behind what is broken
    "a record with a caller's quotes": Case(
        "list",
        one(1) + b'{"id":"x","ua":""y""}' + one(2) + one(3),
        ("e1", "e2", "e3"),
        ((1, 2, "the document is not JSON: Expecting ',' delimiter"),),
    ),
    "a record with one quote too many": Case(
        "list", one(1) + b'{"id":"x","ua":"say "hi"}' + one(2), ("e1", "e2"), ((1, 2, "not JSON: Expecting"),)
    ),
    "a record with a caller's braces": Case(
        "list", one(1) + b'{"id":"x","ua":""b"}{"y"}{"id":"z"}"}' + one(2), ("e1", "e2"), ((1, 2, "not JSON"),)
    ),
    "a record that is cut, and the next": Case(
        "list", one(1) + b'{"id":"x","ua":"cut' + one(2) + one(3), ("e1", "e2", "e3"), ((1, 2, "not JSON"),)
    ),
    "something else between records": Case(
        "list", one(1) + b" junk " + one(2), ("e1", "e2"), ((1, 2, "not JSON: Expecting value"),)
    ),
    "what lies in a broken record is none": Case(
        "list",
        b'{"id":"x","ua":""y"","m":{"id":"n",'
        + AT
        + b'},"l":[{"id":"o",'
        + AT
        + b'},{"id":"p",'
        + AT
        + b"}]}"
        + one(1),
        ("e1",),
        ((1, 1, "not JSON"),),
    ),
    "what lies in a broken record that is cut is none": Case(
        "list",
        one(1) + b'{"id":"x","ua":""y"","m":{"id":"n",' + AT + b"}",
        ("e1",),
        ((1, 2, "the document is not JSON from here on: Expecting ',' delimiter"),),
    ),
    "broken records one after the other are one": Case(
        "list", one(1) + b'{"ua":""y""}' * 3 + one(2), ("e1", "e2"), ((1, 2, "not JSON"),)
    ),
    "a broken record over several lines": Case(
        "list",
        good(1) + b'{\n  "id": "x",\n  "ua": ""y"",\n  "m": {\n    "id": "n"\n  }\n}\n' + good(2),
        ("e1", "e2"),
        ((2, 2, "not JSON"),),
    ),
    "a list with a broken record, and the next list": Case(
        "list",
        b"[" + one(1) + b',{"ua":""y""},' + one(2) + b"]\n[" + one(3) + b"]",
        ("e1", "e3"),
        ((1, 2, "not JSON"),),
    ),
    "a document with a broken record, and the next document": Case(
        "document",
        b'{"Records":[' + one(1) + b',{"ua":""y""},' + one(2) + b']}{"Records":[' + one(3) + b"]}",
        ("e1", "e3"),
        ((1, 2, "not JSON"),),
    ),
    "a document that is cut, and the next on its own line": Case(
        "document", b'{"Records":[' + one(1) + b']\n{"Records":[' + one(2) + b"]}", ("e1", "e2"), ((2, 2, "not JSON"),)
    ),
    "a broken record and a gzip that is cut": Case(
        "list", gzipped(one(1) + b'{"ua":""y""}' + one(2))[:-3], ("e1", "e2"), ((1, 2, "not JSON"), (1, 4, "too early"))
    ),
    # --- CSV
    "CSV": Case("table", b"id,at,company\na,2023-07-10,x\nb,2023-07-10,\n", ("a", "b")),
    "CSV with a byte order mark and CRLF": Case("table", b"\xef\xbb\xbfid,at\r\na,2023-07-10\r\n", ("a",)),
    "CSV with newlines in quotes": Case(
        "table", b'id,at,company\na,2023-07-10,"x\ny"\nb,2023-07-10,"""z"""\n', ("a", "b")
    ),
    "CSV with wrong field counts": Case(
        "table",
        b"id,at\na,2023-07-10\nb\nc,2023-07-10,x\nd,2023-07-10\n",
        ("a", "d"),
        ((3, 1, "the row has 1 fields, the header 2"), (4, 1, "3 fields")),
    ),
    "CSV with blank rows": Case("table", b"\nid,at\n\na,2023-07-10\n,\n", ("a",), (), 3),
    "CSV with a quote that is never closed": Case(
        "table", b'id,at,company\na,2023-07-10,"x\nb,2023-07-10,y\nc,2023-07-10,z\n', ("b", "c"), ((2, 1, "not CSV"),)
    ),
    "CSV with two quotes that are never closed": Case(
        "table",
        b'id,at,company\na,2023-07-10,"x\nb,2023-07-10,y\nc,2023-07-10,"z\nd,2023-07-10,w\n',
        ("b", "d"),
        ((2, 1, "not CSV"), (4, 1, "not CSV")),
    ),
    "CSV with text after a quote": Case(
        "table", b'id,at\n"a"x,2023-07-10\nb,2023-07-10\n', ("b",), ((2, 1, "not CSV"),)
    ),
    "CSV with invalid UTF-8": Case("table", b"id,at\n\xff,2023-07-10\nb,2023-07-10\n", ("b",), ((2, 1, "not UTF-8"),)),
    "a header that is not UTF-8": Case(
        "table",
        b"id,at,Z\xe4hler\na,2023-07-10,1\n\nb,2023-07-10,2\n",
        (),
        (
            (2, 1, "the header is not UTF-8 (line 1, column 3)"),
            (4, 1, "the header is not UTF-8 (line 1, column 3)"),
        ),
        1,
    ),
    "a header that names two columns alike": Case(
        "table", b"id,at, id\na,2023-07-10,1\n", (), ((2, 1, "two columns the same name (line 1)"),)
    ),
    "a header that is not CSV is none, and neither is the row after it": Case(
        "table",
        b'id,"at\nid,at\na,2023-07-10\n',
        (),
        ((1, 1, "not CSV"), (2, 1, "the header is not CSV (line 1)"), (3, 1, "the header is not CSV (line 1)")),
    ),
    "CSV with a header alone": Case("table", b"id,at\n"),
    "an empty CSV": Case("table", b""),
    "CSV gzipped and cut": Case(
        "table", gzipped(b"id,at\na,2023-07-10\nb,2023-07-10\n")[:-3], ("a", "b"), ((4, 1, "ends too early"),)
    ),
    # --- recorded requests
    "requests of every kind": Case(
        "requests",
        request(b"/v1/events", REQUEST % b"a")
        + request(b"/v1/events/batch", b"[" + REQUEST % b"b" + b"," + REQUEST % b"c" + b"]")
        + request(b"/v1/actions", b'{"action_name":"x","transaction_id":"d"}')
        + request(b"/v1/users/batch?x=1", b'[{"user_id":"u","company_id":"acme"},{"user_id":"v"}]')
        + request(b"/v1/companies", b'{"company_id":"acme"}')
        + request(b"/v1/subscriptions", b'{"subscription_id":"s","company_id":"acme","status":"active"}'),
        ("a", "b", "c", "d"),
        (),
        0,
        4,
    ),
    "a body that is text": Case(
        "requests",
        request(
            b"/v1/events",
            b'"{\\"transaction_id\\":\\"a\\",\\"request\\":{\\"time\\":\\"2023-07-10\\",\\"verb\\":\\"GET\\"}}"',
        ),
        ("a",),
    ),
    "requests that carry nothing": Case(
        "requests", b'{"method":"GET","path":"/v1/config"}\n\n' + request(b"/v1/events/batch", b"[]"), (), (), 3
    ),
    "requests that are none": Case(
        "requests",
        b"nope\n[]\n{}\n"
        + request(b"/v1/nope", b"{}")
        + b"\xff\n"
        + request(b"/v1/events", b'"{"')
        + request(b"/v1/events", b"null")
        + request(b"/v1/events", REQUEST % b"a"),
        ("a",),
        (
            (1, 1, "not a recorded request"),
            (2, 1, "an object with method, path and body is expected"),
            (3, 1, "an object with method, path and body is expected"),
            (4, 1, "path '/v1/nope' is none of actions, companies, events, subscriptions, users"),
            (5, 1, "not UTF-8"),
            (6, 1, "not a recorded request"),
            (7, 1, "not a JSON object"),
        ),
    ),
    "records that mean nothing among good ones": Case(
        "requests",
        request(
            b"/v1/events/batch",
            b"[" + REQUEST % b"a" + b",1," + b'{"transaction_id":"x"},{"company_id":"\\ud800"}' + b"]",
        )
        + request(b"/v1/users/batch", b'[{"user_id":"u"},{"email":"x"}]'),
        ("a",),
        (
            (1, 2, "not a JSON object"),
            (1, 3, "occurred_at is missing"),
            (1, 4, "surrogate"),
            (2, 2, "user_id is missing"),
        ),
        0,
        1,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_bad_input(shop: Workshop, case: Case) -> None:
    file = shop.take(case.content, source=case.source)
    assert sorted(row["event_id"] for row in shop.rows(RAW_EVENTS)) == sorted(case.events)
    refusals = sorted(shop.rows(REFUSALS), key=lambda row: (row["line"], row["record"]))
    assert [(row["line"], row["record"]) for row in refusals] == [(line, record) for line, record, _ in case.refusals]
    for row, (_, _, reason) in zip(refusals, case.refusals, strict=True):
        assert reason in row["reason"], row
        assert (row["source"], row["file"], row["text"] is not None) == (case.source, file.name, True)
    counted = (len(case.events), len(case.refusals), case.empty, case.changes)
    assert (file.raw_events, file.refusals, file.empty, file.entity_changes, file.records) == (*counted, sum(counted))
    assert len(shop.rows(ENTITY_CHANGES)) == case.changes
