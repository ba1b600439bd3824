"""The SQL of netting, metering and the lake as sqlglot carries it to Spark; `not_on_spark.yaml` lists what is left.

The statements are those that the real steps run. None is run on Spark here: what is listed is known not to pass.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from history_catalog import CATALOG
from on_spark import not_on_spark
from recorded_statements import RecordingEngine, Statement
from workshop import CORRECTING_MAPPING, RECEIVED, Workshop, event, lines

from monetization_pipeline.reports import explain, usage_days
from monetization_pipeline.steps import events
from monetization_pipeline.steps.rated_lines import read_lines

MONTH = "2023-07"
LISTED: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "not_on_spark.yaml").read_text(encoding="utf-8"))

#: One company cut by its zone and one by a start, two subscriptions to one price, a user's company.
CUSTOMERS: Mapping[str, object] = {
    "companies": [{"company_id": "acme", "time_zone": "Europe/Berlin"}],
    "users": [{"user_id": "u1", "company_id": "globex"}],
    "subscriptions": [
        {"subscription_id": "s1", "company_id": "acme", "plan_id": "pro"},
        {"subscription_id": "s2", "company_id": "acme", "plan_id": "basic"},
        {"subscription_id": "s3", "company_id": "globex", "plan_id": "basic"},
        {"subscription_id": "s4", "company_id": "globex", "plan_id": "basic"},
        {"subscription_id": "s5", "company_id": "initech", "plan_id": "extra", "start_at": "2023-07-10T12:30:00Z"},
    ],
}


def sent() -> Sequence[Mapping[str, object]]:
    """Events for every meter, copies that are the same, that differ and on other days, corrections, odd values."""
    plain = [event(n, at=f"2023-07-1{n % 3}T1{n % 5}:00:00Z", m={"k": "ab"[n % 2], "v": n}) for n in range(12)]
    odd = [
        event(20, m={"v": "twelve"}, weight=3),
        event(21, company=None, user="u1"),
        event(22, company="initech", type="action", action="job", m={"v": "1e2"}),
        event(23, subscription="s2", m={"v": 1}),
        event(24, company="nobody"),
        event(25, blocked_by="rule"),
    ]
    copies = [plain[1], event(2, status=201), event(3, at="2023-07-15T00:00:00Z")]
    corrections = [
        {"id": "v1", "correction": "void", "target": "e4"},
        {"id": "v1", "correction": "void", "target": "e5"},
        {"id": "r1", "correction": "replacement", "target": "e6", "at": "2023-07-16T00:00:00Z", "company": "acme"},
        {"id": "r2", "correction": "replacement", "target": "e6", "at": "2023-07-17T00:00:00Z", "company": "acme"},
    ]
    return [*plain, *odd, *copies, *corrections]


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> set[Statement]:
    """Of two runs, a look back, and what people ask; those of ingest are its own."""
    shop = Workshop(tmp_path_factory.mktemp("spark"))
    engine = RecordingEngine(shop.pipeline.engine)
    shop.pipeline.__dict__["engine"] = engine
    shop.source("logs", mapping=CORRECTING_MAPPING)
    shop.catalog(CATALOG)
    shop.customers(CUSTOMERS)
    shop.place("logs", lines(sent()))
    shop.run(MONTH)
    shop.place("logs", lines([event(7), event(100)]), RECEIVED + timedelta(hours=1))
    catalog = shop.run(MONTH)
    events.build(shop.pipeline.looking_back(RECEIVED), shop.known(), ["2023-07-10"])
    usage_days.usage_by_day(shop.pipeline, catalog, MONTH, 3)
    usage_days.quantities(shop.pipeline, MONTH)
    for line in read_lines(shop.pipeline, MONTH):
        explain.explain(shop.pipeline, line.line_id)
    return {each for each in engine.statements if not each.asked_by.startswith("ingest.")}


@pytest.fixture(scope="module")
def problems(statements: set[Statement]) -> Mapping[str, set[str]]:
    """By the statements' name: what of any of them does not come over."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for statement in statements:
        found[statement.name] |= not_on_spark(statement.sql)
    return found


def test_what_does_not_come_over_is_what_is_listed(problems: Mapping[str, set[str]]) -> None:
    left = {name: sorted(found) for name, found in problems.items() if found}
    assert left == LISTED["does_not_come_over"]


def test_all_else_comes_over(problems: Mapping[str, set[str]]) -> None:
    assert sorted(name for name, found in problems.items() if not found) == LISTED["comes_over"]


def test_each_reason_is_needed_and_none_is_missing() -> None:
    listed = {problem for found in LISTED["does_not_come_over"].values() for problem in found}
    assert listed == set(LISTED["reasons"])


#: SQL in DuckDB's dialect → what of it does not come over.
CASES: Mapping[str, set[str]] = {
    "SELECT * EXCLUDE (a) FROM t": set(),
    "SELECT a, count(*) FILTER (b = 1) FROM t GROUP BY ALL ORDER BY ALL": set(),
    "SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1": set(),
    "SELECT a FROM t JOIN u USING (a) WHERE (a, b) IN (SELECT c, d FROM v)": set(),
    "SELECT a AT TIME ZONE 'UTC', struct_pack(at := a), unnest([a, b]), regexp_matches(a, 'x') FROM t": set(),
    "SELECT json_extract_string(a, '$.\"k.l\"') FROM t": set(),
    "SELECT a FROM t UNION ALL BY NAME SELECT * FROM u": {"BY NAME"},
    "SELECT timezone('UTC', a) FROM t": {"TIMEZONE"},
    "SELECT a FROM t WHERE b = getvariable('b')": {"GETVARIABLE"},
    "SELECT list_contains([1], a), list_transform(a, x -> x + 1) FROM t": {"ARRAY_CONTAINS", "TRANSFORM"},
    "SELECT sum(CAST(a AS HUGEINT)) FROM t": {"type INT128"},
    "WITH a AS MATERIALIZED (SELECT 1 AS b) SELECT * FROM a": {"MATERIALIZED"},
    "SELECT a FROM t WHERE (a, b) IN (SELECT (c, d) FROM v)": {"row IN structs"},
    "SELECT json_extract_string(a, '/k') FROM t": {"JSON by what is not one path"},
    "SELECT json_extract_string(a, ['$.k', '$.l']) FROM t": {"JSON by what is not one path"},
    "SELECT * REPLACE (1 AS a) FROM t": {"star with REPLACE or RENAME"},
    "SELECT rowid FROM t": {"rowid"},
    "SELECT a FROM read_parquet('x')": {"table function"},
    "SELECT TRY(a) FROM t": {"sqlglot: Unsupported TRY function"},
    "CREATE TEMP TABLE a AS SELECT 1 AS b": {"statement CREATE"},
    "INSERT INTO a BY NAME SELECT 1 AS b": {"BY NAME", "statement INSERT"},
    "COPY t TO 'x'": {"statement COPY"},
    "SET VARIABLE a = 1": {"statement SET"},
    "SELECT 'f(' FROM t": set(),
}


@pytest.mark.parametrize("sql", CASES)
def test_what_is_found_in_a_statement(sql: str) -> None:
    assert not_on_spark(sql) == CASES[sql]
