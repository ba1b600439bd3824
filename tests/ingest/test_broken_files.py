"""Files that break: cut short, damaged, with lines of any length; what is good of them stays."""

import base64
import json
from pathlib import Path

import pytest
from workshop import Workshop, event, gzipped, lines, zstandard

from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS
from monetization_pipeline.ingest.readers import json_path


def one(number: int) -> bytes:
    """A good record, nothing behind it."""
    return lines([event(number)]).rstrip()


NOISY = lines(event(number, m={"noise": f"{number * 2654435761 % 2**32:x}"}) for number in range(9000))


@pytest.mark.parametrize("compressed", [gzipped(NOISY), zstandard(NOISY)], ids=["gzip", "zstd"])
@pytest.mark.parametrize("part", [0.5, 0.99])
def test_the_good_lines_before_a_break_are_kept(shop: Workshop, compressed: bytes, part: float) -> None:
    file = shop.take(compressed[: int(len(compressed) * part)])
    # Both compress block by block, and what is in a block before the break comes out or not.
    assert 9000 * part - 2500 < file.raw_events < 9000 * part + 500
    assert (file.refusals, file.empty) == (1, 0)
    (refusal,) = shop.rows(REFUSALS)
    assert refusal["line"] == file.raw_events + 1
    assert "ends too early" in refusal["reason"]
    assert refusal["text"].startswith('{"id": "e')
    assert {row["line"] for row in shop.rows(RAW_EVENTS)} == set(range(1, file.raw_events + 1))


def third_block(frame: bytes) -> int:
    """Where the third block of a frame of zstd begins (RFC 8878, 3.1.1: magic number, descriptor, window, blocks)."""
    place = 6
    for _ in range(2):
        place += 3 + (int.from_bytes(frame[place : place + 3], "little") >> 3)
    return place


@pytest.mark.parametrize(
    ("compressed", "place"),
    [(gzipped(NOISY), len(gzipped(NOISY)) // 2), (zstandard(NOISY), third_block(zstandard(NOISY)))],
    ids=["gzip", "zstd"],
)
def test_the_good_lines_before_damage_are_kept(shop: Workshop, compressed: bytes, place: int) -> None:
    damaged = bytearray(compressed)
    damaged[place] ^= 0xFF
    file = shop.take(bytes(damaged))
    assert file.raw_events < 9000
    refusals = shop.rows(REFUSALS)
    assert "data is damaged here" in max(refusals, key=lambda row: row["line"])["reason"]
    whole = [json.loads(line)["id"] for line in NOISY.splitlines()]
    assert {row["event_id"] for row in shop.rows(RAW_EVENTS)} >= set(whole[:2000])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_where_chunks_of_a_document_end_changes_nothing(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    content = one(1) + b'{"id":"x","ua":""b"}{"y"}{"id":"z"} \xc3\xbc"}\n ' + one(2) + b' {"ua":"' + one(3) + b"[{}]"
    monkeypatch.setattr(json_path, "read_chunks", lambda _: (content[at : at + size] for at in range(0, 400, size)))
    (made,) = json_path.read(0, Path("file"), ())
    kinds = [(row["kind"], row["line"], row["record"]) for row in made.to_pylist()]
    assert kinds == [
        ("event", 1, 1),
        ("refused", 1, 2),
        ("event", 2, 3),
        ("refused", 2, 4),
        ("event", 2, 5),
        ("event", 2, 6),
    ]


def test_the_text_of_a_broken_record_is_kept_up_to_the_next(shop: Workshop) -> None:
    shop.take(one(1) + b'{"ua":""b"}{"id":"z"}"}' + one(2), source="list")
    assert [row["text"] for row in shop.rows(REFUSALS)] == ['{"ua":""b"}{"id":"z"}"}']


def test_a_text_that_is_not_utf_8_is_kept_as_base64(shop: Workshop) -> None:
    shop.take(b'{"id":"\xff"}\n')
    (refusal,) = shop.rows(REFUSALS)
    assert base64.b64decode(refusal["text"]) == b'{"id":"\xff"}'


def test_a_line_of_20_mb(shop: Workshop) -> None:
    long = "x" * (20 << 20)
    content = lines([event(1), event(2, m={"text": long}), event(3), f'{{"id":"bad","text":"{long}', event(4)])
    file = shop.take(content)
    assert (file.raw_events, file.refusals) == (4, 1)
    kept = {row["event_id"]: row["metadata"] for row in shop.rows(RAW_EVENTS)}
    assert kept["e2"] == f'{{"text":"{long}"}}'
    assert [row["line"] for row in shop.rows(REFUSALS)] == [4]


def test_a_line_too_long_for_any_event_is_refused_and_skipped(shop: Workshop) -> None:
    content = lines([event(1), "x" * (80 << 20), event(2)])
    file = shop.take(gzipped(content))
    assert (file.raw_events, file.refusals) == (2, 1)
    (refusal,) = shop.rows(REFUSALS)
    assert (refusal["line"], refusal["reason"]) == (2, "the line is longer than 64 MB")
    assert {row["line"] for row in shop.rows(RAW_EVENTS)} == {1, 3}
