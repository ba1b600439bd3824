"""Ids made from what a thing is, never from what it says, so that they stay the same when figures change (rule 18)."""

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii

from monetization_pipeline.periods import Period

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
#: Two characters for each 10 bits: a standard base32 encoder takes longer than the hash itself.
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_SHIFTS = range(256 - 10, 256 - 10 * 14, -10)


def make_id(prefix: str, *parts: str) -> str:
    """`<prefix>_` and 26 characters: 130 bits of the SHA-256 of `parts` as a JSON list, in lowercase base32."""
    text = f"[{','.join(map(encode_basestring_ascii, parts))}]"
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def line_id(subscription_id: str, price_id: str, *, start: datetime, group: str, period: Period, kind: str) -> str:
    """Id of a rated line (rule 18).

    `start` is the segment's start or the full period's, whichever is later; `period` is the full period;
    `group` is the canonical JSON object of the group.
    """
    full = (instant_text(period.start), instant_text(period.end))
    return make_id("ln", subscription_id, instant_text(start), price_id, group, *full, kind)


@lru_cache(maxsize=4096)
def instant_text(instant: datetime) -> str:
    """An aware instant as `2023-08-01T00:00:00Z`, with microseconds where it has any."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone; instants are aware")
    return f"{instant.astimezone(UTC).isoformat()[:-6]}Z"
