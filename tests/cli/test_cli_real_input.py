"""The three real inputs, from files to invoices, through the real command."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import Monetize

from monetization_pipeline.datasets import EVENTS
from monetization_pipeline.lake.entities import current_companies, read_subscriptions, read_users
from monetization_pipeline.lake.rows import read_rows
from monetization_pipeline.settings import Settings, pipeline_of

Folder = Callable[..., Monetize]

BERT_JAN = "arn:aws:iam::123837392027:user/bert-jan"
COUNTS = (
    "records",
    "empty",
    "raw_events",
    "corrections",
    "entity_changes",
    "refusals",
    "replacements",
    "duplicates",
    "conflicts",
    "voided",
    "events",
    "metered",
    "no_company",
    "no_meter",
    "blocked",
    "meter_refused",
    "ambiguous_subscription",
    "no_subscription",
)
#: Of the requests of moesifwsgi, and of moesifapi, which sent an event of acme twice.
COMPANIES_OF_CAPTURES = ({"acme": 2, "globex": 2, "blocked_co": 1, None: 1}, {"globex": 3, "acme": 1})
INVOICE = {
    *("invoice_id", "company_id", "subscription_id", "currency", "bill_at", "status", "total", "lines"),
    *("publish", "why", "final_from", "held_back", "elsewhere", "issued_at"),
}
LINE = {
    "line_id",
    "subscription_id",
    "price_id",
    "meter_id",
    "period_start",
    "period_end",
    "quantity",
    "amount",
    "exact_amount",
    "description",
}

pytestmark = pytest.mark.slow


def test_cloudtrail(folder: Folder, shared_data: Path) -> None:
    monetize = folder("cloudtrail")
    ingested = monetize.ok("ingest", "--source", "cloudtrail", shared_data / "cloudtrail")
    # The folder holds a licence too, which is no JSON.
    assert ingested.out.startswith("56 files, 2,901 records")
    assert "ingesting: raw_events (1 received day)" in ingested.err
    kept = monetize.kept()
    assert (
        "56 files were known already and changed nothing"
        in monetize.ok("ingest", "--source", "cloudtrail", shared_data / "cloudtrail").out
    )
    assert monetize.kept() == kept

    ran = monetize.ok("run", "2023-07")
    assert "usage, rated_lines, invoices" in ran.err
    assert ran.out.startswith("2023-07: made ")
    counted_as_expected(monetize)
    line_id = invoiced_as_expected(monetize)
    explained_as_expected(monetize, line_id)


def counted_as_expected(monetize: Monetize) -> None:
    counts = monetize.json("counts", "2023-07")
    assert set(counts) == {*COUNTS, "meters"}
    assert {name: counts[name] for name in COUNTS[6:] if counts[name]} == {
        "events": 2900,
        "metered": 2523,
        "no_company": 77,
        "no_meter": 300,
    }
    assert counts["raw_events"] == 2900
    received = sum(counts[name] for name in ("empty", "raw_events", "corrections", "entity_changes", "refusals"))
    assert counts["records"] == received

    usage = monetize.json("usage", "2023-07")
    assert len(usage) == 13
    assert sum(row["events"] for row in usage) == 2523
    assert Counter(row["quantity"] for row in usage)["0"] == 5, "five of them without a successful call"
    assert {row["company_id"]: row["quantity"] for row in usage}[BERT_JAN] == "2402"

    unbilled = monetize.json("unbilled", "2023-07")
    assert Counter(row["reason"] for row in unbilled) == {"no_company": 77, "no_meter": 300}
    (refusal,) = monetize.json("refusals")
    assert refusal["file"].endswith("@LICENSE")
    assert {"source", "file", "line", "reason", "text"} <= set(refusal)


def invoiced_as_expected(monetize: Monetize) -> str:
    invoices = monetize.json("invoices", "2023-07")
    assert len(invoices) == 13
    assert all(set(invoice) == INVOICE for invoice in invoices)
    assert all(set(line) == LINE for invoice in invoices for line in invoice["lines"])
    assert all(
        isinstance(value, str)
        for invoice in invoices
        for line in invoice["lines"]
        for value in (invoice["total"], line["quantity"], line["amount"], line["exact_amount"])
    )
    assert {invoice["status"] for invoice in invoices} == {"final"}
    assert {invoice["bill_at"] for invoice in invoices} == {"2023-08-01T00:00:00Z"}
    totals = {invoice["company_id"]: invoice["total"] for invoice in invoices}
    assert {company: total for company, total in totals.items() if total != "0.00"} == {BERT_JAN: "16.01"}
    (line,) = next(invoice["lines"] for invoice in invoices if invoice["company_id"] == BERT_JAN)
    assert (line["quantity"], line["amount"], line["exact_amount"]) == ("2402", "16.01", "16.01")
    return line["line_id"]


def explained_as_expected(monetize: Monetize, line_id: str) -> None:
    explained = monetize.json("explain", line_id)
    assert (explained["line_id"], explained["quantity"], explained["exact_amount"]) == (line_id, "2402", "16.01")
    parts = [(part["units"], part["unit_amount"], part["amount"]) for part in explained["calculation"]["parts"]]
    assert parts == [("100", "0", "0"), ("900", "0.01", "9"), ("1402", "0.005", "7.01")]
    assert explained["events"] == 2402 == sum(file["events"] for file in explained["files"])
    assert explained["sql"].startswith("SELECT sum(weight) FROM events")
    assert {file["source"] for file in explained["files"]} == {"cloudtrail"}


def test_llm_inference(folder: Folder, shared_data: Path) -> None:
    monetize = folder("llm-inference")
    whole = shared_data / "llm-inference" / "AzureLLMInferenceTrace_code.csv"
    assert monetize.ok("ingest", "--source", "llm-inference", whole).out.startswith("1 files, 8,819 records")
    monetize.ok("run", "2023-11")
    (invoice,) = monetize.json("invoices", "2023-11")
    assert invoice["total"] == "47.61"
    assert {line["price_id"]: line["amount"] for line in invoice["lines"]} == {
        "context_tokens": "45.15",
        "generated_tokens": "2.46",
    }


def test_llm_inference_cut_to_whole_seconds_is_as_many_events(folder: Folder, shared_data: Path) -> None:
    monetize = folder("llm-inference")
    lines = (shared_data / "llm-inference" / "AzureLLMInferenceTrace_code.csv").read_text().splitlines()
    cut = [re.sub(r"\.\d+", "", line, count=1) for line in lines]
    assert len(set(cut)) < len(cut), "there are equal lines"
    (monetize.home / "cut.csv").write_text("\n".join(cut) + "\n")
    monetize.ok("ingest", "--source", "llm-inference", "cut.csv")
    monetize.ok("run", "2023-11")
    counts = monetize.json("counts", "2023-11")
    assert (counts["raw_events"], counts["duplicates"], counts["events"], counts["metered"]) == (8819, 0, 8819, 8819)


def test_moesif(folder: Folder, shared_data: Path) -> None:
    monetize = folder("moesif")
    captures = [shared_data / "moesif" / name for name in ("moesifwsgi.jsonl", "moesifapi_python.jsonl")]
    monetize.ok("ingest", "--source", "moesif", *captures)
    monetize.ok("run", "2026-11")
    counts = monetize.json("counts", "2026-11")
    assert (counts["raw_events"], counts["duplicates"], counts["conflicts"], counts["events"]) == (11, 1, 0, 10)
    # Three users and three companies in each file, two subscriptions in one; two more that the example declares.
    assert (counts["entity_changes"], counts["refusals"]) == (16, 0)
    assert counts["empty"] == 4, "requests that ask for a configuration or for rules"
    arrived_as_sent(monetize, captures)
    customers_arrived(monetize)
    # The subscriptions in the requests have no plan: those that are declared are the ones charged, once an event.
    charged = {invoice["subscription_id"]: invoice["lines"] for invoice in monetize.json("invoices", "2026-11")}
    assert {name: [line["quantity"] for line in lines] for name, lines in charged.items()} == {
        "acme-payg": ["3"],
        "globex-payg": ["5"],
    }


def arrived_as_sent(monetize: Monetize, captures: Sequence[Path]) -> None:
    events = read_rows(pipeline_of(Settings(monetize.home)).lake.table(EVENTS).files())
    for capture, companies in zip(captures, COMPANIES_OF_CAPTURES, strict=True):
        arrived = {event["event_id"]: event for event in events if event["file"].endswith(capture.name)}
        assert Counter(event["company_id"] for event in arrived.values()) == companies
        sent = {event["transaction_id"]: event for event in events_sent(capture)}
        assert arrived.keys() == sent.keys()
        for event_id, event in arrived.items():
            # Times without a zone are UTC.
            at = datetime.fromisoformat(sent[event_id]["request"]["time"]).replace(tzinfo=UTC)
            assert event["occurred_at"] == at
            assert event["status"] == sent[event_id]["response"]["status"]
            assert (event["company_id"], event["user_id"]) == (sent[event_id]["company_id"], sent[event_id]["user_id"])
            assert event["event_type"] == "api_call"


def events_sent(capture: Path) -> Iterator[dict[str, Any]]:
    for line in capture.read_text().splitlines():
        request = json.loads(line)
        if request["path"].startswith("/v1/events"):
            body = request["body"]
            yield from body if isinstance(body, list) else [body]


def customers_arrived(monetize: Monetize) -> None:
    pipeline = pipeline_of(Settings(monetize.home))
    companies = set(current_companies(pipeline.lake))
    users = {user.user_id: user.company_id for user in read_users(pipeline.lake) if user.valid_to is None}
    plans = {each.subscription_id: each.plan_id for each in read_subscriptions(pipeline.lake) if each.valid_to is None}
    assert companies == {"acme", "globex", "blocked_co"}
    assert users == {"u1": "acme", "u2": "acme", "u3": "globex"}
    assert plans == {"sub_1": None, "sub_2": None, "acme-payg": "payg", "globex-payg": "payg"}
