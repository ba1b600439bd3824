"""Voids and replacements, whenever they arrive and wherever they move an event to; figures told by hand.

Every event costs 1.00; acme's events are sent on days of July and August 2023.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.closing import opening, publish
from monetization_pipeline.datasets import CORRECTIONS, EVENTS, REFUSALS
from monetization_pipeline.lake.ingest_log import IngestedFile
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.reports import listings
from monetization_pipeline.standing import counts
from monetization_pipeline.standing.out_of_date import reasons
from monetization_pipeline.standing.verdicts import problems_shown
from monetization_pipeline.steps import events, invoices
from monetization_pipeline.steps.known import Known

MONTHS = ("2023-07", "2023-08")
CALLS: dict[str, object] = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": "p",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": "1"}],
        }
    ],
}


def on(number: int, day: int, month: int = 7) -> dict[str, object]:
    return event(number, at=f"2023-{month:02}-{day:02}T12:00:00Z")


def void(target: str, **fields: object) -> dict[str, object]:
    said = {"event_id": f"v-{target}", "correction": "void", "target_source": "logs", "target_event_id": target}
    return said | {"reason": "test traffic"} | fields


def replacement(event_id: str, target: str, at: str, **fields: object) -> dict[str, object]:
    new = {"event_id": event_id, "event_type": "api_call", "occurred_at": at, "company_id": "acme"}
    said = {"correction": "replacement", "target_source": "logs", "target_event_id": target, "reason": "wrong day"}
    return new | said | fields


@dataclass
class Story:
    """What arrives, file by file, each an hour after the one before; then figures of both months."""

    shop: Workshop
    hours: "itertools.count[int]"

    def logs(self, *records: Mapping[str, object]) -> IngestedFile:
        return self._take("logs", records)

    def corrections(self, *records: Mapping[str, object]) -> IngestedFile:
        return self._take("corrections", records)

    def _take(self, source: str, records: Iterable[Mapping[str, object]]) -> IngestedFile:
        received_at = RECEIVED + timedelta(hours=next(self.hours))
        return self.shop.take(lines(records), source=source, received_at=received_at)

    def totals(self) -> tuple[int, ...]:
        """What July and August cost; all counts close, and nothing is out of date."""
        self.shop.run(*MONTHS)
        pipeline = self.shop.pipeline
        for month in MONTHS:
            assert reasons(pipeline, Known.now(pipeline), month) == []
            assert counts.count_period(pipeline, month).problems == []
        log = read_log(pipeline.lake)
        assert problems_shown(pipeline, Known.now(pipeline), "raw_events", [*map(str, log.received_days)]) == []
        assert problems_shown(pipeline, Known.now(pipeline), "events", [*map(str, log.days)]) == []
        return tuple(int(sum(invoice.total for invoice in invoices.read_invoices(pipeline, month))) for month in MONTHS)

    def left(self) -> dict[str, str]:
        """What the events of both months are now: day by event_id."""
        return {row["event_id"]: str(row["occurred_on"]) for row in self.shop.rows(EVENTS)}

    def counted(self, *names: str) -> tuple[int, ...]:
        found = [counts.count_period(self.shop.pipeline, month).by_name() for month in MONTHS]
        return tuple(sum(each[name] for each in found) for name in names)


@pytest.fixture
def story(shop: Workshop) -> Story:
    shop.catalog(CALLS)
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    shop.ingest()
    return Story(shop, itertools.count())


def touched(file: IngestedFile) -> set[str]:
    return {str(day.occurred_on) for day in file.days}


def test_a_void_removes_an_event_that_was_received_before(story: Story) -> None:
    story.logs(on(1, 10), on(2, 10), on(3, 11))
    assert story.totals() == (3, 0)
    file = story.corrections(void("e1"))
    assert (file.corrections, file.records, touched(file)) == (1, 1, {"2023-07-10"})
    assert story.shop.stale_days(EVENTS, "2023-07") == [date(2023, 7, 10)]
    assert story.totals() == (2, 0)
    assert story.counted("raw_events", "replacements", "voided", "events") == (3, 0, 1, 2)


def test_a_void_removes_an_event_that_comes_after_it(story: Story) -> None:
    file = story.corrections(void("e1"))
    assert file.days == ()
    story.logs(on(1, 10), on(2, 10))
    assert story.totals() == (1, 0)
    assert story.left() == {"e2": "2023-07-10"}


def test_every_copy_of_a_voided_event_is_accounted_for(story: Story) -> None:
    story.logs(on(1, 10))
    story.logs(on(1, 10), on(1, 12))
    assert touched(story.corrections(void("e1"))) == {"2023-07-10", "2023-07-12"}
    story.logs(on(1, 13))
    assert story.totals() == (0, 0)
    assert story.counted("raw_events", "duplicates", "conflicts", "voided") == (4, 1, 2, 1)


def test_a_void_names_the_event_of_one_source_only(story: Story) -> None:
    story.shop.source("other")
    story.logs(on(1, 10))
    story.shop.take(lines([on(1, 10)]), source="other")
    story.corrections(void("e1", target_source="other"))
    assert story.totals() == (1, 0)
    assert [row["source"] for row in story.shop.rows(EVENTS)] == ["logs"]


def test_a_replacement_moves_an_event_to_another_day(story: Story) -> None:
    story.logs(on(1, 10), on(2, 10))
    story.totals()
    assert touched(story.corrections(replacement("r1", "e1", "2023-07-20T00:00:00Z"))) == {"2023-07-10", "2023-07-20"}
    assert story.totals() == (2, 0)
    assert story.left() == {"e2": "2023-07-10", "r1": "2023-07-20"}
    assert story.counted("raw_events", "replacements", "voided", "events") == (2, 1, 1, 2)


def test_a_replacement_moves_an_event_to_another_month(story: Story) -> None:
    story.logs(on(1, 10), on(2, 10), on(3, 1, month=8))
    assert story.totals() == (2, 1)
    story.corrections(replacement("r1", "e1", "2023-08-01T00:00:00Z", weight=3))
    assert story.totals() == (1, 4)


def test_a_replacement_that_comes_before_its_target_holds(story: Story) -> None:
    story.corrections(replacement("r1", "e1", "2023-08-01T00:00:00Z"))
    assert story.totals() == (0, 1)
    story.logs(on(1, 10))
    assert story.totals() == (0, 1)
    assert story.left() == {"r1": "2023-08-01"}


def test_a_replaced_event_can_be_on_the_same_day(story: Story) -> None:
    story.logs(on(1, 10))
    story.corrections(replacement("r1", "e1", "2023-07-10T23:59:59.999999Z", weight=5))
    assert story.totals() == (5, 0)
    assert story.counted("raw_events", "replacements", "voided", "events") == (1, 1, 1, 1)


def test_a_void_of_a_replacement_does_not_bring_the_target_back(story: Story) -> None:
    story.logs(on(1, 10))
    story.corrections(replacement("r1", "e1", "2023-08-01T00:00:00Z"))
    assert story.totals() == (0, 1)
    file = story.corrections(void("r1", target_source="corrections"))
    assert touched(file) == {"2023-08-01"}
    assert story.totals() == (0, 0)
    assert story.counted("voided", "events") == (2, 0)


def test_a_replacement_can_be_replaced(story: Story) -> None:
    story.logs(on(1, 10))
    story.corrections(replacement("r1", "e1", "2023-07-20T00:00:00Z"))
    story.corrections(replacement("r2", "r1", "2023-08-02T00:00:00Z", target_source="corrections"))
    assert story.totals() == (0, 1)
    assert story.left() == {"r2": "2023-08-02"}


def test_of_two_replacements_of_one_event_the_first_received_holds(story: Story) -> None:
    story.logs(on(1, 10))
    story.corrections(replacement("r1", "e1", "2023-07-20T00:00:00Z"))
    story.totals()
    assert touched(story.corrections(replacement("r2", "e1", "2023-08-02T00:00:00Z"))) == {
        "2023-07-10",
        "2023-07-20",
        "2023-08-02",
    }
    assert story.totals() == (1, 0)
    assert story.left() == {"r1": "2023-07-20"}
    assert story.counted("raw_events", "replacements", "conflicts", "voided", "events") == (1, 2, 1, 1, 1)
    (conflict,) = counts.count_period(story.shop.pipeline, "2023-08").conflicts
    assert conflict.startswith("corrections r2: ")
    assert conflict.endswith("replaced first")


def test_a_replacement_received_earlier_but_ingested_later_takes_the_place_of_the_other(story: Story) -> None:
    story.logs(on(1, 10))
    story.corrections(replacement("r2", "e1", "2023-08-02T00:00:00Z"))
    assert story.totals() == (0, 1)
    earlier = lines([replacement("r1", "e1", "2023-07-20T00:00:00Z")])
    file = story.shop.take(earlier, source="corrections", received_at=RECEIVED + timedelta(minutes=1))
    assert "2023-08-02" in touched(file)
    assert story.totals() == (1, 0)
    assert story.left() == {"r1": "2023-07-20"}


def test_a_void_and_a_replacement_of_one_event_leave_the_replacement(story: Story) -> None:
    story.logs(on(1, 10))
    story.corrections(void("e1"), replacement("r1", "e1", "2023-08-02T00:00:00Z"))
    assert story.totals() == (0, 1)
    assert story.counted("conflicts", "voided", "events") == (0, 1, 1)


def test_a_correction_sent_again_changes_nothing_and_with_another_target_it_is_a_conflict(story: Story) -> None:
    story.logs(on(1, 10), on(2, 11))
    story.corrections(void("e1", event_id="v"))
    story.corrections(void("e1", event_id="v", reason="said with other words"))
    story.corrections(void("e2", event_id="v"))
    assert story.totals() == (1, 0)
    assert story.left() == {"e2": "2023-07-11"}
    (conflict,) = counts.count_period(story.shop.pipeline, "2023-07").conflicts
    assert conflict.startswith("corrections v: ")
    assert " differs from " in conflict


def test_a_correction_that_turns_out_not_to_be_the_first_of_its_id_lets_go_of_its_target(story: Story) -> None:
    story.logs(on(1, 10), on(2, 11))
    story.corrections(void("e2", event_id="v"))
    assert story.totals() == (1, 0)
    earlier = lines([void("e1", event_id="v")])
    file = story.shop.take(earlier, source="corrections", received_at=RECEIVED + timedelta(minutes=1))
    assert touched(file) == {"2023-07-10", "2023-07-11"}
    assert story.totals() == (1, 0)
    assert story.left() == {"e2": "2023-07-11"}


def test_an_event_and_a_replacement_of_one_id_are_a_conflict_and_the_first_received_wins(story: Story) -> None:
    mapping = {"correction": "kind", "target_event_id": "of", "reason": "'moved'"}
    story.shop.source("logs", mapping={"event_id": "id", "event_type": "'api_call'", "occurred_at": "at"} | mapping)
    story.logs(on(1, 10), on(2, 11))
    story.logs({"id": "e2", "at": "2023-07-12T00:00:00Z", "kind": "replacement", "of": "e1"})
    story.totals()
    assert story.left() == {"e2": "2023-07-11"}
    assert story.counted("conflicts", "voided", "events") == (1, 1, 1)


def test_a_source_can_send_corrections_among_its_events(story: Story) -> None:
    mapping = {
        "event_id": "id",
        "event_type": "'api_call'",
        "occurred_at": "at",
        "company_id": "company",
        "correction": "case when op = 'cancel' then 'void' when op = 'move' then 'replacement' end",
        "target_event_id": "of",
        "reason": "op",
    }
    story.shop.source("logs", mapping=mapping)
    cancel = {"op": "cancel", "of": "e1"}
    file = story.logs(on(1, 10), on(2, 10), on(3, 10), cancel, on(4, 20) | {"op": "move", "of": "e2"})
    assert (file.raw_events, file.corrections) == (3, 2)
    assert story.totals() == (2, 0)
    assert story.left() == {"e3": "2023-07-10", "e4": "2023-07-20"}
    assert [(row["kind"], row["target_source"], row["reason"]) for row in story.shop.rows(CORRECTIONS)] == [
        ("void", "logs", "cancel"),
        ("replacement", "logs", "move"),
    ]


def test_two_voids_without_an_id_in_one_file_do_no_harm(story: Story) -> None:
    same = void("e1")
    del same["event_id"]
    story.logs(on(1, 10), on(2, 10))
    assert story.corrections(same, same).corrections == 2
    assert story.totals() == (1, 0)


REFUSED: Mapping[str, tuple[Mapping[str, object], str]] = {
    "it does not say what it is": ({"correction": None}, "correction is not void or replacement"),
    "it is neither void nor replacement": ({"correction": "cancel"}, "correction is not void or replacement"),
    "it has no target": ({"target_event_id": ""}, "a correction needs a target_event_id"),
    "its target is a list": ({"target_event_id": ["e1"]}, "target_event_id is not a single value"),
    "its target is itself": (
        {"event_id": "e1", "target_source": "corrections"},
        "a correction needs an event_id of its own, not that of its target",
    ),
    "it replaces by nothing": ({"correction": "replacement"}, "occurred_at is missing"),
    "it replaces by an event before the grid": (
        {"correction": "replacement", "occurred_at": "2019-12-31T23:59:59Z", "event_type": "api_call"},
        "occurred_at 2019-12-31T23:59:59Z lies before the first month that is billed",
    ),
}


@pytest.mark.parametrize(("fields", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_correction_is_refused_where(story: Story, fields: Mapping[str, object], reason: str) -> None:
    story.logs(on(1, 10))
    file = story.corrections(void("e1") | fields)
    assert (file.corrections, file.refusals) == (0, 1)
    assert [row["reason"] for row in story.shop.rows(REFUSALS)] == [reason]
    assert [row["reason"] for row in listings.refusals(story.shop.pipeline)] == [reason]
    assert story.totals() == (1, 0)


def test_a_void_after_invoicing_makes_the_old_draft_another_one_and_what_is_booked_stays(story: Story) -> None:
    later = datetime(2023, 9, 5, tzinfo=UTC)
    story.logs(on(1, 10), on(2, 11))
    assert story.totals() == (2, 0)
    with (
        opening.opened_ledger(story.shop.pipeline) as ledger,
        opening.opened_provider(story.shop.pipeline, Account("stripe")) as provider,
    ):
        publish.publish_period(story.shop.pipeline, ledger, provider, "2023-07", clock=lambda: later, by="tester")
    story.corrections(void("e1"))
    assert [reason.dataset for reason in story.shop.reasons("2023-07")]
    assert story.totals() == (1, 0)
    (invoice,) = listings.invoices(story.shop.pipeline, "2023-07", later)
    assert (invoice["total"], invoice["status"]) == ("1.00", "booked, differs by -1.00")


def test_days_are_built_one_by_one_or_together_to_the_same_events(story: Story) -> None:
    story.logs(on(1, 10), on(2, 11), on(3, 12), on(3, 13))
    story.corrections(void("e3"), replacement("r1", "e1", "2023-07-11T00:00:00Z"))
    story.corrections(replacement("r2", "e2", "2023-07-13T00:00:00Z"), replacement("r3", "e1", "2023-07-12T00:00:00Z"))
    pipeline = story.shop.pipeline
    days, known = [day.isoformat() for day in sorted(read_log(pipeline.lake).days)], Known.now(pipeline)
    together = {day: (made.fingerprint, made.counts) for day, made in events.build(pipeline, known, days).items()}
    alone = {day: made for each in reversed(days) for day, made in events.build(pipeline, known, [each]).items()}
    assert {day: (state.fingerprint, state.counts) for day, state in alone.items()} == together
    assert story.left() == {"r1": "2023-07-11", "r2": "2023-07-13"}
