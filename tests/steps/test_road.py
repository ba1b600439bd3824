"""The road: every dataset has its row, and what a step's version says concerns that step alone."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.datasets import (
    ALL,
    CATALOGS,
    DAILY_USAGE,
    EVENTS,
    INVOICE_LINES,
    INVOICES,
    RATED_LINES,
    USAGE,
    DatasetSpec,
)
from monetization_pipeline.lake.state import PartitionState, code_version
from monetization_pipeline.steps import road
from monetization_pipeline.steps.road import METERS, PRICES, ROAD, downstream

MONTH = "2023-07"

#: Made by no step from datasets before it.
NOT_ON_IT = {CATALOGS.name: "runs keep them"}

CATALOG = {
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


@pytest.fixture
def ran(shop: Workshop) -> Workshop:
    """One event of July, and the month made of it."""
    shop.catalog(CATALOG)
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    shop.place("logs", lines([event(1)]))
    shop.run(MONTH)
    return shop


def commits(shop: Workshop) -> Mapping[str, Mapping[str, int]]:
    """How often each partition of each dataset was made."""
    tables = [(spec, shop.pipeline.lake.table(spec)) for spec in ALL if not spec.by_batch]
    return {spec.name: table.claim(table.states()).versions for spec, table in tables}


def made_anew(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> set[str]:
    return {name for name in after if after[name] != before[name]}


def test_every_dataset_is_on_the_road_or_says_why_not() -> None:
    on_it = [spec.name for row in ROAD for spec in (row.spec, *row.beside)]
    assert len(on_it) == len(set(on_it))
    assert {spec.name for spec in ALL} - set(on_it) == set(NOT_ON_IT)


def test_what_a_dataset_is_made_from_comes_before_it() -> None:
    before = {METERS, PRICES}
    for row in ROAD:
        assert set(row.inputs) <= before, row.name
        before |= {row.name, *(spec.name for spec in row.beside)}


def test_each_row_bears_its_datasets_name_in_its_version() -> None:
    assert [row.code_version.rpartition(" ")[0] for row in ROAD] == [row.name for row in ROAD]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ([EVENTS], ["events", "daily_usage"]),
        ([DAILY_USAGE], ["daily_usage"]),
        ([USAGE], ["usage", "rated_lines", "invoices"]),
        ([RATED_LINES], ["rated_lines", "invoices"]),
        ([], []),
    ],
)
def test_what_is_made_from_something_out_of_date_is_out_of_date(named: list[DatasetSpec], expected: list[str]) -> None:
    grid = [row for row in ROAD if row.grid in {road.row_of(spec.name).grid for spec in named}]
    assert [row.name for row in downstream(grid, [spec.name for spec in named])] == expected


def test_running_again_makes_nothing(ran: Workshop) -> None:
    before = commits(ran)
    ran.run(MONTH)
    assert made_anew(before, commits(ran)) == set()


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> str:
    """The step of usage is of a later version."""
    version = code_version(USAGE.name, 3)
    rows = tuple(replace(row, code_version=version) if row.spec is USAGE else row for row in ROAD)
    monkeypatch.setattr("monetization_pipeline.steps.usage.CODE_VERSION", version)
    monkeypatch.setattr(road, "ROAD", rows)
    return version


def test_a_step_of_a_later_version_makes_its_own_dataset_anew_and_no_metering(ran: Workshop, newer: str) -> None:
    before = commits(ran)
    assert [(each.dataset, each.why) for each in ran.reasons(MONTH)] == [
        ("usage", "what it is made from changed"),
        ("rated_lines", "what it is made from changed"),
        ("invoices", "what it is made from changed"),
    ]
    ran.run(MONTH)
    # It came out the same, so that what is made from it stays as it is, once somebody looks again.
    assert made_anew(before, commits(ran)) == {
        "usage",
        "rated_lines",
        "set_aside",
        "elsewhere",
        "invoices",
        "invoice_lines",
    }
    state = ran.pipeline.lake.table(USAGE).state(MONTH)
    assert state is not None
    assert state.code_version == newer
    assert ran.reasons(MONTH) == []


@pytest.mark.parametrize(
    ("made", "now", "current"),
    [
        ("2", "usage 1", True),
        ("usage 1", "usage 1", True),
        ("2", "usage 2", False),
        ("1", "usage 1", False),
        ("", "usage 1", False),
        ("usage 1", "usage 2", False),
        ("usage 2", "usage 2", True),
    ],
)
def test_the_last_version_that_all_steps_had_in_common_is_the_first_of_each(made: str, now: str, current: bool) -> None:
    before, after = (PartitionState("f", 1, inputs={"a": "b"}, code_version=each) for each in (made, now))
    assert before.made_from(after) is current


def test_a_late_event_makes_its_day_and_its_period_anew(ran: Workshop) -> None:
    ran.run("2023-06", MONTH)
    before = commits(ran)
    ran.place("logs", lines([event(2, at="2023-07-11T12:00:00Z")]), RECEIVED + timedelta(hours=1))
    ran.run("2023-06", MONTH)
    after = commits(ran)
    for spec in (EVENTS, DAILY_USAGE):
        assert {day for day in after[spec.name] if after[spec.name][day] != before[spec.name].get(day)} == {
            "2023-07-11"
        }
    for spec in (USAGE, RATED_LINES, INVOICES, INVOICE_LINES):
        assert {key for key in after[spec.name] if after[spec.name][key] != before[spec.name][key]} == {MONTH}
