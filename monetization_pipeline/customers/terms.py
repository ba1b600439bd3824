"""Fingerprints of what holds when: what tells whether a day or a month would be charged differently than before.

A term holds from an instant to an instant. Its hash enters the fingerprint of every window in which it holds; where it
begins or ends within a window, that instant enters too. So a term that is ended later leaves the windows before its
end as they were, and the cost is that of the terms plus that of the windows, not of both multiplied.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from monetization_pipeline.customers.activity import active_span
from monetization_pipeline.customers.models import Subscription, User
from monetization_pipeline.periods import Period

_MODULUS = 1 << 64


@dataclass(frozen=True, slots=True)
class Term:
    """`says` holds in `[from_at, to_at)`; None is open."""

    says: tuple[str, ...]
    from_at: datetime | None
    to_at: datetime | None


def subscription_terms(
    subscriptions: Iterable[Subscription], plans: Collection[str], zone_of: Callable[[str], str]
) -> list[Term]:
    """What decides who is charged when: the current subscriptions on one of `plans`, each with its company's zone."""
    terms: list[Term] = []
    for subscription in subscriptions:
        if subscription.valid_to is None and subscription.plan_id in plans:
            span = active_span(subscription)
            if span is not None:
                says = (
                    *(subscription.subscription_id, subscription.company_id, subscription.plan_id or ""),
                    *(str(span.start), zone_of(subscription.company_id)),
                )
                terms.append(Term(says, span.start, span.end))
    return terms


def user_terms(users: Iterable[User]) -> list[Term]:
    """Which company each user belongs to when; a user without a company has no term."""
    return [
        Term((user.user_id, user.company_id), user.valid_from, user.valid_to)
        for user in users
        if user.company_id is not None
    ]


def term_fingerprints(terms: Iterable[Term], windows: Sequence[Period]) -> list[str]:
    """One fingerprint a window: an order-free sum of hashes. `windows` are in order and do not overlap."""
    starts = [window.start for window in windows]
    ends = [window.end for window in windows]
    numbers, steps = [0] * (len(windows) + 1), [0] * (len(windows) + 1)
    cut = [0] * len(windows)
    for term in terms:
        first = 0 if term.from_at is None else bisect_right(ends, term.from_at)
        last = len(windows) if term.to_at is None else bisect_left(starts, term.to_at)
        if first >= last or (term.from_at is not None and term.to_at is not None and term.from_at >= term.to_at):
            continue
        numbers[first] += 1
        numbers[last] -= 1
        whole = range(
            first + (term.from_at is not None and term.from_at > starts[first]),
            last - (term.to_at is not None and term.to_at < ends[last - 1]),
        )
        for index in [index for index in {first, last - 1} if index not in whole]:
            from_at = max(starts[index], term.from_at or starts[index])
            to_at = min(ends[index], term.to_at or ends[index])
            cut[index] += _hash((*term.says, str(from_at), str(to_at)))
        if whole:
            hashed = _hash(term.says)
            steps[whole.start] += hashed
            steps[whole.stop] -= hashed
    return [
        f"{number}-{(step + extra) % _MODULUS:016x}"
        for number, step, extra in zip(accumulate(numbers), accumulate(steps), cut, strict=False)
    ]


def whole_fingerprint(rows: Iterable[tuple[str, ...]]) -> str:
    """The fingerprint of rows that hold for ever."""
    hashes = [_hash(row) for row in rows]
    return f"{len(hashes)}-{sum(hashes) % _MODULUS:016x}"


def _hash(says: tuple[str, ...]) -> int:
    text = "\x1f".join(says)
    return int.from_bytes(hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()[:8], "big")
