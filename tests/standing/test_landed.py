"""What lies in landing and was never ingested: why, and what can be decided about it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from workshop import Workshop, event, lines

from monetization_pipeline.datasets import RAW_EVENTS
from monetization_pipeline.landing.decisions import Decider, decisions, discarded_files
from monetization_pipeline.landing.receipts import ReceiptError, Receipts
from monetization_pipeline.landing.store import own_name
from monetization_pipeline.standing.landed import DecisionError, discard, receive_at, waiting_in_landing
from monetization_pipeline.standing.maintenance import Chore, maintain

NOW = datetime(2023, 8, 2, 12, tzinfo=UTC)
AHEAD = datetime(2035, 1, 1, tzinfo=UTC)
EARLY = datetime(2019, 12, 31, 23, 59, 59, tzinfo=UTC)
DECIDER = Decider("ada", NOW, "the clock was wrong")

RECEIPTS = {
    "now": (NOW, None),
    "the first instant of the grid": (datetime(2020, 1, 1, tzinfo=UTC), None),
    "just before it": (EARLY, "2019-12-31 lies before 2020-01-01 (the setting MONETIZATION_FIRST_MONTH)"),
    "before it in UTC alone": (
        datetime.fromisoformat("2020-01-01T00:30:00+01:00"),
        "2019-12-31 lies before 2020-01-01",
    ),
    "later today": (NOW + timedelta(microseconds=1), "2023-08-02T12:00:00.000001Z is still to come"),
    "tomorrow": (datetime(2023, 8, 3, tzinfo=UTC), "2023-08-03 is still to come"),
}


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    made = Workshop(tmp_path)
    made.source("logs")
    return made


@pytest.mark.parametrize(("instant", "problem"), RECEIPTS.values(), ids=RECEIPTS.keys())
def test_when_a_file_can_be_received(shop: Workshop, instant: datetime, problem: str | None) -> None:
    receipts = Receipts(shop.pipeline.seller.first_day, NOW)
    if problem is None:
        receipts.check(instant)
        return
    with pytest.raises(ReceiptError) as caught:
        receipts.check(instant)
    assert problem in str(caught.value)
    assert "nothing was taken in" in str(caught.value)


def test_what_waits_says_why(shop: Workshop) -> None:
    shop.take(lines([event(1)]))
    shop.place("logs", lines([event(2)]), NOW, "good.ndjson")
    shop.place("logs", lines([event(3)]), AHEAD, "ahead.ndjson")
    shop.place("logs", lines([event(4)]), EARLY, "early.ndjson")
    shop.place("nobody", lines([event(5)]), NOW, "whose.ndjson")
    found = [(waits.file.original_name, waits.why[:34]) for waits in waiting_in_landing(shop.pipeline, NOW)]
    assert found == [
        ("early.ndjson", "2019-12-31 lies before 2020-01-01 "),
        ("good.ndjson", ""),
        ("ahead.ndjson", "2035-01-01 is still to come"),
        ("whose.ndjson", "source 'nobody' is not declared; w"),
    ]


def test_a_file_that_is_discarded_is_gone_recorded_and_can_come_in_again(shop: Workshop) -> None:
    content = lines([event(1)])
    file = shop.place("logs", content, AHEAD, "a b.ndjson")
    assert discard(shop.pipeline, "logs", "a_b.ndjson", DECIDER) == file
    reopened = shop.reopened()
    assert list(reopened.pipeline.landing.files()) == []
    assert reopened.ingest() == ()
    (decision,) = decisions(reopened.pipeline.landing)
    said = (decision.who, decision.at, decision.why, decision.did, decision.source, decision.file)
    assert said == ("ada", "2023-08-02T12:00:00Z", "the clock was wrong", "discarded", "logs", file.name)
    assert (decision.received_at, decision.now_received_at) == ("2035-01-01T00:00:00Z", None)
    reopened.take(content)
    assert [row["event_id"] for row in reopened.rows(RAW_EVENTS)] == ["e1"]


def test_a_file_that_is_received_at_another_instant_comes_in_as_received_then(shop: Workshop) -> None:
    file = shop.place("logs", lines([event(1)]), AHEAD)
    moved = receive_at(shop.pipeline, "logs", file.name, datetime(2023, 7, 11, tzinfo=UTC), DECIDER)
    shop.place("logs", lines([event(1)]), NOW, "the same bytes")
    assert list(shop.reopened().pipeline.landing.files()) == [moved]
    shop.ingest()
    (row,) = shop.rows(RAW_EVENTS)
    assert (row["received_at"], row["file"]) == (datetime(2023, 7, 11, tzinfo=UTC), moved.name)
    (decision,) = decisions(shop.pipeline.landing)
    assert (decision.did, decision.received_at, decision.now_received_at) == (
        "received at another instant",
        "2035-01-01T00:00:00Z",
        "2023-07-11T00:00:00Z",
    )


def test_decisions_are_only_ever_added(shop: Workshop) -> None:
    for number in (1, 2):
        shop.place("logs", lines([event(number)]), AHEAD, f"{number}.ndjson")
    for number in (2, 1):
        discard(shop.pipeline, "logs", f"{number}.ndjson", DECIDER)
    assert [own_name(each.file) for each in decisions(shop.pipeline.landing)] == ["2.ndjson", "1.ndjson"]
    path = shop.pipeline.landing.root / "decisions.ndjson"
    assert path.stat().st_mode & 0o777 == 0o600


WRONG = {
    "one that was ingested": ("logs", "in.ndjson", "was ingested: what it brought stays"),
    "one that there is not": ("logs", "nowhere", "no file nowhere of source 'logs' lies in landing"),
    "one of another source": ("other", "ahead.ndjson", "no file ahead.ndjson of source 'other'"),
    "one of two that came under the name": ("logs", "twice.ndjson", "several files of source 'logs' came as"),
}


@pytest.mark.parametrize(("source", "name", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_decision_about_anything_else_is_refused(shop: Workshop, source: str, name: str, message: str) -> None:
    shop.place("logs", lines([event(1)]), NOW, "in.ndjson")
    shop.ingest()
    for number, given in enumerate(("ahead.ndjson", "twice.ndjson", "twice.ndjson"), 2):
        shop.place("logs", lines([event(number)]), AHEAD, given)
    before = [file.name for file in shop.pipeline.landing.files()]
    with pytest.raises(DecisionError, match=message):
        discard(shop.pipeline, source, name, DECIDER)
    with pytest.raises(DecisionError, match=message):
        receive_at(shop.pipeline, source, name, NOW, DECIDER)
    assert [file.name for file in shop.pipeline.landing.files()] == before
    assert decisions(shop.pipeline.landing) == ()


def test_a_decision_without_a_reason_is_none(shop: Workshop) -> None:
    shop.place("logs", lines([event(1)]), AHEAD, "a")
    for why, message in ((" ", "--reason is empty"), ("\udcff", "--reason is not UTF-8")):
        with pytest.raises(DecisionError, match=message):
            discard(shop.pipeline, "logs", "a", Decider("ada", NOW, why))


def test_a_reason_may_be_any_text(shop: Workshop) -> None:
    shop.place("logs", lines([event(1)]), AHEAD, "a")
    discard(shop.pipeline, "logs", "a", Decider("ada", NOW, 'wrong\u2028"clock"\nünd so'))
    assert [each.why for each in decisions(shop.pipeline.landing)] == ['wrong\u2028"clock"\nünd so']


def test_nothing_is_received_at_another_wrong_instant(shop: Workshop) -> None:
    file = shop.place("logs", lines([event(1)]), AHEAD)
    with pytest.raises(ReceiptError, match="2019-12-31 lies before"):
        receive_at(shop.pipeline, "logs", file.name, EARLY, DECIDER)
    assert (list(shop.pipeline.landing.files()), decisions(shop.pipeline.landing)) == ([file], ())


def test_what_was_discarded_is_kept_as_long_as_what_was_ingested(shop: Workshop) -> None:
    shop.place("logs", lines([event(1)]), AHEAD, "a")
    discard(shop.pipeline, "logs", "a", DECIDER)
    (kept,) = discarded_files(shop.pipeline.landing)
    assert kept.read_bytes() == lines([event(1)])
    maintain(shop.pipeline, NOW + timedelta(days=30))
    assert kept.exists()
    done = maintain(shop.pipeline, NOW + timedelta(days=30, seconds=1))
    assert [(tidied.chore, tidied.files) for tidied in done] == [(Chore.DISCARDED, 1)]
    assert not kept.exists()
