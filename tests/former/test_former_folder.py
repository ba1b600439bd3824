"""A lake and a ledger that the former version wrote are read and go on: the same bytes, and only days made anew."""

import json
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from monetization_pipeline.closing.gate import invoice_states
from monetization_pipeline.closing.opening import opened_ledger
from monetization_pipeline.closing.publish import publish_to
from monetization_pipeline.datasets import ALL
from monetization_pipeline.invoicing.models import minor_text
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.reports import listings
from monetization_pipeline.reports.explain import explain, explained_json
from monetization_pipeline.reports.promised import (
    CountsRow,
    ExplainedRow,
    InvoiceRow,
    RefusalRow,
    StandingRow,
    UnbilledRow,
    UsageRow,
)
from monetization_pipeline.settings import load_settings, pipeline_of
from monetization_pipeline.standing.counts import count_period
from monetization_pipeline.standing.making import bring_up_to_date, making_here
from monetization_pipeline.standing.out_of_date import reasons
from monetization_pipeline.standing.verdicts import schema_problems
from monetization_pipeline.steps import raw_events
from monetization_pipeline.steps.catalogs import keep_catalog
from monetization_pipeline.steps.known import Known, read_catalog
from monetization_pipeline.steps.pipeline import Pipeline

HERE = Path(__file__).resolve().parent
SAID: Mapping[str, Any] = json.loads((HERE / "said.json").read_text("utf-8"))
MONTHS = ("2023-05", "2023-06", "2023-07")
SEEN_AT = datetime(2026, 11, 27, 21, tzinfo=UTC)
SANDBOX = Account("stripe")


@pytest.fixture
def former(tmp_path: Path) -> Pipeline:
    with tarfile.open(HERE / "working_folder.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    return pipeline_of(load_settings({}, tmp_path))


@pytest.fixture
def gone_on(former: Pipeline) -> Pipeline:
    """It, and what `monetize run` of its months makes of it."""
    go_on(former)
    return former


def go_on(pipeline: Pipeline) -> None:
    bring_up_to_date(pipeline, read_catalog(pipeline), MONTHS, making_here(pipeline, lambda *_: None))


def commits(pipeline: Pipeline) -> Mapping[str, Mapping[str, int]]:
    """How often each partition of each dataset was made."""
    tables = [(spec, pipeline.lake.table(spec)) for spec in ALL if not spec.by_batch]
    return {spec.name: table.claim(table.states()).versions for spec, table in tables}


def statuses(pipeline: Pipeline, month: str) -> list[str]:
    return [invoice["status"] for invoice in listings.invoices(pipeline, month, SEEN_AT)]


@pytest.mark.parametrize("month", MONTHS)
def test_what_it_said_is_said_again_byte_for_byte(gone_on: Pipeline, month: str) -> None:
    said = SAID[month]
    assert json.dumps(listings.invoices(gone_on, month, SEEN_AT), sort_keys=True) == json.dumps(
        said["invoices"], sort_keys=True
    )
    assert listings.usage(gone_on, month) == said["usage"]
    assert listings.unbilled(gone_on, month) == said["unbilled"]
    assert count_period(gone_on, month).by_name() == said["counts"]


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (list[InvoiceRow], [row for month in MONTHS for row in SAID[month]["invoices"]]),
        (list[UsageRow], [row for month in MONTHS for row in SAID[month]["usage"]]),
        (list[UnbilledRow], [row for month in MONTHS for row in SAID[month]["unbilled"]]),
        (list[CountsRow], [SAID[month]["counts"] for month in MONTHS]),
        (list[RefusalRow], SAID["refusals"]),
        (ExplainedRow, SAID["explained"]),
        (StandingRow, SAID["status"]),
    ],
    ids=["invoices", "usage", "unbilled", "counts", "refusals", "explain", "status"],
)
def test_what_it_said_is_what_is_promised(of: Any, said: Any) -> None:
    assert said
    assert unlike(said, of, "") == []


def unlike(value: Any, kind: Any, place: str) -> list[str]:
    """Where a JSON value is not what is promised: keys that lack or are too many, values of another type."""
    kind = getattr(kind, "__supertype__", kind)
    inner = get_args(kind)
    if is_typeddict(kind):
        promised = get_type_hints(kind)
        if set(value) != set(promised):
            return [f"{place}: {sorted(set(value) ^ set(promised))}"]
        return [found for name in promised for found in unlike(value[name], promised[name], f"{place}.{name}")]
    if get_origin(kind) is list:
        return [found for each in value for found in unlike(each, inner[0], f"{place}[]")]
    if get_origin(kind) is dict:
        return [found for each in value.values() for found in unlike(each, inner[1], f"{place}{{}}")]
    kinds = tuple(getattr(each, "__supertype__", each) for each in inner) or (kind,)
    return [] if isinstance(value, kinds) else [f"{place}: {value!r}"]


def test_its_refusals_and_its_lines_are_explained_alike(former: Pipeline) -> None:
    assert listings.refusals(former) == SAID["refusals"]
    found = explain(former, SAID["explained"]["line_id"])
    assert json.loads(json.dumps(explained_json(found))) == SAID["explained"]


def figures(pipeline: Pipeline) -> Mapping[tuple[str, str], str]:
    """The fingerprint of each partition of what was made."""
    made = ("events", "daily_usage", "usage", "rated_lines", "invoices")
    tables = [(spec.name, pipeline.lake.table(spec)) for spec in ALL if spec.name in made]
    return {(name, key): state.fingerprint for name, table in tables for key, state in table.states().items()}


def test_what_of_it_is_made_anew_once_says_the_same(former: Pipeline) -> None:
    """Its days and usage, by the steps of now: their figures are the same, so that no line or invoice is made anew."""
    stale = {reason.dataset for month in MONTHS for reason in reasons(former, Known.now(former), month)}
    assert stale == {"events", "daily_usage", "usage"}
    assert schema_problems(former) == []
    before, were = commits(former), figures(former)
    catalog = read_catalog(former)
    keep_catalog(former, catalog, SEEN_AT)
    go_on(former)
    after = commits(former)
    anew = {name for name in after if after[name] != before[name]}
    assert anew == {"events", "daily_usage", "meter_refusals", "unbilled", "usage"}
    assert figures(former) == were
    for month in MONTHS:
        assert reasons(former, Known.now(former), month) == []
    assert schema_problems(former) == []
    go_on(former)
    assert commits(former) == after


def test_an_upgrade_and_a_run_book_and_publish_nothing(gone_on: Pipeline) -> None:
    with opened_ledger(gone_on) as ledger:
        assert [len(ledger.booked_in(month)) for month in MONTHS] == [4, 3, 0]
    assert statuses(gone_on, "2023-07") == ["final"] * 3


def test_what_was_issued_is_issued_no_second_time(gone_on: Pipeline) -> None:
    assert statuses(gone_on, "2023-05") == ["issued"] * 4
    again = publish_to(gone_on, SANDBOX, "2023-05", clock=lambda: SEEN_AT, by="tester")
    assert (again.booked, again.report.issued, len(again.report.already_issued), again.complete) == ((), (), 4, True)


def test_what_was_booked_otherwise_is_left_alone_and_the_rest_goes_on(gone_on: Pipeline) -> None:
    assert statuses(gone_on, "2023-06") == ["booked, differs by -1.84", "issued", "issued"]
    done = publish_to(gone_on, SANDBOX, "2023-06", clock=lambda: SEEN_AT, by="tester")
    assert [state.invoice.company_id for state in done.differing] == ["acme"]
    assert (done.booked, done.report.issued) == ((), ())
    done = publish_to(gone_on, SANDBOX, "2023-07", clock=lambda: SEEN_AT, by="tester")
    assert (len(done.booked), len(done.report.issued), done.complete) == (3, 3, True)
    assert statuses(gone_on, "2023-07") == ["issued"] * 3
    with opened_ledger(gone_on) as ledger:
        states = invoice_states(gone_on, ledger, "2023-07", SEEN_AT, inputs_complete=True)
    assert [minor_text(each.booked.invoice.total, "USD") for each in states if each.booked] == [
        "107.67",
        "27.00",
        "4.52",
    ]


def test_a_late_event_makes_its_own_day_and_period_anew(gone_on: Pipeline) -> None:
    before = commits(gone_on)
    late = {"id": "late", "at": "2023-07-20T12:00:00Z", "company": "acme", "verb": "GET", "status": 200}
    with (gone_on.home.root / "late.ndjson").open("w+b") as file:
        file.write(json.dumps(late).encode() + b"\n")
        file.seek(0)
        gone_on.landing.place("logs", "late.ndjson", file, datetime(2026, 11, 27, 20, tzinfo=UTC))
    raw_events.ingest(gone_on)
    bring_up_to_date(gone_on, read_catalog(gone_on), MONTHS, making_here(gone_on, lambda *_: None))
    after = commits(gone_on)
    anew = {(name, key) for name in after for key in after[name] if after[name][key] != before[name].get(key)}
    by_day = {("events", "2023-07-20"), ("daily_usage", "2023-07-20")}
    by_period = {(name, "2023-07") for name in ("usage", "rated_lines", "invoices", "invoice_lines")}
    assert {
        each for each in anew if each[0] not in ("landing_files", "meter_refusals", "unbilled")
    } == by_day | by_period
    (acme,) = [each for each in listings.invoices(gone_on, "2023-07", SEEN_AT) if each["company_id"] == "acme"]
    # The ninth call is the sixth beyond the three that are free: 1 + 6 × 0.333333333333 where it was 1 + 5 × it.
    assert (acme["total"], acme["status"]) == ("108.00", "final")
