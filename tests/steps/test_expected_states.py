"""What a dataset says it would be made from: an input that changes alone makes it out of date, and the figures follow.

Each case changes one thing as a user would and makes what comes before the dataset. Then the state that the dataset was
committed with and the one it would have now differ in that input and in nothing else: were it left out, nobody would
make the dataset anew.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from workshop import CORRECTING_MAPPING, Workshop, lines

from monetization_pipeline.datasets import UNBILLED, WHOLE
from monetization_pipeline.invoicing.models import minor_text
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.state import PartitionState, code_version
from monetization_pipeline.standing.out_of_date import received_days, stale_alone
from monetization_pipeline.steps.invoices import read_invoices
from monetization_pipeline.steps.road import ROAD, Grid, Row, row_of

JUNE, JULY = "2023-06", "2023-07"
TENTH = "2023-07-10"
CODE = "code_version"

Change = Callable[[Workshop], object]
Figure = Callable[[Workshop], object]


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2023, month, day, hour, tzinfo=UTC)


# --- a folder of which all was made -----------------------------------------------------------------------------------


def catalog(
    status: str = "status < 400", calls: str = "1.00", more: Sequence[Mapping[str, object]] = ()
) -> dict[str, object]:
    """Calls at 1.00, users at 0.10, tokens at 0.01, fees of 10.00 in advance and 5.00 in arrears; plans of one fee."""
    meters = [
        {"meter_id": "calls", "aggregation": "count", "filter": status},
        {"meter_id": "users", "aggregation": "unique_count", "value": "user_id"},
        {"meter_id": "tokens", "aggregation": "sum", "value": "metadata.tokens", "dimensions": ["metadata.model"]},
        {"meter_id": "everything", "aggregation": "count"},
    ]
    prices: dict[str, list[Mapping[str, object]]] = {
        "p": [
            {"price_id": "calls", "model": "per_unit", "meter": "calls", "unit_amount": calls},
            {"price_id": "users", "model": "per_unit", "meter": "users", "unit_amount": "0.10"},
            {"price_id": "tokens", "model": "per_unit", "meter": "tokens", "unit_amount": "0.01"},
            {"price_id": "ahead", "model": "flat", "amount": "10.00", "bill": "in_advance"},
            {"price_id": "after", "model": "flat", "amount": "5.00"},
            *more,
        ],
        "in-advance": [{"price_id": "seat", "model": "flat", "amount": "7.00", "bill": "in_advance"}],
        "in-arrears": [{"price_id": "care", "model": "flat", "amount": "3.00"}],
    }
    plans = [
        {"plan_id": plan, "currency": "USD", "interval": "month", "prices": found} for plan, found in prices.items()
    ]
    return {"meters": meters, "plans": plans}


def subscription(name: str, company: str, plan: str, **fields: object) -> dict[str, object]:
    return {"subscription_id": name, "company_id": company, "plan_id": plan, "start_at": "2023-06-01"} | fields


CUSTOMERS_FILE: dict[str, object] = {
    "companies": [{"company_id": "acme"}],
    "users": [{"user_id": "u", "company_id": "acme", "valid_from": "2023-06-01"}],
    "subscriptions": [
        subscription("s-acme", "acme", "p"),
        subscription("s-care", "acme", "in-arrears", end_at="2023-07-01"),
    ],
}


def call(event_id: str, day: int = 10, **fields: object) -> dict[str, object]:
    sent = {"id": event_id, "at": f"2023-07-{day:02}T08:00:00Z", "company": "acme", "user": "a", "status": 200}
    return sent | {"m": {"model": "x", "tokens": 2}} | fields


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """June and July; June is the first billing period. Two events name no company: one its user, one a subscription."""
    shop = Workshop(tmp_path_factory.mktemp("written"), JUNE)
    shop.source("logs", mapping=CORRECTING_MAPPING)
    shop.catalog(catalog())
    shop.customers(CUSTOMERS_FILE, at(6, 1))
    sent = [
        call("e1"),
        call("e2", user="b", status=301),
        call("e3", company=None, user="u"),
        call("e4", company=None, user=None, subscription="s-care"),
        call("e5", day=11),
    ]
    shop.place("logs", lines(sent), at(7, 12))
    shop.run(JUNE, JULY)
    return shop.root


@pytest.fixture
def shop(written: Path, tmp_path: Path) -> Workshop:
    return Workshop(Path(shutil.copytree(written, tmp_path / "shop")), JUNE)


# --- what people see of it --------------------------------------------------------------------------------------------


def total(shop: Workshop, company: str = "acme", month: str = JULY) -> str:
    """What a company owes for a billing period."""
    invoices = [each for each in read_invoices(shop.pipeline, month) if each.company_id == company]
    return minor_text(sum((each.total for each in invoices), start=Decimal(0)), "USD")


def quiet_total(shop: Workshop) -> str:
    return total(shop, "quiet")


def june_total(shop: Workshop) -> str:
    return total(shop, "early", JUNE)


def nobodys(shop: Workshop) -> object:
    """Whose are the calls that nobody pays for?"""
    return {row["event_id"]: row["company_id"] for row in shop.rows(UNBILLED)}


def names(shop: Workshop) -> object:
    (company,) = shop.known().customers.companies.values()
    return company.name


# --- what a user changes ----------------------------------------------------------------------------------------------


def place(*records: Mapping[str, object], day: int = 13) -> Change:
    return lambda shop: shop.place("logs", lines(records), at(7, day))


def customers(**kinds: Sequence[Mapping[str, object]]) -> Change:
    return lambda shop: shop.customers(dict(kinds), at(7, 13))


def subscribe(name: str, company: str, plan: str, **fields: object) -> Change:
    return customers(subscriptions=[subscription(name, company, plan, **fields)])


def prices(**said: Any) -> Change:
    return lambda shop: shop.catalog(catalog(**said))


GROUPED = {"price_id": "models", "model": "per_unit", "meter": "tokens", "unit_amount": "0.10"} | {
    "group_by": ["metadata.model"]
}
REPLACED = call("r", user="a", correction="replacement", target="e2", target_source="logs")


@dataclass(frozen=True, slots=True)
class Case:
    """A change of one input of one partition of a dataset; a figure that people see once all is made anew."""

    dataset: str
    partition: str
    of: str
    change: Change
    figure: Figure
    comes_to: object


#: Four calls of three users and 8 tokens, 4.00 + 0.30 + 0.08, and the fees of July in arrears, of August in advance.
BEFORE = "19.38"

CASES: Mapping[str, Case] = {
    "a file lands": Case("raw_events", "2023-07-13", "files", place(call("n")), total, "20.40"),
    "a company is told anew": Case(
        "companies", WHOLE, "entity_changes", customers(companies=[{"company_id": "acme", "name": "A"}]), names, "A"
    ),
    "a user is told anew": Case(
        "users",
        WHOLE,
        "entity_changes",
        customers(users=[{"user_id": "u", "company_id": "quiet", "valid_from": "2023-07-01"}]),
        total,
        "18.26",
    ),
    "a subscription is told anew": Case(
        "subscriptions", WHOLE, "entity_changes", subscribe("s-q", "quiet", "in-arrears"), quiet_total, "3.00"
    ),
    "an event comes": Case("events", TENTH, "raw_events", place(call("n")), total, "20.40"),
    "an event is voided": Case(
        "events",
        TENTH,
        "raw_events",
        place({"id": "v", "correction": "void", "target": "e1", "target_source": "logs"}),
        total,
        "18.36",
    ),
    "a copy that was received earlier says another day": Case(
        "events", TENTH, "raw_events", place(call("e1", day=1), day=2), total, BEFORE
    ),
    "a day has an event more": Case("daily_usage", TENTH, "events", place(call("n")), total, "20.40"),
    # Three calls, three users and 6 tokens until then, and 9 of July's 31 days of 5.00: 3.00 + 0.30 + 0.06 + 1.45.
    "a subscription ends within the day": Case(
        "daily_usage", TENTH, "charges", subscribe("s-acme", "acme", "p", end_at="2023-07-10T09:00:00Z"), total, "4.81"
    ),
    "a user moves": Case(
        "daily_usage",
        TENTH,
        "users",
        customers(users=[{"user_id": "u", "company_id": "quiet", "valid_from": "2023-07-10"}]),
        total,
        "18.26",
    ),
    "a subscription that an event names is another company's": Case(
        "daily_usage",
        TENTH,
        "subscriptions",
        subscribe("s-care", "quiet", "in-arrears", end_at="2023-07-01"),
        nobodys,
        {"e4": "quiet"},
    ),
    "a meter's filter changes": Case("daily_usage", TENTH, "meters", prices(status="status < 300"), total, "18.38"),
    "a plan prices another meter": Case(
        "daily_usage",
        TENTH,
        "pricing_map",
        prices(more=[{"price_id": "all", "model": "per_unit", "meter": "everything", "unit_amount": "0.50"}]),
        total,
        "21.38",
    ),
    "a day of the period has an event more": Case("usage", JULY, "daily_usage", place(call("n")), total, "20.40"),
    "the same states of a day are of other users": Case("usage", JULY, "daily_usage", place(REPLACED), total, "19.28"),
    # 29 of July's 31 days of 5.00 are 4.68, and there is no fee of August.
    "a subscription ends after the last event": Case(
        "usage", JULY, "subscriptions", subscribe("s-acme", "acme", "p", end_at="2023-07-30"), total, "9.06"
    ),
    "a meter's filter changes and selects the same": Case(
        "usage", JULY, "meters", prices(status="status < 399"), total, BEFORE
    ),
    "a plan prices a meter in groups as well": Case(
        "usage",
        JULY,
        "pricing_map",
        prices(more=[GROUPED]),
        total,
        "20.18",
    ),
    "the period has an event more": Case("rated_lines", JULY, "usage", place(call("n")), total, "20.40"),
    "a subscription to a fee in arrears": Case(
        "rated_lines", JULY, "subscriptions", subscribe("s-q", "quiet", "in-arrears"), quiet_total, "3.00"
    ),
    "a subscription begins as the period ends": Case(
        "rated_lines",
        JULY,
        "fees in advance",
        subscribe("s-q", "quiet", "in-advance", start_at="2023-08-01"),
        quiet_total,
        "7.00",
    ),
    "a fee was due as the first period began": Case(
        "rated_lines",
        JUNE,
        "fees before",
        subscribe("s-e", "early", "in-arrears", start_at="2023-05-01", end_at="2023-06-01"),
        june_total,
        "3.00",
    ),
    # All of July begins on its first day; the fee of August in advance is left.
    "billing here begins": Case(
        "rated_lines", JULY, "first invoice at", lambda shop: shop.bill_from(date(2023, 7, 2)), total, "10.00"
    ),
    "a price changes": Case("rated_lines", JULY, "prices", prices(calls="2.00"), total, "23.38"),
    "a line comes to another amount": Case("invoices", JULY, "rated_lines", prices(calls="2.00"), total, "23.38"),
}


# --- the tests --------------------------------------------------------------------------------------------------------


def keys_of(shop: Workshop, grid: Grid) -> Sequence[str]:
    """All partitions of a grid that have anything."""
    return {
        Grid.RECEIVED_DAYS: received_days(shop.pipeline),
        Grid.WHOLE: [WHOLE],
        Grid.EVENT_DAYS: sorted(day.isoformat() for day in read_log(shop.pipeline.lake).days),
        Grid.BILLING_PERIODS: [JUNE, JULY],
    }[grid]


def make(shop: Workshop, rows: Sequence[Row]) -> None:
    """Make what is out of date of some datasets, each judged by itself."""
    for row in rows:
        known = shop.known()
        if stale := stale_alone(shop.pipeline, known, row, keys_of(shop, row.grid)):
            row.build(shop.pipeline, known, stale)


def states(shop: Workshop, row: Row) -> tuple[Mapping[str, PartitionState], Mapping[str, PartitionState]]:
    """What a dataset was made from, and would be now."""
    made = shop.pipeline.lake.table(row.spec).states() if row.stated else {}
    return made, row.expected(shop.pipeline, shop.known(), keys_of(shop, row.grid))


def kind_of(name: str) -> str:
    """Of inputs of which there are many, what they are: a day of daily_usage, a file of a source."""
    kind = name.partition("/")[0]
    return "files" if kind == "logs" else kind


def parts(state: PartitionState | None) -> dict[str, str]:
    return {} if state is None else {**state.inputs, **state.digests, CODE: state.code_version}


def differing(made: PartitionState | None, now: PartitionState) -> set[str]:
    """What two states say differently."""
    before, after = parts(made), parts(now)
    return {kind_of(name) for name in {*before, *after} if before.get(name) != after.get(name)}


def test_the_figure_before_any_change(shop: Workshop) -> None:
    assert (total(shop), nobodys(shop)) == (BEFORE, {"e4": "acme"})
    for row in ROAD:
        assert stale_alone(shop.pipeline, shop.known(), row, keys_of(shop, row.grid)) == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_input_that_changes_alone_makes_its_dataset_out_of_date(shop: Workshop, case: Case) -> None:
    row = row_of(case.dataset)
    case.change(shop)
    make(shop, ROAD[: ROAD.index(row)])
    made, now = states(shop, row)
    assert differing(made.get(case.partition), now[case.partition]) - ({CODE} if not row.stated else set()) == {case.of}
    assert case.partition in stale_alone(shop.pipeline, shop.known(), row, keys_of(shop, row.grid))
    make(shop, ROAD)
    assert case.figure(shop) == case.comes_to


def test_every_input_of_every_dataset_has_its_case(shop: Workshop) -> None:
    place(call("n"))(shop)
    shop.bill_from(date(2023, 6, 1))
    said = {
        (row.name, kind_of(name))
        for row in ROAD
        for state in states(shop, row)[1].values()
        for name in {*state.inputs, *state.digests}
    }
    assert said == {(case.dataset, case.of) for case in CASES.values()}


@pytest.mark.parametrize("row", [row for row in ROAD if row.stated], ids=lambda row: row.name)
def test_a_later_version_of_a_step_makes_its_dataset_out_of_date(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, row: Row
) -> None:
    """The version alone: what comes before is as it was."""
    later = code_version(row.name, 999)
    module = f"monetization_pipeline.steps.{row.name}"
    if row.grid is Grid.WHOLE:
        monkeypatch.setattr("monetization_pipeline.steps.customers.version_of", lambda _: later)
    else:
        monkeypatch.setattr(f"{module}.CODE_VERSION", later)
    made, now = states(shop, row)
    assert {frozenset(differing(made[key], state)) for key, state in now.items()} == {frozenset({CODE})}
    assert stale_alone(shop.pipeline, shop.known(), row, keys_of(shop, row.grid)) == list(now)
