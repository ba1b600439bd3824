"""The sandbox's state: one SQLite file, so that a restarted sandbox remembers its customers and invoices."""

import json
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_of_kind ON objects (kind, owner);
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS calls (number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
"""

_EMPTIED = ("objects", "replies", "calls")


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered to the first request under an idempotency key; `request` tells other requests apart."""

    request: str
    status: int
    body: str


class Store:
    """Objects by id, in order of their making; replies by idempotency key; a log of calls.

    Nothing is kept until `commit`. Used by one thread at a time.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_TABLES)
        # Of each state file's own: to a ledger, an emptied sandbox is another account.
        self._connection.execute("INSERT OR IGNORE INTO facts VALUES ('account', ?)", (new_id("acct"),))
        self.commit()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def commit(self) -> None:
        """Keep what was changed."""
        self._connection.commit()

    def rollback(self) -> None:
        """Forget what was changed since the last commit."""
        self._connection.rollback()

    def reset(self) -> None:
        """Empty the state and become another account."""
        for table in _EMPTIED:
            self._connection.execute(f"DELETE FROM {table}")
        self._connection.execute("UPDATE facts SET value = ? WHERE name = 'account'", (new_id("acct"),))
        self.commit()

    @property
    def account(self) -> str:
        """The account's id."""
        return str(self._connection.execute("SELECT value FROM facts WHERE name = 'account'").fetchone()[0])

    def get(self, kind: str, object_id: str) -> dict[str, Any] | None:
        """One object, None where there is none."""
        row = self._connection.execute(
            "SELECT body FROM objects WHERE kind = ? AND id = ?", (kind, object_id)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str, owner: str | None = None) -> list[dict[str, Any]]:
        """All objects of a kind, those of one owner where it is given, in the order of their making."""
        rows = self._connection.execute(
            "SELECT body FROM objects WHERE kind = ? AND (? IS NULL OR owner = ?) ORDER BY position",
            (kind, owner, owner),
        )
        return [json.loads(body) for (body,) in rows]

    def put(self, kind: str, body: dict[str, Any], owner: str = "") -> None:
        """Add an object, or replace the one of the same id."""
        text = json.dumps(body)
        changed = self._connection.execute("UPDATE objects SET body = ? WHERE id = ?", (text, body["id"])).rowcount
        if not changed:
            values = (body["id"], kind, owner, text)
            self._connection.execute("INSERT INTO objects (id, kind, owner, body) VALUES (?, ?, ?, ?)", values)

    def delete(self, object_id: str) -> None:
        """Remove an object and what it owns."""
        self._connection.execute("DELETE FROM objects WHERE id = ? OR owner = ?", (object_id, object_id))

    def reply(self, key: str, since: int) -> Reply | None:
        """What was answered under an idempotency key at or after the instant `since` (seconds)."""
        query = "SELECT request, status, body FROM replies WHERE key = ? AND at >= ?"
        row = self._connection.execute(query, (key, since)).fetchone()
        return Reply(*row) if row else None

    def keep_reply(self, key: str, reply: Reply, at: int) -> None:
        """Remember what is answered under an idempotency key."""
        values = (key, reply.request, reply.status, reply.body, at)
        self._connection.execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?)", values)

    def forget_replies(self) -> None:
        """Forget all replies, as if every idempotency key were too old."""
        self._connection.execute("DELETE FROM replies")
        self.commit()

    def log(self, call: dict[str, Any]) -> None:
        """Append to the log of calls."""
        self._connection.execute("INSERT INTO calls (body) VALUES (?)", (json.dumps(call),))
        self.commit()

    def calls(self) -> list[dict[str, Any]]:
        """The log of calls, each with its number."""
        rows = self._connection.execute("SELECT number, body FROM calls ORDER BY number")
        return [{"call": number, **json.loads(body)} for number, body in rows]


def new_id(prefix: str) -> str:
    """An id as Stripe's look: a prefix and 24 characters that say nothing."""
    return f"{prefix}_{secrets.token_hex(12)}"
