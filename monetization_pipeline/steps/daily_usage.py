"""events × customers × meters → daily_usage, meter_refusals and unbilled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, METER_REFUSALS, UNBILLED, DatasetSpec
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.fingerprints import fingerprint
from monetization_pipeline.lake.ingest_log import IngestLog
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.metering.charged import BUCKETS, METERED
from monetization_pipeline.metering.daily import (
    Shared,
    finest_dimensions,
    metered_sql,
    refusals_sql,
    repeated_sql,
    reported_sql,
    rows_sql,
    shared_states,
    states_sql,
    unbilled_sql,
)
from monetization_pipeline.metering.meters import MeterSql, meter_sql
from monetization_pipeline.steps import attribution, events
from monetization_pipeline.steps.attribution import Attribution
from monetization_pipeline.steps.catalogs import metering_digests
from monetization_pipeline.steps.pipeline import CODE_VERSION, Pipeline
from monetization_pipeline.steps.tables import fingerprints_by_day

#: Companies × days that are metered in one query.
_COMPANY_DAYS = 150_000
_WRITTEN = (METER_REFUSALS, UNBILLED, DAILY_USAGE)


def expected_states(pipeline: Pipeline, known: Attribution, days: Sequence[date]) -> Mapping[date, PartitionState]:
    """By day: inputs, digests and code version of `daily_usage` as they would be now."""
    made = {day: pipeline.lake.table(EVENTS).state(day.isoformat()) for day in days}
    by_subscription = [day for day, state in made.items() if state and state.facts.get(events.BY_SUBSCRIPTION)]
    by_user = [day for day, state in made.items() if state and state.facts.get(events.BY_USER)]
    charges = attribution.charge_fingerprints(known, days)
    # Users and named subscriptions decide only about events that come without a company.
    users = attribution.user_fingerprints(known, sorted({*by_user, *by_subscription}))
    named = dict.fromkeys(by_subscription, attribution.subscription_fingerprint(known) if by_subscription else "")
    digests = metering_digests(known.catalog)
    states: dict[date, PartitionState] = {}
    for day, state in made.items():
        inputs = {"events": state.fingerprint if state else "", "charges": charges[day]}
        inputs |= {"users": users[day]} if day in users else {}
        inputs |= {"subscriptions": named[day]} if day in named else {}
        states[day] = PartitionState("", 0, inputs=inputs, digests=digests, code_version=CODE_VERSION)
    return states


def is_current(pipeline: Pipeline, log: IngestLog, day: date, expected: PartitionState) -> bool:
    """Whether `daily_usage` of a day was made from what there is now. A day that never had events is current."""
    state = pipeline.lake.table(DAILY_USAGE).state(day.isoformat())
    return day not in log.days if state is None else state.made_from(expected)


def build(pipeline: Pipeline, known: Attribution, days: Sequence[date]) -> Mapping[date, PartitionState]:
    """Make `daily_usage`, `meter_refusals` and `unbilled` of the given days. Raises ConcurrentCommitError.

    daily_usage is committed last: its state says that the other two are there.
    """
    keys = [day.isoformat() for day in days]
    claims = {spec.name: pipeline.lake.table(spec).claim(keys) for spec in _WRITTEN}
    meters = [meter_sql(meter) for meter in known.catalog.meters]
    states: dict[date, PartitionState] = {}
    written: dict[str, list[NewFile]] = {spec.name: [] for spec in _WRITTEN}
    with pipeline.engine.session() as session:
        attribution.register(session, known, attribution.window_of(days))
        expected = expected_states(pipeline, known, days)
        for some_days in _chunks(session, days):
            chunk = _Chunk(pipeline, session, meters, some_days, written)
            made = chunk.meter()
            states |= {day: replace(expected[day], **made[day]) for day in some_days}
    for spec in (METER_REFUSALS, UNBILLED):
        table, files = pipeline.lake.table(spec), written[spec.name]
        if files or set(table.partitions()) & set(keys):
            table.replace(claims[spec.name], files, {key: PartitionState("", 0) for key in keys})
    pipeline.lake.table(DAILY_USAGE).replace(
        claims[DAILY_USAGE.name], written[DAILY_USAGE.name], {day.isoformat(): state for day, state in states.items()}
    )
    return states


def _chunks(session: Session, days: Sequence[date]) -> list[Sequence[date]]:
    """Days to be metered in one query: so many that their groups still fit into memory."""
    companies = session.rows("SELECT count(DISTINCT company_id) FROM charges")[0][0]
    size = max(1, _COMPANY_DAYS // max(companies, 1))
    return [days[start : start + size] for start in range(0, len(days), size)]


class _Chunk:
    """Some days on their way; what is written is added to `written`, by dataset."""

    def __init__(
        self,
        pipeline: Pipeline,
        session: Session,
        meters: Sequence[MeterSql],
        days: Sequence[date],
        written: dict[str, list[NewFile]],
    ) -> None:
        self.pipeline = pipeline
        self.session = session
        self.meters = meters
        self.days = days
        self.written = written

    def meter(self) -> Mapping[date, dict[str, Any]]:
        """Write the days' files; by day: what its state says of fingerprint, rows, counts and notes."""
        keys = [day.isoformat() for day in self.days]
        complete = open_metered(self.pipeline, self.session, self.meters, keys)
        span = attribution.window_of(self.days)
        inside = "SELECT count(*) FROM cuts WHERE from_at >= ? AND from_at < ?"
        cut = self.session.rows(inside, [span.start, span.end])[0][0] > 0
        for number, dimensions in enumerate(finest_dimensions(self.meters)):
            states = states_sql(self.meters, dimensions, all_have_companies=complete, cut=cut)
            self.session.run(f"CREATE OR REPLACE TEMP TABLE states_{number} AS {states}")
        tallies = self._tallies()
        if any(tally.refused or tally.unbilled for tally in tallies.values()):
            self.session.run(f"CREATE OR REPLACE TEMP TABLE reported AS {reported_sql(self.meters)}")
        if any(tally.refused for tally in tallies.values()):
            self._write(METER_REFUSALS, refusals_sql(self.meters))
        if any(tally.unbilled for tally in tallies.values()):
            self._write(UNBILLED, unbilled_sql(self.meters))
        fingerprints: Mapping[date, tuple[int, str]] = {}
        if self.meters:
            shared = shared_states(self.meters)
            rows = [rows_sql(self.meters, each, distinct=not cut and not self._repeated(each)) for each in shared]
            files = self._write(DAILY_USAGE, " UNION ALL BY NAME ".join(f"({each})" for each in rows))
            fingerprints = fingerprints_by_day(self.session, DAILY_USAGE, files, "occurred_on")
        nothing = (0, fingerprint(0, 0))
        return {
            day: {
                "fingerprint": fingerprints.get(day, nothing)[1],
                "rows": fingerprints.get(day, nothing)[0],
                "counts": tallies[day].counts,
                "notes": tallies[day].notes,
            }
            for day in self.days
        }

    def _repeated(self, shared: Shared) -> bool:
        return self.session.rows(repeated_sql(self.meters, shared))[0][0] > 0

    def _tallies(self) -> Mapping[date, "_Tally"]:
        rows = {
            (day, BUCKETS[bucket]): found
            for day, bucket, *found in self.session.rows(f"""
                SELECT occurred_on, bucket, {", ".join(_counted(each) for each in ("true", "refused", "weighted"))},
                    {_counted("ambiguous")} FROM states_0 GROUP BY ALL""")
        }
        tallies: dict[date, _Tally] = {}
        for day in self.days:
            found = {bucket: rows[day, bucket] for bucket in BUCKETS if (day, bucket) in rows}
            counts = {bucket: found[bucket][0] if bucket in found else 0 for bucket in BUCKETS}
            refused, weighted, ambiguous = (sum(row[column] for row in found.values()) for column in (1, 2, 3))
            tallies[day] = _Tally(counts | {"events": sum(counts.values())}, refused, weighted, ambiguous)
        return tallies

    def _write(self, spec: DatasetSpec, sql: str) -> list[Path]:
        table = self.pipeline.lake.table(spec)
        files: list[Path] = []
        for day, paths in self.session.write_days(sql, table.new_folder(), spec.schema, "occurred_on").items():
            for path in paths:
                file = table.take(path, day.isoformat())
                self.written[spec.name].append(file)
                files.append(file.path)
        return files


def _counted(condition: str) -> str:
    return f"CAST(coalesce(sum(events) FILTER (counts AND {condition}), 0) AS BIGINT)"


def open_metered(pipeline: Pipeline, session: Session, meters: Sequence[MeterSql], keys: Sequence[str]) -> bool:
    """Make `events` of some days, and `metered` (see `metering.daily`) over them; whether all have a company."""
    table = pipeline.lake.table(EVENTS)
    session.view("events", EVENTS.schema, table.files(keys))
    facts = [state.facts for key in keys if (state := table.state(key)) is not None]
    complete = all(fact.get(name) == 0 for fact in facts for name in (events.BY_USER, events.BY_SUBSCRIPTION))
    session.run(f"CREATE OR REPLACE TEMP VIEW metered AS {metered_sql(meters, all_have_companies=complete)}")
    return complete


@dataclass(frozen=True, slots=True)
class _Tally:
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
