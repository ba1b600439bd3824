"""Partition states as far as a table's log was read, kept in a file beside it: derivable, and safe to delete.

The file says on which commit it stands, by version and by the hash of that commit's own file: one that was torn, that
belongs to another table, or to one that was since put back to an earlier state, is taken for none.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from monetization_pipeline.lake.state import PartitionState, decode, encode

_NAME = "_states.json"


@dataclass(frozen=True, slots=True)
class Remembered:
    """The last state of each partition, of all commits up to `version`."""

    version: int
    states: Mapping[str, PartitionState]


#: Of a table whose log was not read at all.
NOTHING = Remembered(-1, {})


def recall(root: Path) -> Remembered:
    """What is remembered of the table in a folder; NOTHING where no file holds."""
    try:
        head, _, body = (root / _NAME).read_text(encoding="utf-8").partition("\n")
        version = json.loads(head)["version"]
        if head == _head(root, version, body):
            return Remembered(version, decode(body))
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return NOTHING


def remember(root: Path, version: int, states: Mapping[str, PartitionState]) -> None:
    """Keep states for the next process. Where the folder cannot be written, the log stays the only place for them."""
    temporary = root / f"_states-{uuid.uuid4().hex}.tmp"
    with suppress(OSError):
        try:
            body = encode(states)
            temporary.write_text(f"{_head(root, version, body)}\n{body}", encoding="utf-8")
            temporary.rename(root / _NAME)
        finally:
            temporary.unlink(missing_ok=True)


def _head(root: Path, version: int, body: str) -> str:
    commit = root / "_delta_log" / f"{version:020}.json"
    return json.dumps({"version": version, "commit": _hash(commit.read_bytes()), "states": _hash(body.encode())})


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
