"""events × customers × meters → daily_usage, meter_refusals and unbilled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, METER_REFUSALS, UNBILLED, DatasetSpec
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.ingest_log import IngestLog
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.metering.daily import (
    BUCKETS,
    METERED,
    finest_dimensions,
    metered_sql,
    refusals_sql,
    rows_sql,
    states_sql,
    unbilled_sql,
)
from monetization_pipeline.metering.meters import MeterSql, meter_sql
from monetization_pipeline.steps import attribution, events
from monetization_pipeline.steps.attribution import Attribution
from monetization_pipeline.steps.catalogs import metering_digests
from monetization_pipeline.steps.pipeline import CODE_VERSION, Pipeline
from monetization_pipeline.steps.tables import fingerprint_of

_NO_CHARGES = "0-0000000000000000"
_WRITTEN = (METER_REFUSALS, UNBILLED, DAILY_USAGE)


def expected_states(pipeline: Pipeline, known: Attribution, days: Sequence[date]) -> Mapping[date, PartitionState]:
    """By day: inputs, digests and code version of `daily_usage` as they would be now."""
    if not days:
        return {}
    with pipeline.engine.session() as session:
        attribution.register(session, known, attribution.window_of(days), pipeline.seller.zone)
        return _expected(pipeline, session, known.catalog, days)


def is_current(pipeline: Pipeline, log: IngestLog, day: date, expected: PartitionState) -> bool:
    """Whether `daily_usage` of a day was made from what there is now. A day that never had events is current."""
    state = pipeline.lake.table(DAILY_USAGE).state(day.isoformat())
    return day not in log.days if state is None else state.made_from(expected)


def build(pipeline: Pipeline, known: Attribution, days: Sequence[date]) -> Mapping[date, PartitionState]:
    """Make `daily_usage`, `meter_refusals` and `unbilled` of the given days. Raises ConcurrentCommitError.

    Each day is metered by itself: its groups fit the caches. daily_usage is committed last: its state says that the
    other two are there.
    """
    keys = [day.isoformat() for day in days]
    claims = {spec.name: pipeline.lake.table(spec).claim(keys) for spec in _WRITTEN}
    meters = [meter_sql(meter) for meter in known.catalog.meters]
    written: dict[str, list[NewFile]] = {spec.name: [] for spec in _WRITTEN}
    states: dict[str, PartitionState] = {}
    with pipeline.engine.session() as session:
        attribution.register(session, known, attribution.window_of(days), pipeline.seller.zone)
        expected = _expected(pipeline, session, known.catalog, days)
        session.run("ALTER TABLE charges RENAME TO all_charges")
        for day, key in zip(days, keys, strict=True):
            made = _Day(pipeline, session, meters, key)
            states[key] = replace(expected[day], **made.meter())
            for name, file in made.files.items():
                written[name].append(file)
    for spec in (METER_REFUSALS, UNBILLED):
        table, files = pipeline.lake.table(spec), written[spec.name]
        if files or set(table.partitions()) & set(keys):
            rows = {file.partition: file.rows for file in files}
            table.replace(claims[spec.name], files, {key: PartitionState("", rows.get(key, 0)) for key in keys})
    pipeline.lake.table(DAILY_USAGE).replace(claims[DAILY_USAGE.name], written[DAILY_USAGE.name], states)
    return {day: states[key] for day, key in zip(days, keys, strict=True)}


class _Day:
    """One day on its way: `files` are those written for each dataset."""

    def __init__(self, pipeline: Pipeline, session: Session, meters: Sequence[MeterSql], key: str) -> None:
        self.pipeline = pipeline
        self.session = session
        self.meters = meters
        self.key = key
        self.files: dict[str, NewFile] = {}

    def meter(self) -> dict[str, Any]:
        """Write the day's files; what its state says of fingerprint, rows, counts and notes."""
        self.session.run(
            f"CREATE OR REPLACE TEMP TABLE charges AS SELECT * FROM all_charges WHERE occurred_on = DATE '{self.key}'"
        )
        open_metered(self.pipeline, self.session, self.meters, [self.key])
        for number, dimensions in enumerate(finest_dimensions(self.meters)):
            self.session.run(f"CREATE OR REPLACE TEMP TABLE states_{number} AS {states_sql(self.meters, dimensions)}")
        tally = self._tally()
        if tally.refused:
            self._write(METER_REFUSALS, refusals_sql(self.meters))
        if tally.unbilled:
            self._write(UNBILLED, unbilled_sql(self.meters))
        if self.meters:
            self._write(DAILY_USAGE, f"SELECT * FROM ({rows_sql(self.meters)}) JOIN charges USING (row_no)")
        file = self.files.get(DAILY_USAGE.name)
        return {
            "fingerprint": fingerprint_of(self.session, DAILY_USAGE, [file.path] if file else []),
            "rows": file.rows if file else 0,
            "counts": tally.counts,
            "notes": tally.notes,
        }

    def _tally(self) -> "_Tally":
        rows = {
            BUCKETS[bucket]: (count, refused, weighted)
            for bucket, count, refused, weighted in self.session.rows("""
                SELECT bucket, CAST(sum(events) AS BIGINT), CAST(sum(refused) AS BIGINT), CAST(sum(weighted) AS BIGINT)
                FROM states_0 GROUP BY bucket""")
        }
        ambiguous = " OR ".join(f"ambiguous_{index}" for index in range(len(self.meters))) or "false"
        counts = {bucket: rows[bucket][0] if bucket in rows else 0 for bucket in BUCKETS}
        return _Tally(
            counts | {"events": sum(counts.values())},
            sum(row[1] for row in rows.values()),
            sum(row[2] for row in rows.values()),
            bool(self.session.rows(f"SELECT count(*) FROM charges WHERE {ambiguous}")[0][0]),
        )

    def _write(self, spec: DatasetSpec, sql: str) -> None:
        path = self.pipeline.lake.table(spec).new_path(self.key)
        rows = self.session.write(sql, path, spec.schema)
        if rows:
            self.files[spec.name] = NewFile(path, self.key, rows)
        else:
            path.unlink()


def open_metered(pipeline: Pipeline, session: Session, meters: Sequence[MeterSql], keys: Sequence[str]) -> None:
    """Make the relation `metered` (see `metering.daily`) over the events of some days."""
    session.view("events", EVENTS.schema, pipeline.lake.table(EVENTS).files(keys))
    session.run(f"CREATE OR REPLACE TEMP VIEW metered AS {metered_sql(meters)}")


@dataclass(frozen=True, slots=True)
class _Tally:
    counts: Mapping[str, int]
    refused: int
    weighted: int
    ambiguous: bool

    @property
    def unbilled(self) -> bool:
        """Whether any event is not metered, or a meter of it may be ambiguous."""
        return self.counts["events"] != self.counts[METERED] or self.ambiguous

    @property
    def notes(self) -> Mapping[str, object]:
        """What people should look at."""
        warning = f"{self.weighted} events with a weight other than 1 are metered by what weight does not multiply"
        return {"warning": warning} if self.weighted else {}


def _expected(
    pipeline: Pipeline, session: Session, catalog: Catalog, days: Sequence[date]
) -> dict[date, PartitionState]:
    charges = attribution.charge_fingerprints(session)
    users, subscriptions = attribution.user_fingerprints(session, days), attribution.subscription_fingerprint(session)
    digests = metering_digests(catalog)
    events_table = pipeline.lake.table(EVENTS)
    states: dict[date, PartitionState] = {}
    for day in days:
        made = events_table.state(day.isoformat())
        inputs = {"events": made.fingerprint if made else "", "charges": charges.get(day, _NO_CHARGES)}
        # Users and named subscriptions decide only about events that come without a company.
        if made and made.facts.get(events.BY_USER):
            inputs["users"] = users[day]
        if made and made.facts.get(events.BY_SUBSCRIPTION):
            inputs["subscriptions"] = subscriptions
            inputs["users"] = users[day]
        states[day] = PartitionState("", 0, inputs=inputs, digests=digests, code_version=CODE_VERSION)
    return states
