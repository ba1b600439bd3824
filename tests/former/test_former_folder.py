"""A lake and a ledger that the former version wrote are read and go on: the same bytes, and only days made anew."""

import json
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from pydantic import SecretStr

from monetization_pipeline.closing.books import Books
from monetization_pipeline.closing.gate import gate_problems
from monetization_pipeline.closing.opening import opened_ledger
from monetization_pipeline.closing.publish import publish_to
from monetization_pipeline.closing.states import invoice_states
from monetization_pipeline.datasets import ALL
from monetization_pipeline.ids import make_id
from monetization_pipeline.invoicing.models import minor_text
from monetization_pipeline.ledger.errors import OtherPlaceError
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
from monetization_pipeline.steps import raw_events
from monetization_pipeline.steps.catalogs import keep_catalog
from monetization_pipeline.steps.known import Known, read_catalog
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.road import ROAD

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
    known = [
        {name: invoice[name] for name in before}
        for invoice, before in zip(listings.invoices(gone_on, month, SEEN_AT), said["invoices"], strict=True)
    ]
    assert json.dumps(known, sort_keys=True) == json.dumps(said["invoices"], sort_keys=True)
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
    """Where a JSON value is not what is promised: keys that are too many, values of another type. Keys may come."""
    kind = getattr(kind, "__supertype__", kind)
    inner = get_args(kind)
    if is_typeddict(kind):
        promised = get_type_hints(kind)
        if not set(value) <= set(promised):
            return [f"{place}: {sorted(set(value) - set(promised))}"]
        return [found for name in value for found in unlike(value[name], promised[name], f"{place}.{name}")]
    if get_origin(kind) is list:
        return [found for each in value for found in unlike(each, inner[0], f"{place}[]")]
    if get_origin(kind) is dict:
        return [found for each in value.values() for found in unlike(each, inner[1], f"{place}{{}}")]
    kinds = tuple(getattr(each, "__supertype__", each) for each in inner) or (kind,)
    return [] if isinstance(value, kinds) else [f"{place}: {value!r}"]


def test_its_refusals_and_its_lines_are_explained_alike(former: Pipeline) -> None:
    assert listings.refusals(former) == SAID["refusals"]
    found = explain(former, SAID["explained"]["line_id"])
    told = json.loads(json.dumps(explained_json(found)))
    former_filter = "coalesce(event_type = 'api_call' AND coalesce((\"status\" < 400), false), false)"
    same_filter = "(coalesce(event_type = 'api_call', false) AND coalesce((\"status\" < 400), false))"
    assert told | {"sql": told["sql"].replace(same_filter, former_filter)} == SAID["explained"]


def fingerprints(pipeline: Pipeline) -> Mapping[tuple[str, str], str]:
    """Of each partition of what is made and has a content of its own."""
    tables = [(row.name, pipeline.lake.table(row.spec)) for row in ROAD if row.stated]
    return {(name, key): state.fingerprint for name, table in tables for key, state in table.states().items()}


def test_only_what_another_version_makes_is_made_anew_and_it_is_the_same(former: Pipeline) -> None:
    """Its tables beside daily_usage did not say what they were made from, either."""
    stale = {reason.dataset for month in MONTHS for reason in reasons(former, Known.now(former), month)}
    assert stale == {"events", "daily_usage", "usage", "rated_lines", "invoices"}
    assert statuses(former, "2023-07") == ["draft"] * 3
    were = fingerprints(former)
    keep_catalog(former, read_catalog(former), SEEN_AT)
    go_on(former)
    assert fingerprints(former) == were
    for month in MONTHS:
        assert gate_problems(former, Known.now(former), month) == []
    before = commits(former)
    go_on(former)
    assert commits(former) == before


def test_an_upgrade_and_a_run_book_and_publish_nothing(gone_on: Pipeline) -> None:
    with opened_ledger(gone_on) as ledger:
        assert [len(ledger.booked_in(month)) for month in MONTHS] == [4, 3, 0]
    assert statuses(gone_on, "2023-07") == ["final"] * 3


def test_what_was_issued_is_issued_no_second_time(gone_on: Pipeline) -> None:
    assert statuses(gone_on, "2023-05") == ["issued"] * 4
    again = publish_to(gone_on, SANDBOX, "2023-05", clock=lambda: SEEN_AT, by="tester")
    assert (again.booked, again.report.issued, len(again.report.already_issued), again.complete) == ((), (), 4, True)


def test_it_is_the_seller_without_an_id_for_ever_and_goes_on_where_it_published(former: Pipeline) -> None:
    assert not former.home.seller_id.exists()
    with opened_ledger(former) as ledger:
        (settled,) = ledger.places()
        before = {each.publication_id for month in MONTHS for each in ledger.publications(month)}
    assert former.home.seller_id.read_bytes() == b""
    assert (settled.seller_id, settled.place.provider, settled.place.mode) == ("", "stripe", "sandbox")
    go_on(former)
    publish_to(former, SANDBOX, "2023-07", clock=lambda: SEEN_AT, by="tester")
    with opened_ledger(former) as ledger:
        made = {each.publication_id for each in ledger.publications("2023-07")} - before
        ids = [entry.invoice.invoice_id for entry in ledger.booked_in("2023-07")]
        assert len(ledger.places()) == 1
    place = settled.place
    assert made == {make_id("pub", place.provider, place.account, place.mode, each, "1") for each in ids}
    elsewhere = Account("stripe", "test", SecretStr("sk_test_51NobodyHasThisKey"))
    with pytest.raises(OtherPlaceError):
        publish_to(former, elsewhere, "2023-07", clock=lambda: SEEN_AT, by="tester")


def test_what_was_booked_otherwise_is_left_alone_and_the_rest_goes_on(gone_on: Pipeline) -> None:
    assert statuses(gone_on, "2023-06") == ["booked, differs by -1.84", "issued", "issued"]
    done = publish_to(gone_on, SANDBOX, "2023-06", clock=lambda: SEEN_AT, by="tester")
    assert [each.state.invoice.company_id for each in done.left_alone] == ["acme"]
    assert (done.booked, done.report.issued) == ((), ())
    done = publish_to(gone_on, SANDBOX, "2023-07", clock=lambda: SEEN_AT, by="tester")
    assert (len(done.booked), len(done.report.issued), done.complete) == (3, 3, True)
    assert statuses(gone_on, "2023-07") == ["issued"] * 3
    with opened_ledger(gone_on) as ledger:
        books = Books(gone_on, Known.now(gone_on), ledger)
        states = invoice_states(books, "2023-07", SEEN_AT, inputs_complete=True).states
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
    go_on(gone_on)
    after = commits(gone_on)
    anew = {(name, key) for name in after for key in after[name] if after[name][key] != before[name].get(key)}
    by_day = {("events", "2023-07-20"), ("daily_usage", "2023-07-20")}
    of_period = ("usage", "rated_lines", "set_aside", "elsewhere", "invoices", "invoice_lines")
    by_period = {(name, "2023-07") for name in of_period}
    assert {
        each for each in anew if each[0] not in ("landing_files", "meter_refusals", "unbilled")
    } == by_day | by_period
    (acme,) = [each for each in listings.invoices(gone_on, "2023-07", SEEN_AT) if each["company_id"] == "acme"]
    # The ninth call is the sixth beyond the three that are free: 1 + 6 × 0.333333333333 where it was 1 + 5 × it.
    assert (acme["total"], acme["status"]) == ("108.00", "final")
