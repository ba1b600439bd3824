"""Which files come in, once; what is said of a source that is declared wrongly; what is never kept."""

import json
from datetime import timedelta

import pytest
from workshop import PLAIN_MAPPING, RECEIVED, Workshop, event, gzipped, lines

from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS
from monetization_pipeline.sources.declared import SourceError


def test_a_file_is_ingested_once(shop: Workshop) -> None:
    content = lines([event(1), event(2)])
    shop.take(content)
    shop.place("logs", content)
    assert shop.ingest() == ()
    assert len(shop.rows(RAW_EVENTS)) == 2


def test_the_same_bytes_under_another_name_and_at_another_time_are_the_same_file(shop: Workshop) -> None:
    content = lines([event(1)])
    first = shop.place("logs", content, name="a.ndjson")
    second = shop.place("logs", content, RECEIVED + timedelta(days=3), name="b.ndjson")
    assert second == first
    shop.ingest()
    reopened = shop.reopened()
    assert reopened.place("logs", content, RECEIVED + timedelta(days=4), name="c.ndjson") == first
    assert reopened.ingest() == ()
    assert len(shop.rows(RAW_EVENTS)) == 1


def test_a_file_that_left_landing_is_known_for_ever(shop: Workshop) -> None:
    content = lines([event(1)])
    shop.place("logs", content).path.unlink()
    shop.reopened().take(content)
    next(shop.pipeline.landing.files()).path.unlink()
    reopened = shop.reopened()
    reopened.place("logs", content, RECEIVED + timedelta(days=9))
    assert reopened.ingest() == ()


def test_the_same_bytes_in_two_sources_are_two_files(shop: Workshop) -> None:
    shop.source("other")
    for source in ("logs", "other"):
        shop.place(source, lines([event(1)]))
    shop.ingest()
    assert sorted(row["source"] for row in shop.rows(RAW_EVENTS)) == ["logs", "other"]


def test_a_gzip_is_known_by_its_content_not_by_its_name(shop: Workshop) -> None:
    shop.place("logs", gzipped(lines([event(1)])), name="plain.txt")
    shop.place("logs", lines([event(2)]), name="not.gz")
    shop.ingest()
    assert sorted(row["event_id"] for row in shop.rows(RAW_EVENTS)) == ["e1", "e2"]


def test_many_files_come_in_together_and_each_is_counted_by_itself(shop: Workshop) -> None:
    for number in range(30):
        records = (
            [event(number * 10 + i) for i in range(number % 4)] + ["nonsense"] * (number % 3) + [""] * (number % 2)
        )
        shop.place("logs", lines([f'{{"n": {number}}}', *records]), RECEIVED + timedelta(hours=number))
    files = sorted(shop.ingest(), key=lambda file: file.received_at)
    for number, file in enumerate(files):
        assert (file.raw_events, file.refusals, file.empty) == (number % 4, 1 + number % 3, number % 2), number
    assert len({file.received_on for file in files}) == 2


def test_a_source_that_is_not_declared(shop: Workshop) -> None:
    shop.place("nobody", b"x")
    shop.place("logs", lines([event(1)]))
    with pytest.raises(
        SourceError, match=r"source 'nobody' is not declared; write .*nobody\.yaml, or use one of: .*logs"
    ):
        shop.ingest()
    assert len(shop.rows(RAW_EVENTS)) == 1


#: What is said of a wrong declaration names its file, line and field; more of them in tests/sources.
BROKEN = {
    "an unknown column": (
        {"mapping": PLAIN_MAPPING | {"colour": "x"}},
        r"sources/broken\.yaml:5 \(mapping\.colour\): there is no such column",
    ),
    "a function that reads files": (
        {"mapping": PLAIN_MAPPING | {"company_id": "read_text('/etc/passwd')"}},
        r"sources/broken\.yaml:5 \(mapping\.company_id\): .*read_text",
    ),
    "a statement": (
        {"mapping": PLAIN_MAPPING | {"user_id": "1; drop table staged"}},
        r"sources/broken\.yaml:14 \(mapping\.user_id\): ",
    ),
    "a sub-select": (
        {"mapping": PLAIN_MAPPING | {"user_id": "(select 1)"}},
        r"sources/broken\.yaml:14 \(mapping\.user_id\): ",
    ),
    "no occurred_at": (
        {"mapping": {"event_type": "'api_call'"}},
        r"sources/broken\.yaml:2 \(mapping\.occurred_at\): this column is required",
    ),
    "a number for a time": (
        {"mapping": PLAIN_MAPPING | {"occurred_at": "1 + 1"}},
        r"sources/broken\.yaml:9 \(mapping\.occurred_at\): a time is expected",
    ),
    "a time for a number": (
        {"mapping": PLAIN_MAPPING | {"status": "epoch_s(x)"}},
        r"sources/broken\.yaml:11 \(mapping\.status\): a whole number is expected",
    ),
    "a metadata key that is refused": (
        {"mapping": PLAIN_MAPPING | {"metadata.k": "getenv('HOME')"}},
        r"sources/broken\.yaml:9 \(mapping\.metadata\.k\): .*getenv",
    ),
    "an unknown format": ({"format": "xml"}, r"sources/broken\.yaml:1 \(format\): "),
    "an unknown schema": (
        {"schema": "other"},
        r"sources/broken\.yaml:17 \(schema\): schema 'other' is unknown",
    ),
    "an unknown key": ({"colour": "red"}, r"sources/broken\.yaml:1 \(colour\): "),
    "records for lines": (
        {"records": "Records"},
        r"sources/broken\.yaml:17 \(records\): records is for format json only",
    ),
    "no mapping": ({"mapping": {}}, r"sources/broken\.yaml:1: write a mapping"),
}


@pytest.mark.parametrize(("declaration", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_wrong_declaration_is_named_and_holds_up_nobody_else(
    shop: Workshop, declaration: dict[str, object], message: str
) -> None:
    shop.source("broken", **declaration)
    shop.place("broken", lines([event(1)]))
    shop.place("logs", lines([event(2)]))
    shop.place("table", b"id,at\na,2023-07-10\n")
    with pytest.raises(SourceError, match=message):
        shop.ingest()
    assert sorted(row["source"] for row in shop.rows(RAW_EVENTS)) == ["logs", "table"]
    shop.source("broken")
    shop.ingest()
    assert len(shop.rows(RAW_EVENTS)) == 3


def test_a_declaration_that_is_not_yaml(shop: Workshop) -> None:
    (shop.root / "sources" / "broken.yaml").write_text("format: ndjson\nmapping: [")
    shop.place("broken", b"x")
    with pytest.raises(SourceError, match=r"broken\.yaml:\d+: this is not YAML"):
        shop.ingest()


def test_metadata_keys_lie_over_the_records_own_metadata(shop: Workshop) -> None:
    shop.source("logs", mapping=PLAIN_MAPPING | {"metadata.k": "k", "metadata.n": "n"})
    records = [
        event(1, m={"a": 1, "k": "own"}, k="mapped", n=12345678.5),
        event(2, k="mapped"),
        event(3, m={"a": {"b": None}}, k=None),
        event(4, m="text", k="mapped"),
        event(5, m=[1], k="mapped"),
        event(6),
    ]
    shop.take(lines(records))
    kept = {row["event_id"]: (row["metadata"], json.loads(row["unreadable"])) for row in shop.rows(RAW_EVENTS)}
    assert kept == {
        "e1": ('{"a":1,"k":"mapped","n":"12345678.5"}', {}),
        "e2": ('{"k":"mapped"}', {}),
        "e3": ('{"a":{"b":null}}', {}),
        "e4": (None, {"metadata": "text"}),
        "e5": (None, {"metadata": "[1]"}),
        "e6": ("{}", {}),
    }
    assert shop.rows(REFUSALS) == []


SECRETS = [
    '{"authorization": "Bearer sesame.abcdefgh", "x": 1} bad',
    '{"headers": {"Authorization": "Basic sesame", "X-Api-Key":"sesame"}} bad',
    '{"password": "a,sesame}", "y": "b"} bad',
    '{"password": "a\\"sesame"} bad',
    '{"body": "{\\"session_token\\":\\"sesame\\", \\"cookie\\": \\"a=sesame\\"}"} bad',
    '{"cookie": ["a=sesame", "b=sesame"]} bad',
    '{"client_secret":"sesame","access_token":"sesame"} bad',
    "GET /x?api_key=sesame&token=sesame HTTP/1.1",
    "Authorization: Basic sesame",
    "https://user:sesame@host/",
    "key sk_live_sesame1234567890",
    '{"x-moesif-application-id": "sesame", "x-amz-firehose-access-key": "sesame"} bad',
]


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_masked_in_what_is_refused(shop: Workshop, text: str) -> None:
    import base64

    shop.take(text.encode() + b"\n" + text.encode() + b"\xff\n")
    texts = [row["text"] for row in sorted(shop.rows(REFUSALS), key=lambda row: row["line"])]
    assert len(texts) == 2
    assert "sesame" not in texts[0]
    assert "***" in texts[0]
    assert b"sesame" not in base64.b64decode(texts[1])


def test_what_is_kept_of_a_good_event_has_no_secrets(shop: Workshop) -> None:
    shop.take(lines([event(1, uri="https://h/p?token=sesame&x=sesame#f", session="sesame")]))
    (row,) = shop.rows(RAW_EVENTS)
    assert "sesame" not in str(row)
    assert row["uri"] == "https://h/p?token=&x=#f"
    assert len(row["session_token"]) == 64
