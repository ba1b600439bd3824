"""A ledger that an earlier version wrote is brought up to date: nothing of it changes."""

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import first_ledger
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError

from monetization_pipeline.invoicing.models import Invoice, content_hash
from monetization_pipeline.ledger import migrations
from monetization_pipeline.ledger.errors import BookedDiffersError
from monetization_pipeline.ledger.opening import HEAD, open_ledger
from monetization_pipeline.ledger.records import Place

MakeInvoice = Callable[..., Invoice]
AT = datetime(2023, 9, 1, tzinfo=UTC)
TABLES = ("booked_invoices", "booked_lines ORDER BY position", "publications", "publication_events")
PUBLICATION: Mapping[str, object] = {
    "publication_id": "pub_1",
    "provider": "stripe",
    "account": "acct_1",
    "mode": "test",
    "invoice_id": "in_a",
    "revision": 1,
    "content_hash": first_ledger.INVOICE_ROW["content_hash"],
    "provider_customer_id": "cus_1",
    "currency": "USD",
    "total": "100.01",
    "created_at": "2023-08-02T07:31:00.000000Z",
}
ISSUED: Mapping[str, object] = {
    "event_id": 1,
    "publication_id": "pub_1",
    "state": "issued",
    "provider_invoice_id": "in_stripe",
    "number": "ACME-0001",
    "total": "100.01",
    "detail": "",
    "at": "2023-08-02T07:32:00.000000Z",
}


def execute(url: str, *statements: tuple[str, Mapping[str, object]]) -> None:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            for statement, values in statements:
                connection.execute(text(statement), dict(values))
    finally:
        engine.dispose()


def insert(table: str, row: Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", row


def content(url: str) -> list[list[dict[str, object]]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = [
            [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()] for table in TABLES
        ]
    engine.dispose()
    return rows


def tables_of(url: str, revision: str) -> None:
    """Make the tables as they were at a revision."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


@pytest.fixture
def first(ledger_url: str) -> str:
    """Address of a ledger at the first revision, with an issued invoice."""
    tables_of(ledger_url, "0001")
    execute(
        ledger_url,
        insert("booked_invoices", first_ledger.INVOICE_ROW),
        *(insert("booked_lines", row) for row in first_ledger.LINE_ROWS),
        insert("publications", PUBLICATION),
        insert("publication_events", ISSUED),
    )
    return ledger_url


def test_every_row_stays_as_it_was_and_its_invoices_have_the_first_form(first: str) -> None:
    open_ledger(first).close()
    assert content(first) == [
        [first_ledger.INVOICE_ROW | {"form": 1}],
        [row | {"line_group": None} for row in first_ledger.LINE_ROWS],
        [PUBLICATION],
        [ISSUED],
    ]
    engine = create_engine(first)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == HEAD
    engine.dispose()


def test_what_was_booked_is_read_as_it_was_booked(first: str, make_invoice: MakeInvoice) -> None:
    with closing(open_ledger(first)) as ledger:
        (entry,) = ledger.booked_in("2023-07")
        assert (entry.form, entry.invoice) == (1, make_invoice("in_a"))
        assert entry.content_hash == first_ledger.INVOICE_ROW["content_hash"] == content_hash(entry.invoice, 1)
        (publication,) = ledger.publications("2023-07")
        assert (publication.intent.content_hash, publication.number) == (entry.content_hash, "ACME-0001")


def test_what_was_booked_is_not_booked_again_and_other_figures_are_refused(
    first: str, make_invoice: MakeInvoice
) -> None:
    with closing(open_ledger(first)) as ledger:
        again = {"period": "2023-07", "as_of": AT, "by": "tester", "at": AT}
        assert ledger.book([make_invoice("in_a"), make_invoice("in_b")], **again) == ("in_b",)
        with pytest.raises(BookedDiffersError, match=r"total is booked as '100\.01', computed as '101\.01'"):
            ledger.book([make_invoice("in_a", ["2.01", "99.00"])], **again)


def test_it_publishes_where_it_published_and_its_seller_has_no_id(first: str) -> None:
    with closing(open_ledger(first)) as ledger:
        (settled,) = ledger.places()
    assert (settled.place, settled.seller_id) == (Place("stripe", "test", "acct_1"), "")


#: (mode, day of the publication, day of the booking) of each publication, and what is remembered: (mode, since day).
ERAS: Mapping[str, tuple[list[tuple[str, int, int]], list[tuple[str, int]]]] = {
    "nothing was published": ([], []),
    "one place, from when the first was booked": ([("test", 3, 2), ("test", 9, 8)], [("test", 2)]),
    "a switch, from when the first of the new place was booked": (
        [("sandbox", 3, 2), ("live", 9, 8), ("live", 10, 8)],
        [("sandbox", 2), ("live", 8)],
    ),
    "a switch that issued again what was booked for the old place": (
        [("sandbox", 3, 2), ("live", 9, 2)],
        [("sandbox", 2), ("live", 9)],
    ),
    "to and fro": (
        [("sandbox", 3, 2), ("live", 5, 4), ("sandbox", 7, 6)],
        [("sandbox", 2), ("live", 4), ("sandbox", 6)],
    ),
}


@pytest.mark.parametrize(("published", "remembered"), ERAS.values(), ids=ERAS.keys())
def test_where_it_published_is_told_from_what_it_published(
    ledger_url: str, published: list[tuple[str, int, int]], remembered: list[tuple[str, int]]
) -> None:
    tables_of(ledger_url, "0002")
    statements: list[tuple[str, Mapping[str, object]]] = []
    for number, (mode, day, booked) in enumerate(published):
        invoice = {"invoice_id": f"in_{number}", "booked_at": f"2023-08-{booked:02}T00:00:00.000000Z", "form": 1}
        publication = {
            "publication_id": f"pub_{number}",
            "mode": mode,
            "invoice_id": f"in_{number}",
            "created_at": f"2023-08-{day:02}T00:00:00.000000Z",
        }
        statements += [
            insert("booked_invoices", first_ledger.INVOICE_ROW | invoice),
            insert("publications", {**PUBLICATION, **publication}),
        ]
    execute(ledger_url, *statements)
    with closing(open_ledger(ledger_url)) as ledger:
        found = ledger.places()
    assert [(each.place.mode, each.settled_at.day) for each in found] == remembered
    assert {each.seller_id for each in found} <= {""}


def test_a_customer_alone_says_where_it_published(ledger_url: str) -> None:
    tables_of(ledger_url, "0002")
    row = {"provider": "stripe", "account": "acct_1", "mode": "test", "company_id": "acme", "sequence": 1}
    made = {"provider_customer_id": "cus_1", "created_at": "2023-08-03T00:00:00.000000Z"}
    execute(ledger_url, insert("customer_mappings", row | made))
    with closing(open_ledger(ledger_url)) as ledger:
        assert [each.place for each in ledger.places()] == [Place("stripe", "test", "acct_1")]


@pytest.mark.parametrize("statement", ["UPDATE booked_invoices SET form = 2", "DELETE FROM booked_invoices"])
def test_no_row_can_be_changed_or_removed_afterwards(first: str, statement: str) -> None:
    open_ledger(first).close()
    with pytest.raises(DatabaseError, match="append-only"):
        execute(first, (statement, {}))


def test_a_program_of_before_that_is_still_at_work_books_in_the_first_form(first: str) -> None:
    open_ledger(first).close()
    execute(first, insert("booked_invoices", first_ledger.INVOICE_ROW | {"invoice_id": "in_late"}))
    with closing(open_ledger(first)) as ledger:
        assert ledger.booked(["in_late"])["in_late"].form == 1
