"""Locks that end with the process that holds them, on SQLite and on PostgreSQL."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Engine, text

from monetization_pipeline.ledger.errors import LedgerBusyError


@contextmanager
def hold(engine: Engine, name: str, *, wait_seconds: float) -> Generator[None, None, None]:
    """Hold the lock `name` of this ledger while the block runs, in no transaction of the ledger itself.

    Raises LedgerBusyError where another process, or this one, holds it for longer than `wait_seconds`.
    """
    held = _advisory_lock if engine.dialect.name == "postgresql" else _file_lock
    with held(engine, name, wait_seconds):
        yield


def _busy(name: str) -> LedgerBusyError:
    return LedgerBusyError(
        f"another process is at work on the ledger (lock {name!r}); wait until it has ended and try again"
    )


@contextmanager
def _file_lock(engine: Engine, name: str, wait_seconds: float) -> Generator[None, None, None]:
    """An exclusive transaction on a database file of its own: portable, and freed when the process dies."""
    path = Path(f"{engine.url.database}.{name}.lock")
    with closing(sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise _busy(name) from None
        yield


@contextmanager
def _advisory_lock(engine: Engine, name: str, wait_seconds: float) -> Generator[None, None, None]:
    key = int.from_bytes(sha256(f"monetization ledger {name}".encode()).digest()[:8], "big", signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SET lock_timeout = {max(1, round(wait_seconds * 1000))}"))
        try:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
        except Exception as error:
            connection.invalidate()
            if getattr(getattr(error, "orig", None), "pgcode", None) != "55P03":
                raise
            raise _busy(name) from None
        try:
            yield
        finally:
            # Closing the session, not handing it back to the pool, frees the lock whatever happened meanwhile.
            connection.invalidate()
