"""The real inputs through Dagster: the same figures as through the command line."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dagster as dg
from dagster_folder import RECEIVED_KEY, Folder

from monetization_pipeline.datasets import EVENTS
from monetization_pipeline.lake.rows import read_rows
from monetization_pipeline.money import plain
from monetization_pipeline.standing.counts import count_period
from monetization_pipeline.steps.invoices import read_invoices

CUSTOMERS = ["companies", "users", "subscriptions", "meters", "prices"]


def test_cloudtrail_job_by_job_as_from_the_ui(folder_of: Callable[..., Folder], shared_data: Path) -> None:
    folder = folder_of("cloudtrail")
    folder.place("cloudtrail", *sorted((shared_data / "cloudtrail").glob("*.json")))
    folder.materialize("received_days", ["raw_events"], RECEIVED_KEY)
    folder.materialize("customers_and_catalog", CUSTOMERS)
    folder.materialize("event_days", ["events", "daily_usage"], "2023-07-10")
    folder.materialize("billing_periods", ["usage", "rated_lines", "invoices"], "2023-07")

    totals = {invoice.company_id: plain(invoice.total) for invoice in read_invoices(folder.pipeline, "2023-07")}
    assert len(totals) == 13
    assert {company: total for company, total in totals.items() if total != "0"} == {
        "arn:aws:iam::123837392027:user/bert-jan": "16.01"
    }
    counts = count_period(folder.pipeline, "2023-07")
    assert counts.problems == []
    buckets = {name: count for name, count in counts.buckets.items() if count}
    assert buckets == {"metered": 2523, "no_company": 77, "no_meter": 300}
    shows_what_a_seller_asks(folder)

    before = folder.runs()
    assert folder.ingest().ingested == ()
    assert folder.run("2023-07").made == ()
    assert folder.runs() == before


def shows_what_a_seller_asks(folder: Folder) -> None:
    raw = folder.metadata("raw_events", RECEIVED_KEY)
    assert (raw["dagster/partition_row_count"], raw["raw_events"], raw["refusals"]) == (2900, 2900, 0)
    assert raw["refusals by reason"] == "none"
    metered = folder.metadata("daily_usage", "2023-07-10")
    assert (metered["metered"], metered["no_company"], metered["no_meter"], metered["made"]) == (2523, 77, 300, "now")
    assert folder.metadata("usage")["metered"] == 2523
    invoices = folder.metadata("invoices", "2023-07")
    assert (invoices["amount"], invoices["amount USD (plot)"]) == ("16.01 USD", 16.01)
    assert (invoices["dagster/partition_row_count"], invoices["invoices of nothing"]) == (13, 12)
    assert invoices["largest companies"].splitlines()[2].endswith("user/bert-jan | USD | 16.01 |")
    assert folder.metadata("rated_lines", "2023-07")["exact amount"] == "16.01 USD"
    assert "| successful\\_calls | api\\_call | status &lt; 400 | count |" in folder.metadata("meters")["meters"]
    assert folder.metadata("prices")["dagster/row_count"] == 1
    assert folder.metadata("companies")["current"] == 13


def test_llm_inference_in_one_command(folder_of: Callable[..., Folder], shared_data: Path) -> None:
    folder = folder_of("llm-inference")
    folder.place("llm-inference", shared_data / "llm-inference" / "AzureLLMInferenceTrace_code.csv")
    run = folder.run("2023-11")
    assert sum(file.raw_events for file in run.ingested.ingested) == 8819
    assert folder.runs() == [
        ("received_days", "SUCCESS"),
        ("customers_and_catalog", "SUCCESS"),
        ("event_days", "SUCCESS"),
        ("billing_periods", "SUCCESS"),
    ]
    (invoice,) = read_invoices(folder.pipeline, "2023-11")
    assert sorted(plain(line.amount) for line in invoice.lines) == ["2.46", "45.15"]
    assert plain(invoice.total) == "47.61"
    assert folder.metadata("invoices", "2023-11")["amount"] == "47.61 USD"
    assert folder.run("2023-11").made == ()


def test_moesif_requests_of_a_month_that_is_open(folder_of: Callable[..., Folder], shared_data: Path) -> None:
    folder = folder_of("moesif")
    folder.place("moesif", *sorted((shared_data / "moesif").glob("*.jsonl")))
    folder.run("2026-11")
    rows = read_rows(folder.pipeline.lake.table(EVENTS).files())
    companies = Counter(row["company_id"] for row in rows)
    assert companies == {"acme": 3, "globex": 5, "blocked_co": 1, None: 1}
    counts = count_period(folder.pipeline, "2026-11")
    assert (counts.days["raw_events"], counts.days["duplicates"], counts.days["events"]) == (11, 1, 10)
    assert counts.problems == []
    made = folder.instance.get_materialized_partitions(dg.AssetKey("invoices"))
    assert made == {"2026-11"}
