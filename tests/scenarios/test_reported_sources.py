"""Small inputs that once went wrong on their way in, kept in `reported/`, each with its figures worked out by hand."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from workshop import Workshop

from monetization_pipeline.datasets import REFUSALS
from monetization_pipeline.landing import customer_files
from monetization_pipeline.reports import listings
from monetization_pipeline.standing.counts import count_period

REPORTED = Path(__file__).parent / "reported"
RECEIVED = datetime(2025, 2, 2, tzinfo=UTC)
MONTH = "2025-01"


@dataclass(frozen=True)
class Case:
    """Files of sources in order, totals of companies in USD, (source, line, reason) of what is refused, some counts."""

    folder: str
    files: tuple[tuple[str, str], ...]
    totals: Mapping[str, str]
    refused: tuple[tuple[str, int, str], ...]
    counts: Mapping[str, int]


#: `{"userAgent":""This…""}`: after the empty text a comma is expected.
QUOTE = "Expecting ',' delimiter"
HEADER = "the header is not UTF-8 (line 1, column 4)"

CASES = {
    "a batch that Kong sent again is the same calls": Case(
        "01-kong-request-id",
        (("kong", "kong.log"),),
        {"acme": "3.00"},
        (),
        {"raw_events": 6, "duplicates": 3, "events": 3, "metered": 3},
    ),
    "a header that is not UTF-8 refuses its file and no other": Case(
        "18b-csv-header-not-utf8",
        (("excel", "cp1252.csv"), ("api", "good.ndjson")),
        {"acme": "1.00"},
        (("excel", 2, HEADER),),
        {"raw_events": 1, "metered": 1},
    ),
    "a caller's quotes in a line of API Gateway's log": Case(
        "19-api-gateway-broken-json",
        (("apigw", "a.log"),),
        {"acme": "3.00"},
        (("apigw", 2, QUOTE),),
        {"raw_events": 4, "refusals": 1, "metered": 3, "no_company": 1},
    ),
    "the same, as Firehose writes it": Case(
        "19-api-gateway-broken-json",
        (("apigwj", "firehose"),),
        {"acme": "3.00"},
        (("apigwj", 1, QUOTE),),
        {"raw_events": 4, "refusals": 1, "metered": 3, "no_company": 1},
    ),
    "one broken record of ten that Firehose wrote": Case(
        "19c-firehose-one-broken-record",
        (("apigw", "firehose-1"),),
        {"acme": "5.00", "globex": "4.00"},
        (("apigw", 1, QUOTE),),
        {"raw_events": 9, "refusals": 1, "metered": 9},
    ),
    "one broken line of ten": Case(
        "19c-firehose-one-broken-record",
        (("apigwl", "lines-1"),),
        {"acme": "5.00", "globex": "4.00"},
        (("apigwl", 3, QUOTE),),
        {"raw_events": 9, "refusals": 1, "metered": 9},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_was_reported(tmp_path: Path, case: Case) -> None:
    shutil.copytree(REPORTED / case.folder, tmp_path / "home")
    shop = Workshop(tmp_path / "home", first_month=MONTH)
    for source, name in case.files:
        shop.place(source, (shop.root / name).read_bytes(), RECEIVED, name)
    customer_files.land_files(shop.pipeline.landing, shop.pipeline.home.customers, RECEIVED)
    shop.run(MONTH)
    invoices = listings.invoices(shop.pipeline, MONTH, RECEIVED)
    assert {invoice["company_id"]: invoice["total"] for invoice in invoices} == case.totals
    refused = [(row["source"], row["line"]) for row in shop.rows(REFUSALS)]
    assert refused == [(source, line) for source, line, _ in case.refused]
    assert all(reason in row["reason"] for row, (_, _, reason) in zip(shop.rows(REFUSALS), case.refused, strict=True))
    counts = count_period(shop.pipeline, MONTH)
    assert counts.problems == []
    assert {name: counts.by_name()[name] for name in case.counts} == case.counts
