"""Rows of usage to rated lines and draft invoices on one core, against bare DuckDB; and one line explained."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.folders import copied
from benchmarks.lake_sample import MONTH, MONTH_DAYS, Density, add_customers, add_days, keys
from benchmarks.measuring import (
    Measured,
    Task,
    Totals,
    Watch,
    Work,
    compare,
    heading,
    in_process,
    in_turns,
    seconds_of,
    show_parts,
)
from benchmarks.reference import rating_duckdb
from benchmarks.road import in_full
from monetization_pipeline.datasets import DAILY_USAGE, INVOICE_LINES, INVOICES, RATED_LINES, USAGE
from monetization_pipeline.lake.rows import read_table
from monetization_pipeline.reports.explain import explain
from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.steps import rated_lines
from monetization_pipeline.steps.catalogs import keep_catalog
from monetization_pipeline.steps.known import Known, read_catalog
from monetization_pipeline.steps.road import build

#: One usage row of each for every subscription, with an event or without one.
_CATALOG = """
meters:
  - {meter_id: calls, aggregation: count}
  - {meter_id: tokens, aggregation: sum, value: metadata.tokens}
  - {meter_id: peak, aggregation: max, value: metadata.tokens}
  - {meter_id: posts, filter: "verb = 'POST'", aggregation: count}
  - {meter_id: errors, filter: "status >= 400", aggregation: count}
plans:
  - plan_id: payg
    currency: USD
    interval: month
    prices:
      - {price_id: p_calls, meter: calls, model: per_unit, unit_amount: "0.001"}
      - price_id: p_tokens
        meter: tokens
        model: graduated
        tiers: [{up_to: 10000, unit_amount: "0.000003"}, {up_to: 100000, unit_amount: "0.000002"},
                {up_to: null, unit_amount: "0.000001", flat_amount: "0.5"}]
      - price_id: p_peak
        meter: peak
        model: volume
        tiers: [{up_to: 2000, unit_amount: "0.01"}, {up_to: null, unit_amount: "0.008"}]
      - {price_id: p_posts, meter: posts, model: package, package_size: 10, package_amount: "0.05"}
      - {price_id: p_errors, meter: errors, model: per_unit, unit_amount: "0.0005", included_units: 1}
"""
_EVENTS_A_COMPANY = 30


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows of usage to rated lines and draft invoices."""

    rows: int = 100_000


def run(scratch: Path, rounds: int, sizes: Sizes) -> None:
    """Rating alone and all together, then one line explained."""
    home = scratch / "rating"
    companies = sizes.rows // 5
    _make_usage(home, companies)
    tasks: dict[str, Task] = {
        "DuckDB SQL": lambda: in_process("rating", "duckdb", home),
        "ours": lambda: _of_copy("ours", home),
    }
    done = compare(f"{companies * 5:,} rows of usage rated and invoiced, one core", tasks, rounds)["ours"]
    show_parts(done)
    alone = in_turns({"alone": lambda: in_process("rating", "alone", home)}, rounds)["alone"]
    rates = (companies * 5 / seconds_of(measured) for measured in (alone, done))
    print(
        "    lines a second and core: rating alone {:,.0f}, with lake and invoices {:,.0f}".format(*rates), flush=True
    )
    heading("one line explained: the first in a process, then another")
    show_parts([in_process("rating", "explain", home)])


def _make_usage(home: Path, companies: int) -> None:
    pipeline = pipeline_of(Settings(home))
    pipeline.home.catalog.mkdir(parents=True)
    (pipeline.home.catalog / "catalog.yaml").write_text(_CATALOG)
    add_customers(pipeline, companies)
    add_days(pipeline, MONTH_DAYS[:3], Density(companies * _EVENTS_A_COMPANY // 3, companies), raw=False)
    catalog = read_catalog(pipeline)
    keep_catalog(pipeline, catalog, datetime.now(UTC))
    known = Known.by(pipeline, catalog)
    build(pipeline, known, DAILY_USAGE, keys(MONTH_DAYS[:3]))
    build(pipeline, known, USAGE, [MONTH])
    build(pipeline, known, RATED_LINES, [MONTH])


def _of_copy(name: str, home: Path) -> Measured:
    with copied(home) as folder:
        return in_process("rating", name, folder)


def _work_ours(watch: Watch, home: str) -> Totals:
    _use_one_core()
    pipeline = pipeline_of(Settings(Path(home)))
    known = Known.now(pipeline)
    with watch.part("rated_lines"):
        build(pipeline, known, RATED_LINES, [MONTH])
    with watch.part("invoices"):
        build(pipeline, known, INVOICES, [MONTH])
    files = [file.text for file in pipeline.lake.table(INVOICE_LINES).files([MONTH])]
    return _totals(files)


def _work_alone(watch: Watch, home: str) -> Totals:
    _use_one_core()
    pipeline = pipeline_of(Settings(Path(home)))
    catalog = read_catalog(pipeline)
    rows = read_table(USAGE, pipeline.lake.table(USAGE).files([MONTH]))
    with watch.part("rating alone"):
        lines, _ = rated_lines.usage_lines(catalog, rows, MONTH)
    return {"lines": str(lines.num_rows)}


def _work_duckdb(watch: Watch, home: str) -> Totals:
    _use_one_core()
    pipeline = pipeline_of(Settings(Path(home)))
    target = pipeline.home.root / "rated.parquet"
    with watch.part("query"):
        rating_duckdb.main([file.local for file in pipeline.lake.table(USAGE).files([MONTH])], target)
    totals = _totals([str(target)])
    target.unlink()
    return totals


def _work_explain(watch: Watch, home: str) -> Totals:
    pipeline = pipeline_of(Settings(Path(home)))
    lines = read_table(RATED_LINES, pipeline.lake.table(RATED_LINES).files([MONTH]))["line_id"].to_pylist()
    for name, position in (("the first", len(lines) // 3), ("another", len(lines) // 2)):
        with watch.part(name):
            explain(pipeline, lines[position])
    return {}


def _use_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _totals(files: list[str]) -> Totals:
    """By price: exact amounts and rounded ones together."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT price_id, sum(exact_amount), sum(amount) FROM read_parquet(?) GROUP BY price_id", [files]
        ).fetchall()
    exact = {price_id: amount for price_id, amount, _ in rows}
    return in_full(exact | {f"{price_id} rounded": amount for price_id, _, amount in rows})


WORK: dict[str, Work] = {"ours": _work_ours, "alone": _work_alone, "duckdb": _work_duckdb, "explain": _work_explain}
