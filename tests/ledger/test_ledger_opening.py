"""A ledger is made, brought up to date, or refused with a reason."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger import migrations
from monetization_pipeline.ledger.errors import LedgerBusyError, LedgerError
from monetization_pipeline.ledger.opening import HEAD, open_ledger
from monetization_pipeline.ledger.tables import APPEND_ONLY, Base


def contents(ledger_url: str) -> dict[str, list[str]]:
    """Every row of every table of a ledger, its revision among them."""
    engine = create_engine(ledger_url)
    with engine.connect() as connection:
        rows = {
            name: sorted(map(repr, connection.execute(text(f"SELECT * FROM {name}"))))
            for name in inspect(connection).get_table_names()
        }
    engine.dispose()
    return rows


def test_a_new_ledger_has_every_table_at_the_newest_revision(ledger_url: str) -> None:
    open_ledger(ledger_url).close()
    engine = create_engine(ledger_url)
    with engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) == {*APPEND_ONLY, "alembic_version"}
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == HEAD
    engine.dispose()


def test_opening_again_changes_nothing(ledger_url: str, make_invoice: Callable[[], Invoice]) -> None:
    now = datetime(2023, 8, 2, tzinfo=UTC)
    ledger = open_ledger(ledger_url)
    ledger.book([make_invoice()], period="2023-07", as_of=now, by="tester", at=now)
    ledger.close()
    before = contents(ledger_url)
    assert before["booked_lines"]
    open_ledger(ledger_url).close()
    assert contents(ledger_url) == before


def test_the_newest_migration_is_the_one_that_the_program_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_the_migrations_make_exactly_the_tables_that_the_program_uses(ledger_url: str) -> None:
    open_ledger(ledger_url).close()
    engine = create_engine(ledger_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_every_table_is_protected(ledger_url: str) -> None:
    open_ledger(ledger_url).close()
    engine = create_engine(ledger_url)
    question = (
        "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'"
        if engine.dialect.name == "sqlite"
        else "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%append_only'"
        " AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)"
    )
    with engine.connect() as connection:
        assert set(connection.execute(text(question)).scalars()) == set(APPEND_ONLY)
    engine.dispose()


def test_many_may_open_a_new_ledger_at_once(ledger_url: str) -> None:
    failures: list[Exception] = []

    def open_and_close() -> None:
        try:
            open_ledger(ledger_url).close()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown below
            failures.append(error)

    threads = [threading.Thread(target=open_and_close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_ledger_of_a_newer_version_is_refused(ledger_url: str) -> None:
    open_ledger(ledger_url).close()
    engine = create_engine(ledger_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(LedgerError, match="newer version of this program"):
        open_ledger(ledger_url)


def test_a_lock_is_held_by_one_at_a_time(ledger_url: str) -> None:
    first, second = open_ledger(ledger_url), open_ledger(ledger_url)
    with first.lock("publish"):
        with pytest.raises(LedgerBusyError, match="another process is at work"), second.lock("publish"):
            pass
        with second.lock("another"):
            pass
    with second.lock("publish"):
        pass
    first.close()
    second.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "write sqlite:///path"),
        ("mysql://root:hunter2@host/db", "a ledger cannot lie at mysql"),
        ("nonsense", "cannot be read"),
        ("sqlite:////nowhere/at/all/ledger.db", "there is no folder '/nowhere/at/all'"),
        ("postgresql+psycopg2://user:hunter2@127.0.0.1:1/db", "cannot be opened"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(url: str, says: str) -> None:
    with pytest.raises(LedgerError) as caught:
        open_ledger(url)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)
