"""Who is charged what when, as relations of a session: what daily_usage joins events with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa

from monetization_pipeline.catalog.models import Catalog, pricing_map
from monetization_pipeline.customers.attribution import Charging, charging, user_companies
from monetization_pipeline.customers.models import Subscription, User
from monetization_pipeline.datasets import INSTANT
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.fingerprints import add_fingerprints, fingerprint, hash_sql
from monetization_pipeline.periods import Period
from monetization_pipeline.steps.customers import read_companies, read_subscriptions, read_users
from monetization_pipeline.steps.pipeline import Pipeline

_EVER, _NEVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)

_CHARGE_COLUMNS = (
    ("company_id", pa.string()),
    ("subscription_id", pa.string()),
    ("plan_id", pa.string()),
    ("segment_start", INSTANT),
    ("segment_end", INSTANT),
    ("period_start", INSTANT),
    ("period_end", INSTANT),
    ("usage_on", pa.date32()),
    ("from_at", INSTANT),
    ("to_at", INSTANT),
)
_SETS = ("priced", "charged", "company_charged", "company_ambiguous")
_COLUMN = dict(zip(_SETS, ("priced", "charged", "company", "ambiguous"), strict=True))


@dataclass(frozen=True)
class Attribution:
    """What is known of customers, as far as it decides who is charged."""

    catalog: Catalog
    subscriptions: Sequence[Subscription]
    users: Sequence[User]
    zones: Mapping[str, str]
    seller_zone: str

    @classmethod
    def read(cls, pipeline: Pipeline, catalog: Catalog) -> "Attribution":
        """From the lake."""
        zones = {
            company.company_id: company.time_zone
            for company in read_companies(pipeline)
            if company.valid_to is None and company.time_zone is not None
        }
        return cls(catalog, read_subscriptions(pipeline), read_users(pipeline), zones, pipeline.seller.zone)

    def zone_of(self, company_id: str) -> str:
        """The zone of a company's months and days: its own, else the seller's (rule 1)."""
        return self.zones.get(company_id, self.seller_zone)

    def charges(self, window: Period, zone: str) -> list[Charging]:
        """Charging rows of a window."""
        return charging(self.subscriptions, pricing_map(self.catalog), window, zone)


def window_of(days: Sequence[date]) -> Period:
    """The UTC time from the first day's start to the last day's end."""
    first, last = min(days), max(days)
    return Period(datetime.combine(first, time.min, UTC), datetime.combine(last + timedelta(days=1), time.min, UTC))


def register(session: Session, attribution: Attribution, window: Period, zone: str) -> None:
    """Make `charges`, `user_companies` and `subscription_companies` (see `metering.daily`) for a window."""
    meters = [meter.meter_id for meter in attribution.catalog.meters]
    rows = attribution.charges(window, zone)
    session.register("charging_rows", _charging_table(rows))
    session.register("charging_sets", _sets_table(rows, meters))
    session.run("""
        CREATE TEMP TABLE charges AS
        SELECT * EXCLUDE (set_no), CAST(from_at AT TIME ZONE 'UTC' AS DATE) AS occurred_on
        FROM charging_rows JOIN charging_sets USING (set_no)""")
    users = [
        {
            "user_id": row.user_id,
            "company_id": row.company_id,
            "from_at": row.from_at or _EVER,
            "to_at": row.to_at or _NEVER,
        }
        for row in user_companies(attribution.users, window)
    ]
    schema = pa.schema(
        [("user_id", pa.string()), ("company_id", pa.string()), ("from_at", INSTANT), ("to_at", INSTANT)]
    )
    session.register("user_companies", pa.Table.from_pylist(users, schema))
    current = [
        {"subscription_id": row.subscription_id, "company_id": row.company_id}
        for row in attribution.subscriptions
        if row.valid_to is None
    ]
    schema = pa.schema([("subscription_id", pa.string()), ("company_id", pa.string())])
    session.register("subscription_companies", pa.Table.from_pylist(current, schema))


def charge_fingerprints(session: Session) -> Mapping[date, str]:
    """By local day: the fingerprint of `charges`, which says who would be charged for what on that day."""
    columns = session.arrow("SELECT * EXCLUDE (row_no) FROM charges LIMIT 0").column_names
    hashed = hash_sql(f'"{name}"' for name in sorted(columns))
    return {
        day: fingerprint(rows, hashes)
        for day, rows, hashes in session.rows(
            f"SELECT usage_on, count(*), CAST(sum(CAST({hashed} AS HUGEINT)) AS VARCHAR) FROM charges GROUP BY usage_on"
        )
    }


def user_fingerprints(session: Session, days: Sequence[date]) -> Mapping[date, str]:
    """By UTC day: the fingerprint of `user_companies` on that day, whatever window they were registered for."""
    ids, always = ("user_id", "company_id"), "from_at = getvariable('ever') AND to_at = getvariable('never')"
    session.run("SET VARIABLE ever = CAST(? AS TIMESTAMPTZ)", [_EVER])
    session.run("SET VARIABLE never = CAST(? AS TIMESTAMPTZ)", [_NEVER])
    # Most users have one company for ever: they are hashed once, not for every day.
    common = _whole_fingerprint(session, f"(FROM user_companies WHERE {always})", ids)
    clipped = hash_sql((*ids, "greatest(from_at, day_start)", "least(to_at, day_end)"))
    # A user who moves on another day looks on this one like one who never does.
    hashed = f"CASE WHEN from_at <= day_start AND to_at >= day_end THEN {hash_sql(ids)} ELSE {clipped} END"
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE changing_users AS
        SELECT day, {hashed} AS row_hash FROM (
            SELECT day, day::TIMESTAMP AT TIME ZONE 'UTC' AS day_start,
                (day + 1)::TIMESTAMP AT TIME ZONE 'UTC' AS day_end
            FROM (SELECT unnest(CAST(? AS DATE[])) AS day))
        JOIN (FROM user_companies WHERE NOT ({always})) ON from_at < day_end AND to_at > day_start""",
        [list(days)],
    )
    changing = {
        day: fingerprint(rows, hashes)
        for day, rows, hashes in session.rows(
            "SELECT day, count(*), CAST(sum(CAST(row_hash AS HUGEINT)) AS VARCHAR) FROM changing_users GROUP BY day"
        )
    }
    return {day: add_fingerprints([common, changing[day]]) if day in changing else common for day in days}


def subscription_fingerprint(session: Session) -> str:
    """The fingerprint of `subscription_companies`."""
    return _whole_fingerprint(session, "subscription_companies", ("subscription_id", "company_id"))


def _whole_fingerprint(session: Session, relation: str, columns: Sequence[str]) -> str:
    hashed = hash_sql(columns)
    rows, hashes = session.rows(
        f"SELECT count(*), CAST(coalesce(sum(CAST({hashed} AS HUGEINT)), 0) AS VARCHAR) FROM {relation}"
    )[0]
    return fingerprint(rows, hashes)


def _sets_of(row: Charging) -> tuple[frozenset[str], ...]:
    return (row.priced, row.charged, row.company_charged, row.company_ambiguous)


def _charging_table(rows: Sequence[Charging]) -> pa.Table:
    numbers = _set_numbers(rows)
    columns = {name: pa.array([getattr(row, name) for row in rows], kind) for name, kind in _CHARGE_COLUMNS}
    columns["row_no"] = pa.array(range(len(rows)), pa.int32())
    columns["is_first"] = pa.array([row.first for row in rows], pa.bool_())
    columns["set_no"] = pa.array([numbers[_sets_of(row)] for row in rows], pa.int32())
    return pa.table(columns)


def _sets_table(rows: Sequence[Charging], meters: Sequence[str]) -> pa.Table:
    numbers = _set_numbers(rows)
    columns: dict[str, pa.Array] = {"set_no": pa.array(list(numbers.values()), pa.int32())}
    for position, name in enumerate(_SETS):
        for index, meter_id in enumerate(meters):
            flags = [meter_id in sets[position] for sets in numbers]
            columns[f"{_COLUMN[name]}_{index}"] = pa.array(flags, pa.bool_())
    return pa.table(columns)


def _set_numbers(rows: Sequence[Charging]) -> dict[tuple[frozenset[str], ...], int]:
    numbers: dict[tuple[frozenset[str], ...], int] = {}
    for row in rows:
        numbers.setdefault(_sets_of(row), len(numbers))
    return numbers
