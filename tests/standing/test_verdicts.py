"""The table of verdicts: red on any partition that a billing period is made from closes its gate, and on no other."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from workshop import CORRECTING_MAPPING, Workshop, event, lines

from monetization_pipeline.closing.books import Books
from monetization_pipeline.closing.gate import Decision, PublishRefusedError, decide_period, gate_problems
from monetization_pipeline.closing.opening import opened_ledger
from monetization_pipeline.datasets import ALL, DAILY_USAGE, EVENTS, LANDING_FILES, RAW_EVENTS, WHOLE, DatasetSpec
from monetization_pipeline.engines.address import Address
from monetization_pipeline.invoicing.models import minor_text
from monetization_pipeline.lake import disk
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.records import Place
from monetization_pipeline.standing import verdicts
from monetization_pipeline.standing.files_held import file_problems
from monetization_pipeline.standing.verdicts import (
    COUNTS_CLOSE,
    FILES,
    NOTHING_REFUSED,
    UP_TO_DATE,
    VERDICTS,
    Of,
    Verdict,
)
from monetization_pipeline.steps.invoices import read_invoices
from monetization_pipeline.steps.road import Grid

JULY, AUGUST = "2023-07", "2023-08"
JULY_BEGINS = date(2023, 7, 1)
NOW = datetime(2023, 9, 2, tzinfo=UTC)
SPECS = {spec.name: spec for spec in ALL}
SUBSCRIPTIONS = [
    {"subscription_id": "s", "company_id": "acme", "plan_id": "p"},
    {"subscription_id": "t", "company_id": "big", "plan_id": "p"},
    {"subscription_id": "o", "company_id": "old", "plan_id": "care", "start_at": "2023-06-01", "end_at": "2023-07-01"},
]
CUSTOMERS_FILE: dict[str, object] = {
    "companies": [{"company_id": "acme"}],
    "users": [{"user_id": "u", "company_id": "acme"}],
    "subscriptions": SUBSCRIPTIONS,
}
#: Half of it has 15 whole digits, more than an amount may have: the invoice of big is set aside.
TOO_MANY = "1234567890123456"


def decide(shop: Workshop, ledger: Ledger) -> Decision:
    books = Books(shop.pipeline, shop.known(), ledger)
    return decide_period(books, JULY, NOW, place=Place("stripe", "sandbox", ""), not_taken=lambda _: {})


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2023, month, day, hour, tzinfo=UTC)


def catalog(unit_amount: str = "0.50") -> dict[str, object]:
    meters = [
        {"meter_id": "calls", "aggregation": "count"},
        {"meter_id": "tokens", "aggregation": "sum", "value": "metadata.tokens"},
    ]
    prices = [
        {"price_id": meter, "model": "per_unit", "meter": meter, "unit_amount": unit_amount}
        for meter in ("calls", "tokens")
    ]
    fees = [{"price_id": "care", "model": "flat", "amount": "3.00"}]
    plans = [
        {"plan_id": plan, "currency": "USD", "interval": "month", "prices": found}
        for plan, found in (("p", prices), ("care", fees))
    ]
    return {"meters": meters, "plans": plans}


def call(number: int, day: str, **fields: object) -> dict[str, object]:
    return event(number, at=f"2023-{day}T08:00:00Z", **({"m": {"tokens": "2"}} | fields))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """July and August; every dataset has rows of July, those by day on the 10th.

    Of July, events were received on the 10th and 11th, a correction on the 12th, customers on the 1st. July is the
    first period that is billed here: a fee of June, which is due as it begins, is elsewhere.
    """
    shop = Workshop(tmp_path_factory.mktemp("written"), JULY, JULY_BEGINS)
    shop.source("logs", mapping=CORRECTING_MAPPING)
    shop.catalog(catalog())
    shop.customers(CUSTOMERS_FILE, at(7, 1))
    refused, nobodys = call(2, "07-10", m={"tokens": "many"}), call(3, "07-10", company=None)
    too_large = call(5, "07-10", company="big", m={"tokens": TOO_MANY})
    shop.place("logs", lines([call(0, "07-10"), refused, nobodys, too_large, "no JSON"]), at(7, 10, 12))
    shop.place("logs", lines([call(1, "07-11"), call(4, "07-10")]), at(7, 11, 12))
    shop.place("logs", lines([{"id": "v", "correction": "void", "target": "e4", "target_source": "logs"}]), at(7, 12))
    shop.place("logs", lines([call(9, "08-10"), "no JSON either"]), at(8, 10, 12))
    shop.run(JULY, AUGUST)
    return shop.root


@pytest.fixture
def shop(written: Path, tmp_path: Path) -> Workshop:
    return Workshop(Path(shutil.copytree(written, tmp_path / "shop")), JULY, JULY_BEGINS)


def problems(shop: Workshop, month: str = JULY) -> list[str]:
    fresh = shop.reopened()
    return gate_problems(fresh.pipeline, fresh.known(), month)


def test_nothing_closes_the_gate_of_what_is_whole(shop: Workshop) -> None:
    assert (problems(shop), problems(shop, AUGUST)) == ([], [])
    # Three calls, one of which says how many tokens in words: 3 × 0.50, and (2 + 2) × 0.50.
    (invoice,) = read_invoices(shop.pipeline, JULY)
    assert minor_text(invoice.total, invoice.currency) == "3.50"


# --- what makes a verdict red -----------------------------------------------------------------------------------------

#: Where the rows of July, and of August, lie; of what is not by period or day, all rows.
PLACES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("raw_events", "refusals", "events", "daily_usage"), ("2023-07-10", "2023-08-10")),
    **dict.fromkeys(("usage", "rated_lines", "invoices", "invoice_lines"), (JULY, AUGUST)),
    **dict.fromkeys(("meter_refusals", "unbilled"), ("2023-07-10",)),
    **dict.fromkeys(("landing_files", "companies", "users", "subscriptions"), (WHOLE,)),
    **dict.fromkeys(("set_aside", "elsewhere"), (JULY,)),
    "corrections": ("2023-07-12",),
    "entity_changes": ("2023-07-01",),
}


def file_of(shop: Workshop, spec: DatasetSpec, partition: str) -> Address:
    return Lake(shop.pipeline.lake.root).table(spec).files([partition])[0]


def rewrite(file: Address, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.ParquetFile(file.local).read()), file.local)


def lose_the_file(file: Address) -> str:
    disk.remove(file)
    return f"{file.name}: the file is gone"


def tear_the_file(file: Address) -> str:
    file.local.write_bytes(file.local.read_bytes()[:-5])
    return f"{file.name}: the file cannot be read"


def lose_a_column(file: Address) -> str:
    name = pq.read_schema(file.local).names[0]
    rewrite(file, lambda table: table.drop_columns([name]))
    return f"{file.name}: column {name} is missing"


def add_a_column(file: Address) -> str:
    rewrite(file, lambda table: table.append_column("more", pa.nulls(table.num_rows, pa.string())))
    return f"{file.name}: column more is not one of"


def lose_a_row(file: Address) -> str:
    rewrite(file, lambda table: table.slice(1))
    return "but there are " if "-" in file.name else " rows, but its files hold "


FAULTS = (lose_the_file, tear_the_file, lose_a_column, add_a_column, lose_a_row)


def forge(shop: Workshop, spec: DatasetSpec, day: str, name: str) -> None:
    """Commit a day as it is, but for one more in a bucket of its counts."""
    table = shop.pipeline.lake.table(spec)
    state = table.states()[day]
    forged = replace(state, counts={**state.counts, name: state.counts[name] + 1})
    copy = table.new_path(day)
    copy.local.write_bytes(table.files([day])[0].local.read_bytes())
    table.replace(table.claim([day]), [NewFile(copy, day, state.rows)], {day: forged})


def forge_the_list(shop: Workshop, received_on: str) -> None:
    """One record more in a file that was received on a day."""

    def more(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        rows = [row | {"records": row["records"] + (f"{row['received_on']}" == received_on)} for row in rows]
        return pa.Table.from_pylist(rows, table.schema)

    for file in shop.pipeline.lake.table(LANDING_FILES).files():
        rewrite(file, more)


def let_a_file_wait(shop: Workshop) -> None:
    shop.place("logs", lines([call(10, "07-12")]), at(7, 13))


def write_customers(shop: Workshop) -> None:
    (shop.root / "customers" / "more.yaml").write_text(yaml.safe_dump({"companies": [{"company_id": "globex"}]}))


def merge_nothing(shop: Workshop) -> None:
    shop.customers({"companies": [{"company_id": "acme", "name": "Acme"}]}, at(8, 1))
    shop.ingest()


def make_no_day(shop: Workshop) -> None:
    let_a_file_wait(shop)
    shop.ingest()


def change_a_price(shop: Workshop) -> None:
    shop.catalog(catalog("0.75"))


def refuse_a_customer(shop: Workshop) -> None:
    """All is run again, so that nothing else is amiss."""
    nobody = {"subscription_id": "x", "plan_id": "p"}
    kinds = CUSTOMERS_FILE | {"subscriptions": [*SUBSCRIPTIONS, nobody]}
    shop.customers(kinds, at(8, 1))
    shop.run(JULY, AUGUST)


@dataclass(frozen=True, slots=True)
class Case:
    """What makes one verdict red, and what it then says."""

    verdict: tuple[str, str]
    red: Callable[[Workshop], object]
    says: str


OTHERS = {
    "a file waits in landing": Case((UP_TO_DATE, "raw_events"), let_a_file_wait, "raw_events r2023-07-13"),
    "a file of customers changed": Case((UP_TO_DATE, "raw_events"), write_customers, "customers/ more.yaml"),
    "changes of customers wait": Case((UP_TO_DATE, "raw_events"), merge_nothing, "companies all"),
    "a day is not made": Case((UP_TO_DATE, "daily_usage"), make_no_day, "events 2023-07-12"),
    "the period is not made": Case((UP_TO_DATE, "invoices"), change_a_price, "rated_lines 2023-07"),
    "a record of customers/ is refused": Case(
        (NOTHING_REFUSED, "entity_changes"),
        refuse_a_customer,
        "customers.yaml:15 is refused: company_id is missing",
    ),
    "records of a received day do not add up": Case(
        (COUNTS_CLOSE, "landing_files"),
        lambda shop: forge_the_list(shop, "2023-07-10"),
        "2023-07-10: received days: 6 records, but 5 in all buckets",
    ),
    "raw events of a day do not add up": Case(
        (COUNTS_CLOSE, "events"),
        lambda shop: forge(shop, EVENTS, "2023-07-10", "raw_events"),
        "2023-07-10: event days: 6 raw events and replacements, but 5 in all buckets",
    ),
    "events of a day do not add up": Case(
        (COUNTS_CLOSE, "daily_usage"),
        lambda shop: forge(shop, DAILY_USAGE, "2023-07-10", "metered"),
        "2023-07-10: event days: 4 events, but 5 in all buckets",
    ),
    "events of the period do not add up": Case(
        (COUNTS_CLOSE, "usage"),
        lambda shop: forge(shop, DAILY_USAGE, "2023-07-10", "metered"),
        "2023-07: event days: 5 events, but 6 in all buckets",
    ),
}


def closes(shop: Workshop, says: str) -> None:
    """The gate of July is closed, and says why; nothing is booked."""
    assert [each for each in problems(shop) if says in each], problems(shop)
    fresh = shop.reopened()
    with opened_ledger(fresh.pipeline) as ledger:
        with pytest.raises(PublishRefusedError) as refused:
            decide(fresh, ledger)
        assert says in str(refused.value)
        assert not ledger.booked_in(JULY)


#: Every fault of a dataset of each grid, and of the others one after the other.
_ALL_FAULTS = ("landing_files", "companies", "raw_events", "daily_usage", "invoice_lines")
_HELD = [verdict.dataset for verdict in VERDICTS if verdict.name == FILES]
TORN = [
    (dataset, fault)
    for place, dataset in enumerate(_HELD)
    for number, fault in enumerate(FAULTS)
    if dataset in _ALL_FAULTS or number == place % len(FAULTS)
]


@pytest.mark.parametrize(("dataset", "fault"), TORN, ids=[f"{dataset}-{fault.__name__}" for dataset, fault in TORN])
def test_red_on_the_files_of_a_dataset_closes_the_gate(
    shop: Workshop, dataset: str, fault: Callable[[Address], str]
) -> None:
    closes(shop, fault(file_of(shop, SPECS[dataset], PLACES[dataset][0])))


@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS)
def test_red_closes_the_gate(shop: Workshop, case: Case) -> None:
    case.red(shop)
    closes(shop, case.says)


def test_each_verdict_of_the_whole_has_its_test() -> None:
    tested = {(FILES, verdict.dataset) for verdict in VERDICTS if verdict.name == FILES}
    tested |= {case.verdict for case in OTHERS.values()}
    assert {(verdict.name, verdict.dataset) for verdict in VERDICTS if verdict.of is Of.WHOLE} == tested
    assert {verdict.dataset for verdict in VERDICTS if verdict.name == FILES} == set(PLACES)


# --- exactly what the period is made from -----------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", [name for name, places in PLACES.items() if len(places) > 1])
def test_red_on_files_that_only_another_period_is_made_from_leaves_the_gate_open(shop: Workshop, dataset: str) -> None:
    says = lose_a_column(file_of(shop, SPECS[dataset], PLACES[dataset][1]))
    assert problems(shop) == []
    assert [each for each in problems(shop, AUGUST) if says in each]


@pytest.mark.parametrize(
    "red",
    [
        pytest.param(lambda shop: forge_the_list(shop, "2023-08-10"), id="received day"),
        pytest.param(lambda shop: forge(shop, EVENTS, "2023-08-10", "raw_events"), id="events"),
        pytest.param(lambda shop: forge(shop, DAILY_USAGE, "2023-08-10", "metered"), id="daily usage"),
    ],
)
def test_counts_that_only_another_period_is_made_from_leave_the_gate_open(
    shop: Workshop, red: Callable[[Workshop], None]
) -> None:
    red(shop)
    assert problems(shop) == []
    assert problems(shop, AUGUST)


def test_a_received_day_that_brought_a_copy_of_an_event_of_the_period_is_one_of_its_own(shop: Workshop) -> None:
    """Which copy is the event is decided by both: the later one, which says August, is the copy."""
    shop.place("logs", lines([call(0, "08-20")]), at(8, 21))
    shop.run(JULY, AUGUST)
    assert problems(shop) == []
    closes(shop, lose_a_row(file_of(shop, RAW_EVENTS, "2023-08-21")))


def test_a_verdict_of_a_part_closes_nobodys_gate(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    red = Verdict("set_aside", "usage", "usage", Grid.BILLING_PERIODS, "", lambda *_: ["acme is set aside"], Of.PART)
    monkeypatch.setattr(verdicts, "VERDICTS", (*VERDICTS, red))
    assert problems(shop) == []


def test_files_of_before_a_column_was_added_are_whole_without_it(shop: Workshop) -> None:
    more = pa.field("more", pa.string())
    later = replace(RAW_EVENTS, schema=RAW_EVENTS.schema.append(more))
    lake = shop.pipeline.lake
    (before,) = file_problems(lake, later, ["2023-07-10"])
    assert before.endswith("column more is missing")
    added = replace(RAW_EVENTS, schema=RAW_EVENTS.schema.append(more.with_metadata({"added": "later"})))
    assert file_problems(lake, added, ["2023-07-10"]) == []
