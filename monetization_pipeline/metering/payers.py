"""SQL of who may pay: pieces of companies' time, and where within UTC days they begin or end (rule 4).

Reads what a step registers: `zone_days` (see `Payers`), and
  charging_rows  pieces of companies' time: the columns of `charges` but for masks, and set_no
  charging_sets  the sets of meters that pieces have: set_no, and the masks of `charges`
Makes `charges` and `cuts` (see `Payers`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payers:
    """Relations of a session that say who pays for what in some time, by name; instants bound `[from_at, to_at)`.

    `charges`: pieces of companies' time: row_no, company_id, zone, subscription_id, plan_id, segment_start,
    segment_end, period_start, period_end, from_at, to_at, is_first (once in a piece), and the masks `priced`,
    `charged`, `company` (charged to any subscription of the company) and `ambiguous` (see `metering.charged`).
    `cuts`: company_id, from_at, to_at: the parts, without a gap, of each UTC day within which a day, a period or a
    subscription of the company begins or ends.
    `zone_days`: zone, usage_on, from_at, to_at: the local days.
    `user_companies`: user_id, company_id, from_at, to_at, which are never NULL.
    `subscription_companies`: subscription_id, company_id.
    """

    charges: str
    cuts: str
    zone_days: str
    user_companies: str
    subscription_companies: str


def charges_sql(rows: str, sets: str) -> str:
    """Rows of `charges` from relations as `charging_rows` and `charging_sets`."""
    return f"SELECT * EXCLUDE (set_no) FROM {rows} JOIN {sets} USING (set_no)"


def cuts_sql(charges: str, zone_days: str) -> str:
    """Rows of `cuts`. Parameters: start and end of the time in which anything is cut."""
    # Midnights of UTC cut nothing: events are grouped by UTC day anyway.
    return f"""
        WITH places AS (SELECT DISTINCT company_id, zone FROM {charges}),
        bounds AS (
            SELECT company_id, from_at AS bound FROM {charges}
            UNION SELECT company_id, to_at FROM {charges}
            UNION SELECT company_id, from_at FROM places JOIN {zone_days} USING (zone)),
        inside AS (
            SELECT company_id, bound, date_trunc('day', bound AT TIME ZONE 'UTC') AS day FROM bounds
            WHERE bound > CAST(? AS TIMESTAMPTZ) AND bound < CAST(? AS TIMESTAMPTZ)
                AND bound AT TIME ZONE 'UTC' <> date_trunc('day', bound AT TIME ZONE 'UTC')),
        parts AS (
            SELECT company_id, bound, day FROM inside
            UNION SELECT company_id, day AT TIME ZONE 'UTC', day FROM inside)
        SELECT company_id, bound AS from_at,
            coalesce(lead(bound) OVER (PARTITION BY company_id, day ORDER BY bound),
                (day + INTERVAL 1 DAY) AT TIME ZONE 'UTC') AS to_at
        FROM parts"""


def companies_sql(payers: Payers) -> str:
    """How many companies there are."""
    return f"SELECT count(DISTINCT company_id) FROM {payers.charges}"


def cuts_within_sql(payers: Payers) -> str:
    """How many parts of cut days there are. Parameters: start and end of the time that they begin in."""
    return f"SELECT count(*) FROM {payers.cuts} WHERE from_at >= ? AND from_at < ?"
