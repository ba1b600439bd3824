"""A time says one instant to everybody, or is refused with its text."""

import json
from datetime import UTC, datetime

import pytest
from workshop import PLAIN_MAPPING, Workshop, lines

from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS

# --- instants, source by source: worked out by hand; None is refused, with its text

SECONDS = "epoch_s(time)"
MILLISECONDS = "epoch_ms(time)"
PLAIN = "time"


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


#: time, as JSON → the instant as it is, as seconds and as milliseconds since 1970.
TIMES: dict[str, tuple[datetime | None, datetime | None, datetime | None]] = {
    "1736510399.244": (None, at(2025, 1, 10, 11, 59, 59, 244000), at(1970, 1, 21, 2, 21, 50, 399244)),
    '"2025-01-10T17:36:46Z"': (at(2025, 1, 10, 17, 36, 46), None, None),
    "1780586634.1": (None, at(2026, 6, 4, 15, 23, 54, 100000), at(1970, 1, 21, 14, 36, 26, 634100)),
    "1738367999.9999999": (None, at(2025, 1, 31, 23, 59, 59, 999999), at(1970, 1, 21, 2, 52, 47, 999999)),
    '"1736510399"': (None, at(2025, 1, 10, 11, 59, 59), at(1970, 1, 21, 2, 21, 50, 399000)),
    "1736510399000": (None, None, at(2025, 1, 10, 11, 59, 59)),
    "1.736510399e9": (None, at(2025, 1, 10, 11, 59, 59), at(1970, 1, 21, 2, 21, 50, 399000)),
    "1736510399": (None, at(2025, 1, 10, 11, 59, 59), at(1970, 1, 21, 2, 21, 50, 399000)),
    "20250110": (None, at(1970, 8, 23, 9, 1, 50), at(1970, 1, 1, 5, 37, 30, 110000)),
    '"2025-01-10"': (at(2025, 1, 10), None, None),
    '"10/Jan/2025:12:00:00 +0000"': (None, None, None),
    '"2025"': (None, at(1970, 1, 1, 0, 33, 45), at(1970, 1, 1, 0, 0, 2, 25000)),
    "true": (None, None, None),
    '"infinity"': (None, None, None),
    '"epoch"': (None, None, None),
    '"2016-12-31T23:59:60Z"': (None, None, None),
    '"2025-02-30T00:00:00Z"': (None, None, None),
    '"2025-01-10T24:00:00Z"': (at(2025, 1, 11), None, None),
    '"2025-01-10 12:00:00.123456789 +0000 UTC"': (None, None, None),
    '"Fri, 10 Jan 2025 12:00:00 GMT"': (None, None, None),
    '"2025-01-10 12:00:00,123"': (None, None, None),
    '"2025-01-10T12:00:00+0530"': (at(2025, 1, 10, 6, 30), None, None),
    '"2025-01-10T12:00:00+05"': (at(2025, 1, 10, 7), None, None),
    '"2025-01-10T12:00:00-08:00"': (at(2025, 1, 10, 20), None, None),
    '"2025-01-10 12:00:00 Europe/Berlin"': (at(2025, 1, 10, 11), None, None),
    '"2025-01-10T12:00"': (at(2025, 1, 10, 12), None, None),
    '"20250110T120000Z"': (None, None, None),
    '"2025-01-10T12:00:00 EST"': (at(2025, 1, 10, 17), None, None),
    # Two zones, or three, have these letters.
    '"2025-01-10T12:00:00 CST"': (None, None, None),
    '"2025-01-10T12:00:00 BST"': (None, None, None),
    '"2025-01-10T12:00:00+99"': (None, None, None),
    '"2025-01-10T12:00:00+15:00"': (None, None, None),
    '"2025-01-10T12:00:00+14:00"': (at(2025, 1, 9, 22), None, None),
    '"2025-01-10 12:00:00+00"': (at(2025, 1, 10, 12), None, None),
    '"2025-01-10t12:00:00z"': (None, None, None),
    '" 2025-01-10T12:00:00Z "': (at(2025, 1, 10, 12), None, None),
    '"2025-010T12:00:00Z"': (None, None, None),
    '"2025-01-10T12:00:00Z[UTC]"': (None, None, None),
    '"2025-01-10T12:00:00.1234567Z"': (at(2025, 1, 10, 12, 0, 0, 123456), None, None),
    '"2025-01-10T23:59:59.9999999Z"': (at(2025, 1, 10, 23, 59, 59, 999999), None, None),
    '"10-01-2025"': (None, None, None),
    '"2025/01/10 12:00:00"': (at(2025, 1, 10, 12), None, None),
    '"0044-03-15 (BC)"': (None, None, None),
    '""': (None, None, None),
}


@pytest.mark.parametrize(
    ("place", "expression"), [(0, PLAIN), (1, SECONDS), (2, MILLISECONDS)], ids=["as it is", "s", "ms"]
)
def test_a_time_is_the_instant_that_it_says_or_is_refused_with_its_text(
    tmp_path_factory: pytest.TempPathFactory, place: int, expression: str
) -> None:
    """Also to the microsecond; and never called missing. The grid begins in 1970, so that what is read is seen."""
    shop = Workshop(tmp_path_factory.mktemp("times"), first_month="1970-01")
    shop.source("logs", mapping=PLAIN_MAPPING | {"occurred_at": expression})
    sent = [f'{{"id":"{number}","time":{text},"company":"acme"}}' for number, text in enumerate(TIMES)]
    shop.take(lines(sent), received_at=at(2027, 1, 1))
    names = [*TIMES]
    found = {names[int(row["event_id"])]: row["occurred_at"] for row in shop.rows(RAW_EVENTS)}
    assert found == {text: instants[place] for text, instants in TIMES.items() if instants[place] is not None}
    refusals = {names[int(json.loads(row["text"])["id"])]: row["reason"] for row in shop.rows(REFUSALS)}
    assert set(refusals) == {text for text, instants in TIMES.items() if instants[place] is None}
    for text, reason in refusals.items():
        said = json.loads(text, parse_float=str) if text.startswith('"') else text
        # 1.736510399e9 is told by its digits.
        told = {"1.736510399e9": "1736510399"}.get(said, said)
        assert reason == f"occurred_at has no meaning as a time: {told}"


def test_a_time_that_is_absent_is_called_missing(shop: Workshop) -> None:
    for name, expression in (("plain", PLAIN), ("seconds", SECONDS), ("milliseconds", MILLISECONDS)):
        shop.source(name, mapping=PLAIN_MAPPING | {"occurred_at": expression})
        shop.place(name, lines([{"id": name}, {"id": name, "time": None}]))
    shop.ingest()
    assert [row["reason"] for row in shop.rows(REFUSALS)] == ["occurred_at is missing"] * 6
