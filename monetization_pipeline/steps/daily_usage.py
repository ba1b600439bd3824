"""events × customers × meters → daily_usage, meter_refusals and unbilled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, METER_REFUSALS, UNBILLED, DatasetSpec
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.ingest_log import IngestLog
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.metering.daily import (
    BUCKETS,
    METERED,
    dimension_sets,
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

    daily_usage is committed last: its state says that the other two are there.
    """
    keys = [day.isoformat() for day in days]
    claims = {spec.name: pipeline.lake.table(spec).claim(keys) for spec in (DAILY_USAGE, METER_REFUSALS, UNBILLED)}
    meters = [meter_sql(meter) for meter in known.catalog.meters]
    with pipeline.engine.session() as session:
        attribution.register(session, known, attribution.window_of(days), pipeline.seller.zone)
        expected = _expected(pipeline, session, known.catalog, days)
        open_metered(pipeline, session, meters, keys)
        tallies = _tally(session, meters, days)
        reports = {
            METER_REFUSALS: refusals_sql(meters) if any(tally.refused for tally in tallies.values()) else None,
            UNBILLED: unbilled_sql(meters) if any(tally.unbilled for tally in tallies.values()) else None,
        }
        for spec, sql in reports.items():
            written = dict(_write_days(pipeline, session, spec, sql, days))
            if sql is not None or set(pipeline.lake.table(spec).partitions()) & set(keys):
                states = {key: PartitionState("", written[key].rows if key in written else 0) for key in keys}
                pipeline.lake.table(spec).replace(claims[spec.name], list(written.values()), states)
        usage = dict(_write_days(pipeline, session, DAILY_USAGE, _usage_sql(meters), days))
        states = {
            day: PartitionState(
                fingerprint_of(session, DAILY_USAGE, [usage[key].path] if key in usage else []),
                usage[key].rows if key in usage else 0,
                inputs=expected[day].inputs,
                digests=expected[day].digests,
                code_version=CODE_VERSION,
                counts=tallies[day].counts,
                notes=tallies[day].notes,
            )
            for day, key in zip(days, keys, strict=True)
        }
    pipeline.lake.table(DAILY_USAGE).replace(
        claims[DAILY_USAGE.name], list(usage.values()), {day.isoformat(): state for day, state in states.items()}
    )
    return states


def open_metered(pipeline: Pipeline, session: Session, meters: Sequence[MeterSql], keys: Sequence[str]) -> None:
    """Make the relation `metered` (see `metering.daily`) over the events of some days."""
    session.view("events", EVENTS.schema, pipeline.lake.table(EVENTS).files(keys))
    session.run(f"CREATE TEMP VIEW metered AS {metered_sql(meters)}")


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
    users, subscriptions = attribution.user_fingerprint(session), attribution.subscription_fingerprint(session)
    digests = metering_digests(catalog)
    events_table = pipeline.lake.table(EVENTS)
    states: dict[date, PartitionState] = {}
    for day in days:
        made = events_table.state(day.isoformat())
        inputs = {"events": made.fingerprint if made else "", "charges": charges.get(day, _NO_CHARGES)}
        # Users and named subscriptions decide only about events that come without a company.
        if made and made.facts.get(events.BY_USER):
            inputs["users"] = users
        if made and made.facts.get(events.BY_SUBSCRIPTION):
            inputs["subscriptions"] = subscriptions
            inputs["users"] = users
        states[day] = PartitionState("", 0, inputs=inputs, digests=digests, code_version=CODE_VERSION)
    return states


def _tally(session: Session, meters: Sequence[MeterSql], days: Sequence[date]) -> dict[date, _Tally]:
    """Make the tables `states_k` and count each day's buckets."""
    for number, dimensions in enumerate(dimension_sets(meters)):
        session.run(f"CREATE TEMP TABLE states_{number} AS {states_sql(meters, dimensions)}")
    found = {
        (day, bucket): (count, refused, weighted)
        for day, bucket, count, refused, weighted in session.rows("""
            SELECT occurred_on, bucket, CAST(sum(events) AS BIGINT), CAST(sum(refused) AS BIGINT),
                CAST(sum(weighted) AS BIGINT)
            FROM states_0 GROUP BY ALL""")
    }
    ambiguous = {
        day for (day,) in session.rows(f"SELECT DISTINCT usage_on FROM charges WHERE {_any_ambiguous(meters)}")
    }
    tallies: dict[date, _Tally] = {}
    for day in days:
        rows = {BUCKETS[bucket]: row for (on, bucket), row in found.items() if on == day}
        counts = {bucket: rows[bucket][0] if bucket in rows else 0 for bucket in BUCKETS}
        counts |= {"events": sum(counts.values())}
        refused, weighted = (sum(row[column] for row in rows.values()) for column in (1, 2))
        tallies[day] = _Tally(counts, refused, weighted, day in ambiguous)
    return tallies


def _any_ambiguous(meters: Sequence[MeterSql]) -> str:
    return " OR ".join(f"ambiguous_{index}" for index in range(len(meters))) or "false"


def _usage_sql(meters: Sequence[MeterSql]) -> str | None:
    if not meters:
        return None
    return f"SELECT * FROM ({rows_sql(meters)}) JOIN charges USING (row_no)"


def _write_days(
    pipeline: Pipeline, session: Session, spec: DatasetSpec, sql: str | None, days: Sequence[date]
) -> Iterator[tuple[str, NewFile]]:
    """The rows of a query as one file for each day that has some."""
    if sql is None:
        return
    session.run(f"CREATE OR REPLACE TEMP TABLE written AS {sql}")
    present = {day for (day,) in session.rows("SELECT DISTINCT occurred_on FROM written")}
    for day in days:
        if day in present:
            key = day.isoformat()
            path = pipeline.lake.table(spec).new_path(key)
            rows = session.write(f"SELECT * FROM written WHERE occurred_on = DATE '{key}'", path, spec.schema)
            yield key, NewFile(path, key, rows)
