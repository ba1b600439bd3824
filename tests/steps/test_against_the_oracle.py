"""The whole road against the oracle, to the last digit; and the order of files and lines, which must not matter."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import oracle
import oracle_events
import oracle_money
import pytest
from histories import MONTHS, RECEIPTS, History, Moves, Sent, histories
from history_catalog import CATALOG
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle_events import RawFile
from workshop import CORRECTING_MAPPING, Workshop

from monetization_pipeline.datasets import (
    CORRECTIONS,
    DAILY_USAGE,
    EVENTS,
    INVOICES,
    METER_REFUSALS,
    RAW_EVENTS,
    REFUSALS,
    UNBILLED,
    USAGE,
)
from monetization_pipeline.invoicing.models import invoice_json
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.standing import counts
from monetization_pipeline.steps import daily_usage, events, invoices

_DEEP = settings.get_profile("deep").max_examples
_EXAMPLES = 16 if settings().max_examples < _DEEP else _DEEP
_NOW = RECEIPTS[0]
_COUNTED = ("replacements", "duplicates", "conflicts", "voided")
#: An example takes half a second: shrinking one, which takes hundreds, is for the deep profile.
_PHASES = [phase for phase in Phase if phase is not Phase.shrink or _EXAMPLES == _DEEP]
relaxed = settings(max_examples=_EXAMPLES, phases=_PHASES, suppress_health_check=list(HealthCheck))


@contextmanager
def workshop(history: History) -> Iterator[Workshop]:
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(Path(folder))
        shop.catalog(CATALOG)
        for source in ("logs", "other"):
            shop.source(source, mapping=CORRECTING_MAPPING)
        shop.source("moesif", format="requests", mapping={})
        shop.customers(history.customers, _NOW)
        for moves in history.moves:
            move(shop, moves)
        yield shop


def move(shop: Workshop, moves: Moves) -> None:
    shop.place("moesif", moves.text.encode(), moves.received_at)


def place(shop: Workshop, sent: Sent) -> RawFile:
    landed = shop.place(sent.source, sent.text.encode(), sent.received_at)
    return RawFile(sent.source, landed.name, landed.received_at, sent.text)


@dataclass
class Expected:
    """What the oracle makes of a history."""

    history: History
    files: Sequence[RawFile]
    reading: oracle_events.Reading = field(init=False)
    kept: oracle_events.Deduplicated = field(init=False)
    metered: oracle.Metered = field(init=False)

    def __post_init__(self) -> None:
        self.reading = oracle_events.read(self.files)
        self.kept = oracle_events.deduplicate(self.reading)
        self.metered = oracle.meter_events(self.history.world, self.kept.events)


PRICES = oracle_money.prices_of(CATALOG)


def place_of(row: dict[str, Any]) -> tuple[str, str, int, int]:
    return row["source"], row["file"], row["line"], row["record"]


def check_reading(shop: Workshop, expected: Expected) -> None:
    assert {place_of(row) for row in shop.rows(RAW_EVENTS)} == {event.place for event in expected.reading.raw}
    refused = {place_of(row) for row in shop.rows(REFUSALS) if row["source"] != "customers"}
    assert refused == expected.reading.refused
    assert {place_of(row) for row in shop.rows(CORRECTIONS)} == {each.place for each in expected.reading.corrections}
    files = [file for file in read_log(shop.pipeline.lake).files if file.source != "customers"]
    assert sum(file.empty for file in files) == expected.reading.empty
    assert sum(file.raw_events for file in files) == len(expected.reading.raw)
    assert sum(file.refusals for file in files) == len(expected.reading.refused)
    assert sum(file.corrections for file in files) == len(expected.reading.corrections)


def check_events(shop: Workshop, expected: Expected) -> dict[tuple[str, str], tuple[str, str, int, int]]:
    rows = shop.rows(EVENTS)
    assert Counter(place_of(row) for row in rows) == Counter(event.place for event in expected.kept.events)
    for day, state in shop.pipeline.lake.table(EVENTS).states().items():
        on = datetime.fromisoformat(day).date()
        wanted = {name: getattr(expected.kept, name)[on] for name in _COUNTED}
        assert {name: state.counts[name] for name in _COUNTED} == wanted, day
    return {(row["source"], row["event_id"]): place_of(row) for row in rows}


def check_buckets(shop: Workshop, expected: Expected) -> None:
    for day, state in shop.pipeline.lake.table(DAILY_USAGE).states().items():
        wanted = expected.metered.buckets[datetime.fromisoformat(day).date()]
        assert {name: state.counts[name] for name in oracle.BUCKETS} == {name: wanted[name] for name in oracle.BUCKETS}
    for month in MONTHS:
        assert counts.count_period(shop.pipeline, month).problems == []


def check_reports(shop: Workshop, expected: Expected, places: dict[tuple[str, str], Any]) -> None:
    def reported(row: dict[str, Any]) -> Any:
        return places[row["source"], row["event_id"]], row["meter_id"]

    unbilled = [(*reported(row), row["reason"]) for row in shop.rows(UNBILLED)]
    assert sorted(unbilled) == sorted(expected.metered.unbilled)
    assert sorted(map(reported, shop.rows(METER_REFUSALS))) == sorted(expected.metered.refused)


def check_money(shop: Workshop, expected: Expected, month: str) -> None:
    wanted_usage = oracle_money.usage_of(expected.history.world, expected.metered, PRICES, month)
    usage = {
        (
            row["subscription_id"],
            row["meter_id"],
            tuple(json.loads(row["grouping"])),
            json.dumps(json.loads(row["group"]), sort_keys=True),
        ): (Fraction(row["quantity"]), row["events"])
        for row in shop.rows(USAGE, [month])
    }
    assert usage == wanted_usage
    assert len(usage) == len(shop.rows(USAGE, [month]))
    lines = oracle_money.lines_of(expected.history.world, expected.metered, PRICES, month)
    made = {}
    for invoice in invoices.read_invoices(shop.pipeline, month):
        rows = [
            (
                line.subscription_id,
                line.price_id,
                line.period_start,
                line.period_end,
                Fraction(line.quantity),
                Fraction(line.amount),
                Fraction(line.exact_amount),
            )
            for line in invoice.lines
        ]
        made[invoice.company_id, invoice.currency, invoice.bill_at] = Fraction(invoice.total), sorted(rows)
    assert made == oracle_money.invoices_of(lines)


def check_everything(shop: Workshop, expected: Expected) -> None:
    """Run what is out of date; then every figure is the oracle's."""
    shop.run(*MONTHS)
    check_reading(shop, expected)
    places = check_events(shop, expected)
    check_buckets(shop, expected)
    check_reports(shop, expected, places)
    for month in MONTHS:
        check_money(shop, expected, month)
        assert shop.reasons(month) == []


@pytest.mark.slow
@relaxed
@given(histories())
def test_every_figure_is_the_oracles(history: History) -> None:
    with workshop(history) as shop:
        check_everything(shop, Expected(history, [place(shop, sent) for sent in history.files]))


@pytest.mark.slow
@settings(relaxed, max_examples=max(_EXAMPLES // 2, 1))
@given(histories(), st.randoms(use_true_random=False))
def test_however_work_and_news_are_interleaved_every_figure_is_the_oracles(history: History, random: Random) -> None:
    """Files, cut up, and customers in any order, with runs of all there is, or of a few days, in between.

    What customers say before is taken back by what they say at last.

    Some corrections come alone, once all else was run: no other file touches the days that they touch.
    """
    pieces = unlike([piece for sent in history.files for piece in _pieces(sent, random)])
    alone = [piece for piece in pieces if '"correction"' in piece.text and piece.text.count("\n") == 1]
    late = random.sample(alone, min(len(alone), 4))
    news: list[Sent | History | Moves] = [piece for piece in pieces if piece not in late]
    news += [history.earlier(random) for _ in range(2)]
    news += history.moves
    random.shuffle(news)
    # Of files of one instant the order in which they land decides.
    history = replace(history, moves=tuple(item for item in news if isinstance(item, Moves)))
    with workshop(History((), (), ())) as opened:
        shop, files = opened, list[RawFile]()
        for hour, item in enumerate([*news, history]):
            if isinstance(item, History):
                shop.customers(item.customers, _NOW + timedelta(hours=hour))
            elif isinstance(item, Moves):
                move(shop, item)
            else:
                files.append(place(shop, item))
            for work in random.sample(_WORK, random.choice((0, 0, 1, 2))):
                shop = work(shop, random)
        for piece in late:
            shop.run(*MONTHS)
            files.append(place(shop, piece))
        check_everything(shop, Expected(history, files))


def _pieces(sent: Sent, random: Random) -> Iterator[Sent]:
    """The lines of a file as several files: most corrections alone, the rest as up to four."""
    texts = sent.text.splitlines(keepends=True)
    alone = [text for text in texts if '"correction"' in text and random.random() < 0.7]
    rest = [text for text in texts if text not in alone]
    cuts = sorted({0, len(rest), *(random.randint(0, len(rest)) for _ in range(3))})
    for start, end in pairwise(cuts):
        yield replace(sent, text="".join(rest[start:end]))
    for text in alone:
        yield replace(sent, text=text)


def _ingest(shop: Workshop, _: Random) -> Workshop:
    shop.ingest()
    return shop


def _run_months(shop: Workshop, random: Random) -> Workshop:
    shop.run(*random.sample(MONTHS, random.randint(1, 2)))
    return shop


def _build_days(shop: Workshop, random: Random) -> Workshop:
    """Some days, up to date or not, together; of some of them also what is metered."""
    days = [day.isoformat() for day in sorted(read_log(shop.pipeline.lake).days)]
    chosen = random.sample(days, random.randint(0, len(days)))
    if chosen:
        events.build(shop.pipeline, shop.known(), chosen)
        metered = random.sample(chosen, random.randint(1, len(chosen)))
        daily_usage.build(shop.pipeline, shop.known(), metered)
    return shop


def _reopen(shop: Workshop, _: Random) -> Workshop:
    return shop.reopened()


_WORK = (_ingest, _ingest, _run_months, _build_days, _build_days, _reopen)


def outcome(shop: Workshop) -> object:
    """Fingerprints of what figures depend on, and the invoices' JSON."""
    kept = {
        spec.name: {name: state.fingerprint for name, state in shop.pipeline.lake.table(spec).states().items()}
        for spec in (EVENTS, DAILY_USAGE, USAGE, INVOICES)
    }
    for name in ("events", "daily_usage"):
        kept[name] = {day: made for day, made in kept[name].items() if not made.startswith("0-")}
    drafts = [invoice_json(invoice) for month in MONTHS for invoice in invoices.read_invoices(shop.pipeline, month)]
    return kept, json.dumps(drafts)


def unlike(files: Sequence[Sent]) -> list[Sent]:
    """Files without the same bytes twice: which of those came first is decided when they enter, not later."""
    return list({(file.source, file.text): file for file in files}.values())


@pytest.mark.slow
@settings(relaxed, max_examples=max(_EXAMPLES // 3, 1))
@given(histories(), st.randoms(use_true_random=False), st.booleans())
def test_the_order_in_which_files_are_ingested_does_not_matter(history: History, random: Any, between: bool) -> None:
    files = unlike(history.files)
    with workshop(history) as shop:
        for sent in files:
            place(shop, sent)
        shop.run(*MONTHS)
        straight = outcome(shop)
    random.shuffle(files)
    with workshop(history) as shop:
        for sent in files:
            place(shop, sent)
            shop.ingest()
            if between:
                shop.run(*MONTHS)
        shop.run(*MONTHS)
        assert outcome(shop) == straight


def _replaced(text: str) -> object:
    """What two replacements have in common of which the first is to live; of other lines, the line."""
    fields = json.loads(text)
    rivals = fields.get("correction") == "replacement"
    return (fields["target"], fields.get("target_source")) if rivals else text


@pytest.mark.slow
@settings(relaxed, max_examples=max(_EXAMPLES // 3, 1))
@given(histories(resent=False, odd=False), st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(history: History, random: Any) -> None:
    """Every file has each identity, and replaces each event, once, and files are received at different instants.

    So no tie is left to lines.
    """
    files = []
    for number, sent in enumerate(unlike(history.files)):
        once = {json.loads(text).get("id", text): text for text in sent.text.splitlines()}
        texts = list({_replaced(text): text for text in once.values()}.values())
        files.append((sent.source, sent.received_at.replace(second=number), texts))
    outcomes = []
    for _ in range(2):
        with workshop(history) as shop:
            for source, received_at, texts in files:
                place(shop, Sent(source, received_at, "\n".join(texts)))
                random.shuffle(texts)
            shop.run(*MONTHS)
            outcomes.append(outcome(shop))
    assert outcomes[0] == outcomes[1]


def test_the_oracle_knows_what_it_is_about() -> None:
    """A history told by hand: one company, a duplicate, the edge instant, a value that cannot be used."""
    start = datetime(2023, 7, 16, tzinfo=UTC)
    history = History((oracle.Subscription("s1", "acme", "pro", start, None),), (), ())
    texts = [
        '{"id":"1","at":"2023-07-31T23:59:59.999999Z","company":"acme","status":200,"m":{"v":"2.5"}}',
        '{"id":"1","at":"2023-07-31T23:59:59.999999Z","company":"acme","status":200,"m":{"v":"2.5"}}',
        '{"id":"2","at":"2023-08-01T00:00:00Z","company":"acme","status":200,"m":{"v":"7"}}',
        '{"id":"3","at":"2023-07-20T00:00:00Z","company":"acme","status":200,"m":{"v":"NaN"}}',
    ]
    with workshop(history) as shop:
        expected = Expected(history, [place(shop, Sent("logs", _NOW, "\n".join(texts)))])
        shop.run(*MONTHS)
        check_money(shop, expected, "2023-07")
        (invoice,) = invoices.read_invoices(shop.pipeline, "2023-07")
        figures = {line.price_id: (str(line.quantity.normalize()), str(line.amount)) for line in invoice.lines}
    assert figures["pro_calls"] == ("2", "0.250000000000")
    assert figures["pro_tokens"] == ("2.5", "0.340000000000")
    assert figures["pro_fee"][1] == "51.610000000000"
    assert expected.kept.duplicates.total() == 1
