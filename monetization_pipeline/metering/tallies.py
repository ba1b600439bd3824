"""SQL of how many events of a day lie in each bucket (rule 6), and what that says of the day.

Reads a relation of states (see `metering.daily`); any of them will do, since each counts every event once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from monetization_pipeline.metering.charged import BUCKETS, METERED

#: (occurred_on, position in BUCKETS, events, and how many of them are refused, weighted, ambiguous for any meter).
TallyRow = tuple[date, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Tally:
    """A day's events by bucket, and `events` in all; and how many were refused, weighted or ambiguous for any meter."""

    counts: Mapping[str, int]
    refused: int
    weighted: int
    ambiguous: int

    @property
    def unbilled(self) -> bool:
        """Whether any event is not metered, or a meter of it is ambiguous."""
        return self.counts["events"] != self.counts[METERED] or self.ambiguous > 0

    @property
    def notes(self) -> Mapping[str, object]:
        """What people should look at."""
        warning = f"{self.weighted} events with a weight other than 1 are metered by what weight does not multiply"
        return {"warning": warning} if self.weighted else {}


def tally_sql(states: str) -> str:
    """Rows as TallyRow says, one a day and bucket."""
    counted = ", ".join(
        f"CAST(coalesce(sum(events) FILTER (counts AND {condition}), 0) AS BIGINT)"
        for condition in ("true", "refused", "weighted", "ambiguous")
    )
    return f"SELECT occurred_on, bucket, {counted} FROM {states} GROUP BY occurred_on, bucket"


def tallies(rows: Iterable[TallyRow], days: Sequence[date]) -> Mapping[date, Tally]:
    """The tally of each day, also of one without an event."""
    by_day: dict[date, list[TallyRow]] = {day: [] for day in days}
    for row in rows:
        by_day[row[0]].append(row)
    return {day: _tally(found) for day, found in by_day.items()}


def _tally(rows: Sequence[TallyRow]) -> Tally:
    counts = dict.fromkeys(BUCKETS, 0)
    refused = weighted = ambiguous = 0
    for _, bucket, events, *marked in rows:
        counts[BUCKETS[bucket]] = events
        refused, weighted, ambiguous = refused + marked[0], weighted + marked[1], ambiguous + marked[2]
    return Tally(counts | {"events": sum(counts.values())}, refused, weighted, ambiguous)
