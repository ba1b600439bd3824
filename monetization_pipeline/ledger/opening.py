"""Open a ledger: connect, bring its tables up to date, hand out the `Ledger`."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from monetization_pipeline.ledger.errors import LedgerError
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.locks import hold

#: Newest revision of `migrations/versions`.
HEAD = "0005"

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MILLISECONDS = 30_000
_WAIT_SECONDS = 60.0


def open_ledger(url: str) -> Ledger:
    """The ledger at `url`: `sqlite:///path/to/ledger.db` or `postgresql+psycopg2://…`, created where it is missing.

    Its tables are brought up to date under a lock, so that several processes may open it at once. Raises LedgerError
    for an address that cannot be used, and for a ledger that a newer version of this program has written.
    """
    parsed = _parse(url)
    shown = parsed.render_as_string(hide_password=True)
    engine = _engine(parsed)
    try:
        if _revision(engine) != HEAD:
            _upgrade(engine, shown)
    except SQLAlchemyError as error:
        engine.dispose()
        reason = str(getattr(error, "orig", error)).strip()
        raise LedgerError(f"the ledger at {shown} cannot be opened: {reason}; check its address and rights") from None
    except LedgerError:
        engine.dispose()
        raise
    return Ledger(engine)


def _parse(url: str) -> URL:
    advice = "write sqlite:///path/to/ledger.db or postgresql+psycopg2://user@host/database"
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise LedgerError(f"the ledger's address cannot be read; {advice}") from None
    if parsed.drivername == "sqlite" and parsed.database and parsed.database != ":memory:":
        path = Path(parsed.database)
        if not path.parent.is_dir():
            raise LedgerError(f"there is no folder {str(path.parent)!r} for the ledger {path.name!r}; create it first")
        return parsed
    if parsed.drivername == "postgresql+psycopg2":
        return parsed
    raise LedgerError(f"a ledger cannot lie at {parsed.render_as_string(hide_password=True)}; {advice}")


def _engine(url: URL) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # The driver would open transactions by itself, and only before a write; `_begin_sqlite` opens them instead.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={_BUSY_MILLISECONDS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the write lock at once: what it reads first is still true when it writes."""
    reading = connection.get_execution_options().get("ledger_reads", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _revision(engine: Engine) -> str | None:
    with engine.connect().execution_options(ledger_reads=True) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _upgrade(engine: Engine, shown: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with hold(engine, "migration", wait_seconds=_WAIT_SECONDS):
        found = _revision(engine)
        if found is not None and found not in known:
            raise LedgerError(
                f"the ledger at {shown} was written by a newer version of this program (its tables are at {found!r}, "
                f"this version knows {HEAD!r}); install that version"
            )
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
