"""events × customers × meters → daily_usage, meter_refusals and unbilled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, METER_REFUSALS, UNBILLED, DatasetSpec
from monetization_pipeline.engines.address import Address
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.fingerprints import fingerprint
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.rows import fingerprints_by_day
from monetization_pipeline.lake.state import PartitionState, code_version
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.metering.daily import (
    Shared,
    finest_dimensions,
    repeated_sql,
    rows_sql,
    shared_states,
    states_sql,
)
from monetization_pipeline.metering.judged import Inputs
from monetization_pipeline.metering.meters import MeterSql, meters_sql
from monetization_pipeline.metering.payers import Payers, companies_sql, cuts_within_sql
from monetization_pipeline.metering.reported import refusals_sql, reported_sql, unbilled_sql
from monetization_pipeline.metering.tallies import Tally, tallies, tally_sql
from monetization_pipeline.netting import copies
from monetization_pipeline.steps import charges
from monetization_pipeline.steps.catalogs import metering_digests
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

#: Companies × days that are metered in one query.
_COMPANY_DAYS = 150_000
_WRITTEN = (METER_REFUSALS, UNBILLED, DAILY_USAGE)


CODE_VERSION = code_version(DAILY_USAGE.name, 2)


def expected_states(pipeline: Pipeline, known: Known, days: Sequence[str]) -> Mapping[str, PartitionState]:
    """By day: what `daily_usage` would be made from now. A day that never had an event is not in it."""
    events, made = pipeline.lake.table(EVENTS).states(), pipeline.lake.table(DAILY_USAGE).states()
    log = read_log(pipeline.lake)
    by_day = {date.fromisoformat(day): events.get(day) for day in days}
    by_day = {day: state for day, state in by_day.items() if day in log.days or day.isoformat() in made}
    by_subscription = [day for day, state in by_day.items() if state and state.facts.get(copies.BY_SUBSCRIPTION)]
    by_user = [day for day, state in by_day.items() if state and state.facts.get(copies.BY_USER)]
    charged = charges.charge_fingerprints(known, [*by_day])
    # Users and named subscriptions decide only about events that come without a company.
    users = charges.user_fingerprints(known, sorted({*by_user, *by_subscription}))
    named = dict.fromkeys(by_subscription, charges.subscription_fingerprint(known) if by_subscription else "")
    digests = metering_digests(known.catalog)
    states: dict[str, PartitionState] = {}
    for day, state in by_day.items():
        inputs = {"events": state.fingerprint if state else "", "charges": charged[day]}
        inputs |= {"users": users[day]} if day in users else {}
        inputs |= {"subscriptions": named[day]} if day in named else {}
        states[day.isoformat()] = PartitionState("", 0, inputs=inputs, digests=digests, code_version=CODE_VERSION)
    return states


def build(pipeline: Pipeline, known: Known, keys: Sequence[str]) -> Mapping[str, PartitionState]:
    """Make `daily_usage`, `meter_refusals` and `unbilled` of the given days. Raises ConcurrentCommitError.

    daily_usage is committed last: its state says that the other two are there.
    """
    days = [date.fromisoformat(key) for key in keys]
    claims = {spec.name: pipeline.lake.table(spec).claim(keys) for spec in _WRITTEN}
    meters = meters_sql(known.catalog.meters)
    states: dict[str, PartitionState] = {}
    written: dict[str, list[NewFile]] = {spec.name: [] for spec in _WRITTEN}
    with pipeline.engine.session() as session:
        payers = charges.register(session, known, charges.window_of(days))
        expected = expected_states(pipeline, known, keys)
        for some_days in _chunks(session, payers, days):
            made = _Chunk(pipeline, session, meters, payers, some_days, written).meter()
            states |= {day.isoformat(): replace(expected[day.isoformat()], **made[day]) for day in some_days}
    for spec in (METER_REFUSALS, UNBILLED):
        table, files = pipeline.lake.table(spec), written[spec.name]
        if files or set(table.partitions()) & set(keys):
            table.replace(claims[spec.name], files, {key: PartitionState("", 0) for key in keys})
    pipeline.lake.table(DAILY_USAGE).replace(claims[DAILY_USAGE.name], written[DAILY_USAGE.name], states)
    return states


def _chunks(session: Session, payers: Payers, days: Sequence[date]) -> list[Sequence[date]]:
    """Days to be metered in one query: so many that their groups still fit into memory."""
    companies = session.rows(companies_sql(payers))[0][0]
    size = max(1, _COMPANY_DAYS // max(companies, 1))
    return [days[start : start + size] for start in range(0, len(days), size)]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some days on their way; what is written is added to `written`, by dataset."""

    pipeline: Pipeline
    session: Session
    meters: Sequence[MeterSql]
    payers: Payers
    days: Sequence[date]
    written: Mapping[str, list[NewFile]]

    def meter(self) -> Mapping[date, dict[str, Any]]:
        """Write the days' files; by day: what its state says of fingerprint, rows, counts and notes."""
        keys = [day.isoformat() for day in self.days]
        inputs = charges.open_events(self.pipeline, self.session, self.meters, self.payers, keys)
        span = charges.window_of(self.days)
        cut = self.session.rows(cuts_within_sql(self.payers), [span.start, span.end])[0][0] > 0
        states = self._states(inputs, cut=cut)
        tallied = tallies(self.session.rows(tally_sql(states[0])), self.days)
        self._report(inputs, [*tallied.values()])
        fingerprints = self._write_usage(states, cut=cut)
        nothing = (0, fingerprint(0, 0))
        return {
            day: {
                "fingerprint": fingerprints.get(day, nothing)[1],
                "rows": fingerprints.get(day, nothing)[0],
                "counts": tallied[day].counts,
                "notes": tallied[day].notes,
            }
            for day in self.days
        }

    def _states(self, inputs: Inputs, *, cut: bool) -> Sequence[str]:
        """The relations of states, one for each of `finest_dimensions`."""
        finest = finest_dimensions(self.meters)
        names = [f"states_{number}" for number in range(len(finest))]
        for name, dimensions in zip(names, finest, strict=True):
            self.session.keep(name, states_sql(inputs, dimensions, cut=cut))
        return names

    def _report(self, inputs: Inputs, tallied: Sequence[Tally]) -> None:
        refused, unbilled = any(tally.refused for tally in tallied), any(tally.unbilled for tally in tallied)
        if refused or unbilled:
            self.session.keep("reported", reported_sql(inputs))
        if refused:
            self._write(METER_REFUSALS, refusals_sql(self.meters, "reported"))
        if unbilled:
            self._write(UNBILLED, unbilled_sql(self.meters, "reported"))

    def _write_usage(self, states: Sequence[str], *, cut: bool) -> Mapping[date, tuple[int, str]]:
        """By day: how many rows of daily_usage were written, and their fingerprint."""
        if not self.meters:
            return {}
        rows = [self._rows(shared, states[shared.number], cut=cut) for shared in shared_states(self.meters)]
        files = self._write(DAILY_USAGE, " UNION ALL ".join(f"({each})" for each in rows))
        return fingerprints_by_day(self.session, DAILY_USAGE, files, "occurred_on")

    def _rows(self, shared: Shared, states: str, *, cut: bool) -> str:
        distinct = not cut and self.session.rows(repeated_sql(self.meters, shared, states))[0][0] == 0
        return rows_sql(self.meters, shared, states, self.payers.charges, distinct=distinct)

    def _write(self, spec: DatasetSpec, sql: str) -> list[Address]:
        table = self.pipeline.lake.table(spec)
        files: list[Address] = []
        for day, addresses in self.session.write_days(sql, table.new_folder(), spec.schema, "occurred_on").items():
            for address in addresses:
                file = table.take(address, day.isoformat())
                self.written[spec.name].append(file)
                files.append(file.address)
        return files
