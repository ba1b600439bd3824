"""Ids made from what a thing is, never from what it says, so that they stay the same when figures change (rule 18)."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii

import numpy as np

_ALPHABET = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", dtype=np.uint8)
_LENGTH = 26
#: Where the five bits of each character begin: the byte, and what is left of two bytes to their right.
_BYTES, _BITS = np.divmod(np.arange(_LENGTH) * 5, 8)
_RIGHT = (11 - _BITS).astype(np.uint16)

json_text = encode_basestring_ascii


def make_id(prefix: str, *parts: str) -> str:
    """`<prefix>_` and 26 characters: 130 bits of the SHA-256 of `parts` as a JSON list, in lowercase base32.

    >>> make_id("in", "acme", "USD")
    'in_hjeb5ln6hybdnvu73xmsrnnxwf'
    """
    return make_ids(prefix, [hash_list(f"[{','.join(map(json_text, parts))}]")])[0]


def hash_list(text: str) -> bytes:
    """The hash that an id is made of, from the JSON list of its parts, written without blanks.

    >>> hash_list('["acme","USD"]') == hashlib.sha256(b'["acme","USD"]').digest()
    True
    """
    return hashlib.sha256(text.encode()).digest()


def make_ids(prefix: str, hashes: Sequence[bytes]) -> list[str]:
    """An id for each hash. All at once: character by character it would take longer than the hashing.

    >>> make_ids("in", [bytes(32), b"\\xff" * 32])
    ['in_aaaaaaaaaaaaaaaaaaaaaaaaaa', 'in_77777777777777777777777777']
    """
    octets = np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(-1, 32)[:, :18].astype(np.uint16)
    pairs = octets[:, :-1] << 8 | octets[:, 1:]
    text = _ALPHABET[pairs[:, _BYTES] >> _RIGHT & 31].tobytes().decode("ascii")
    return [f"{prefix}_{text[start : start + _LENGTH]}" for start in range(0, len(text), _LENGTH)]


@lru_cache(maxsize=4096)
def instant_text(instant: datetime) -> str:
    """An aware instant as `2023-08-01T00:00:00Z`, with microseconds where it has any.

    >>> instant_text(datetime(2023, 8, 1, tzinfo=UTC)), instant_text(datetime(2023, 8, 1, 0, 0, 0, 500_000, tzinfo=UTC))
    ('2023-08-01T00:00:00Z', '2023-08-01T00:00:00.500000Z')
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone; instants are aware")
    return f"{instant.astimezone(UTC).isoformat()[:-6]}Z"
