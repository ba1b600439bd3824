"""A look back gives the same bytes as the run of that day, whatever arrived since (rule 7)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workshop import Workshop, event, lines

from monetization_pipeline.closing import gate, opening
from monetization_pipeline.closing.books import Books
from monetization_pipeline.ledger.records import Place
from monetization_pipeline.reports import explain, listings
from monetization_pipeline.standing import counts, look_back, maintenance
from monetization_pipeline.steps.catalogs import NoCatalogError, keep_catalog
from monetization_pipeline.steps.invoices import read_invoices
from monetization_pipeline.steps.known import Known, read_catalog
from monetization_pipeline.steps.pipeline import Pipeline

MONTHS = ("2023-06", "2023-07")
NOW = datetime.now(UTC)
FIRST = datetime(2023, 7, 5, 8, tzinfo=UTC)
ACME = {"subscription_id": "s", "company_id": "acme", "plan_id": "p", "start_at": "2023-06-10"}
BETA = {"subscription_id": "t", "company_id": "beta", "plan_id": "p", "start_at": "2023-06-01"}


def catalog(unit_amount: str, fee: str = "31") -> Mapping[str, object]:
    prices = [
        {"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": unit_amount},
        {"price_id": "y", "model": "per_unit", "meter": "users", "unit_amount": "10"},
        {"price_id": "fee", "model": "flat", "amount": fee, "bill": "in_advance"},
    ]
    meters = [
        {"meter_id": "calls", "aggregation": "count"},
        {"meter_id": "users", "aggregation": "unique_count", "value": "user_id"},
    ]
    return {"meters": meters, "plans": [{"plan_id": "p", "currency": "USD", "interval": "month", "prices": prices}]}


def on(number: int, day: str, **fields: object) -> dict[str, object]:
    return event(number, at=f"2023-{day}T12:00:00Z") | fields


def void(target: str) -> dict[str, object]:
    said = {"event_id": f"v-{target}", "correction": "void", "target_source": "logs", "target_event_id": target}
    return said | {"reason": "test traffic"}


def replacement(event_id: str, target: str, at: str) -> dict[str, object]:
    said = {"correction": "replacement", "target_source": "logs", "target_event_id": target, "reason": "wrong day"}
    return {"event_id": event_id, "event_type": "api_call", "occurred_at": at, "company_id": "acme"} | said


def seen(pipeline: Pipeline, now: datetime) -> str:
    """All that is shown of both months."""
    shown = [
        [
            listings.invoices(pipeline, month, now),
            listings.usage(pipeline, month),
            counts.count_period(pipeline, month).by_name(),
        ]
        for month in MONTHS
    ]
    return json.dumps(shown)


@dataclass
class Story:
    """Days on which something arrives, and then both months are run: what was seen is kept."""

    shop: Workshop
    seen: dict[datetime, str] = field(default_factory=dict)

    def run(self, now: datetime) -> None:
        self.shop.ingest()
        keep_catalog(self.shop.pipeline, self.shop.run(*MONTHS), now)
        self.seen[now] = seen(self.shop.pipeline, now)

    def logs(self, at: datetime, *records: Mapping[str, object]) -> None:
        self.shop.place("logs", lines(records), at)

    def look_back(self, at: datetime) -> look_back.LookBack:
        return look_back.run_as_of(self.shop.pipeline, MONTHS, at, NOW, lambda _: None)

    def view(self, at: datetime) -> Pipeline:
        self.look_back(at)
        return look_back.looking_back(self.shop.pipeline, at)

    def seen_as_of(self, at: datetime) -> str:
        return seen(self.view(at), at)


def begun(root: Path) -> Story:
    shop = Workshop(root)
    shop.source("logs")
    shop.catalog(catalog("1"))
    shop.customers({"subscriptions": [ACME, BETA], "users": [{"user_id": "u", "company_id": "acme"}]}, FIRST)
    return Story(shop)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return begun(tmp_path)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Six days: late events, a void, a replacement, a new price, customers who change, a booking."""
    story = begun(tmp_path_factory.mktemp("told"))
    shop, day = story.shop, timedelta(days=1)
    days = [FIRST + number * 7 * day for number in range(5)]
    story.logs(days[0], on(1, "06-15"), on(2, "06-30", user="u", company=None), on(3, "07-02", company="beta"))
    story.run(days[0])
    story.logs(days[1], on(4, "06-15", user="w"), on(5, "07-11"), on(1, "07-11"))
    story.run(days[1])
    shop.place("corrections", lines([void("e1"), replacement("r5", "e5", "2023-06-20T01:00:00Z")]), days[2])
    shop.catalog(catalog("3", "62"))
    story.run(days[2])
    moved = {"subscriptions": [ACME | {"start_at": "2023-06-20"}], "users": [{"user_id": "u", "company_id": "beta"}]}
    shop.customers(moved | {"companies": [{"company_id": "acme", "name": "A", "time_zone": "UTC"}]}, days[3])
    shop.place("corrections", lines([void("r5")]), days[3])
    with opening.opened_ledger(shop.pipeline) as ledger:
        june = read_invoices(shop.pipeline, "2023-06")
        ledger.book(june, period="2023-06", as_of=days[2], by="test", at=days[2] + day)
    story.run(days[3])
    story.logs(days[4], on(6, "07-30"), {"no": "event"}, on(7, "06-29", company="beta"))
    shop.catalog(catalog("1"))
    story.run(days[4])
    last = days[4] + timedelta(minutes=5)
    story.logs(last, on(8, "07-31"))
    story.run(last)
    return story


def test_each_day_is_seen_again_as_it_was(told: Story) -> None:
    days = list(told.seen)
    assert len(days) == len(set(told.seen.values())) == 6, "each day changed something"
    lake = told.shop.pipeline.lake
    kept = {path: path.read_bytes() for path in lake.root.rglob("*") if path.is_file()}
    for day in reversed(days):
        assert told.seen_as_of(day) == told.seen[day]
        assert told.look_back(day).made == (), "made once"
    assert {path: path.read_bytes() for path in lake.root.rglob("*") if path.is_file()} == kept, "the lake is as it was"


def test_between_two_days_nothing_is_known_of_the_later_one(told: Story) -> None:
    days = list(told.seen)
    views = [told.view(days[1]), told.view(days[2] - timedelta(microseconds=1))]
    assert read_invoices(views[0], "2023-06") == read_invoices(views[1], "2023-06")


def test_files_made_of_several_show_a_look_back_only_what_was_received_until_then(story: Story) -> None:
    seconds = [FIRST + timedelta(seconds=number) for number in range(12)]
    for number, at in enumerate(seconds):
        story.logs(at, on(number, "06-15"))
        if number == 4:
            story.run(at)
        story.shop.ingest()
    done = maintenance.maintain(story.shop.pipeline, NOW + timedelta(hours=2))
    assert done, "what came in batches was compacted"
    assert story.seen_as_of(seconds[4]) == story.seen[seconds[4]]


def test_a_batch_that_holds_files_of_several_instants_is_cut_where_it_must_be(story: Story, tmp_path: Path) -> None:
    noon, later = FIRST + timedelta(hours=4), FIRST + timedelta(hours=5)
    alone = begun(tmp_path / "other")
    alone.logs(noon, on(1, "06-15"))
    alone.run(noon)
    keep_catalog(story.shop.pipeline, read_catalog(story.shop.pipeline), FIRST)
    story.logs(noon, on(1, "06-15"))
    story.logs(later, on(2, "06-15"), on(1, "06-16"))
    story.run(later)
    assert story.seen_as_of(noon) == alone.seen[noon]


def test_a_line_of_a_look_back_is_explained_by_its_price(told: Story) -> None:
    view = told.view(FIRST)
    lines_of = {line.price_id: line.line_id for line in read_invoices(view, "2023-06")[-1].lines}
    assert read_invoices(view, "2023-06")[-1].company_id == "beta"
    explained = {price_id: explain.explain(view, line_id) for price_id, line_id in lines_of.items()}
    assert {price_id: each.explanation["amount"] for price_id, each in explained.items()} == {
        "x": "0",
        "y": "0",
        "fee": "31",
    }
    assert [explained["x"].price.unit_amount, explained["fee"].price.amount] == [1, 31]


def test_statuses_are_those_of_that_time(told: Story) -> None:
    """On the fourth day acme's subscription starts later: its first fee has another id, its usage is less."""
    days = list(told.seen)

    def statuses(day: datetime) -> list[tuple[str, str]]:
        rows = listings.invoices(told.view(day), "2023-06", day)
        return sorted((row["company_id"], row["status"].partition(" by")[0]) for row in rows)

    assert statuses(days[2]) == [("acme", "final"), ("acme", "final"), ("beta", "final")]
    assert statuses(days[3]) == [
        *(("acme", "booked, differs"), ("acme", "booked, differs"), ("acme", "final")),
        ("beta", "booked, differs"),
    ]


def test_nothing_is_published_of_a_look_back(told: Story) -> None:
    view = told.view(FIRST)
    with (
        opening.opened_ledger(view) as ledger,
        pytest.raises(gate.PublishRefusedError, match="2023-06 as of 2023-07-05T08:00:00Z is a look back"),
    ):
        gate.decide_period(
            Books(view, Known.now(view), ledger),
            "2023-06",
            NOW,
            place=Place("stripe", "sandbox", "acct"),
            not_taken=lambda _: {},
        )


def test_before_the_first_run_and_after_now_there_is_nothing_to_see(told: Story) -> None:
    with pytest.raises(NoCatalogError, match="nothing was run until 2023-07-05T07:59:59Z"):
        told.look_back(FIRST - timedelta(seconds=1))
    with pytest.raises(look_back.LookBackError, match="is still to come"):
        told.look_back(NOW + timedelta(seconds=1))


def test_what_was_not_made_is_not_shown(told: Story) -> None:
    pipeline, instant = told.shop.pipeline, FIRST + timedelta(hours=1)
    with pytest.raises(look_back.LookBackError, match=r"run `monetize run 2023-06 --as-of 2023-07-05T09:00:00Z`"):
        look_back.looking_back(pipeline, instant, "2023-06")
    look_back.run_as_of(pipeline, ["2023-06"], instant, NOW, lambda _: None)
    assert look_back.looking_back(pipeline, instant, "2023-06").as_of == instant
    with pytest.raises(look_back.LookBackError, match="2023-07 --as-of"):
        look_back.looking_back(pipeline, instant, "2023-07")


def test_files_that_were_ingested_later_under_an_earlier_time_are_named(story: Story) -> None:
    story.logs(FIRST, on(1, "06-15"))
    story.run(FIRST)
    instant = datetime.now(UTC)
    before = look_back.run_as_of(story.shop.pipeline, MONTHS, instant, instant, lambda _: None)
    story.logs(FIRST + timedelta(days=1), on(2, "06-15"))
    story.run(FIRST + timedelta(days=1))
    after = look_back.run_as_of(story.shop.pipeline, MONTHS, instant, datetime.now(UTC), lambda _: None)
    assert [file.source for file in before.ingested_later] == []
    assert [(file.source, file.received_at) for file in after.ingested_later] == [("logs", FIRST + timedelta(days=1))]
    assert "events of 2023-06" in after.made


_EVENTS = st.builds(
    on,
    st.integers(1, 6),
    st.sampled_from(["06-15", "06-30", "07-01", "07-03"]),
    company=st.sampled_from(["acme", "beta", None]),
    user=st.sampled_from(["u", "w", None]),
)
_ARRIVALS = st.one_of(
    st.lists(_EVENTS, min_size=1, max_size=4),
    st.sampled_from(["void", "move", "price", "start", "user"]),
)


@pytest.mark.slow
@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(_ARRIVALS, st.booleans()), min_size=2, max_size=3))
def test_whatever_arrives_each_day_is_seen_again(
    tmp_path_factory: pytest.TempPathFactory, arrivals: Sequence[tuple[object, bool]]
) -> None:
    story = begun(tmp_path_factory.mktemp("story"))
    shop = story.shop
    story.run(FIRST)
    at = FIRST
    for number, (arrival, same_day) in enumerate(arrivals, 1):
        at += timedelta(minutes=1) if same_day else timedelta(days=1)
        if arrival == "price":
            shop.catalog(catalog(str(number)))
        elif arrival == "start":
            shop.customers({"subscriptions": [ACME | {"start_at": f"2023-06-{10 + number}"}, BETA]}, at)
        elif arrival == "user":
            shop.customers({"users": [{"user_id": "u", "company_id": "acme" if number % 2 else "beta"}]}, at)
        elif arrival == "void":
            shop.place("corrections", lines([void(f"e{number}") | {"event_id": f"v{number}"}]), at)
        elif arrival == "move":
            moved = replacement(f"r{number}", f"e{number}", "2023-06-20T01:00:00Z")
            shop.place("corrections", lines([moved]), at)
        elif isinstance(arrival, list):
            story.logs(at, *arrival)
        story.run(at)
    assert {day: story.seen_as_of(day) for day in story.seen} == story.seen
