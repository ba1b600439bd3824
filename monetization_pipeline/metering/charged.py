"""SQL of who is charged for what: events, or groups of like events, joined with pieces of companies' time (rule 4).

Reads `charges` (see `metering.payers`). Sets of meters are bit masks: bit `i % 60` of the column `<name>_<i // 60>` is
the meter at position i.
"""

from collections.abc import Iterable, Sequence

from monetization_pipeline.catalog.models import Aggregation
from monetization_pipeline.metering.meters import MeterSql

#: Where an event can lie, the first that fits (rule 6).
BUCKETS = (
    "metered",
    "no_company",
    "no_meter",
    "blocked",
    "meter_refused",
    "ambiguous_subscription",
    "no_subscription",
)
METERED = BUCKETS[0]

#: Bits of `facts`: a meter selects the event; one of them is not kept off by its being blocked; one of those cannot use
#: its value; it stands for another number of calls than one.
SELECTED, PASSED, REFUSED, WEIGHTED = 1, 2, 4, 8

#: Meters in one mask, a BIGINT.
_BITS = 60


def mask_columns(name: str, meters: int) -> list[str]:
    """The columns that hold a set of so many meters."""
    return [f"{name}_{number}" for number in range(max(1, -(-meters // _BITS)))]


def mask_values(members: Sequence[bool]) -> list[int]:
    """A set of meters as the values of its columns."""
    starts = range(0, max(1, len(members)), _BITS)
    return [sum(1 << bit for bit, inside in enumerate(members[start : start + _BITS]) if inside) for start in starts]


def holds(name: str, index: int) -> str:
    """Condition: whether the meter at a position is in a set."""
    number, bit = divmod(index, _BITS)
    return f"({name}_{number} & {1 << bit}) <> 0"


def packed(conditions: Sequence[str], name: str) -> str:
    """Columns, each after a comma, of the set of the meters whose condition holds."""
    columns: list[str] = []
    for column, start in zip(
        mask_columns(name, len(conditions)), range(0, max(1, len(conditions)), _BITS), strict=True
    ):
        bits = [
            f"CASE WHEN {condition} THEN {1 << bit} ELSE 0 END"
            for bit, condition in enumerate(conditions[start : start + _BITS])
        ]
        columns.append(f", CAST({' + '.join(bits) or '0'} AS BIGINT) AS {column}")
    return "".join(columns)


def charged_sql(judged: str, meters: Sequence[MeterSql], charges: str, instant: str) -> str:
    """Each row of the query `judged` once for every charge that it may fall under, and once where there is none.

    `judged` has payer, subscription_id, facts and the set `used` (meters that can use the value); `instant` is its
    column that says when. Added are row_no, zone, counts (true on one of the rows that an event becomes), the set
    `falls` (charged to this row's subscription), weighted (a meter that weight does not multiply met another weight
    than 1), refused and ambiguous (for any meter), and bucket (position in BUCKETS).
    """
    masks = range(len(mask_columns("used", len(meters))))
    valued = mask_values([meter.meter.aggregation is not Aggregation.COUNT for meter in meters])

    def charged(number: int, unnamed: str) -> str:
        chosen = f"CASE WHEN subscription_id IS NULL THEN {unnamed}_{number} ELSE priced_{number} END"
        return f"used_{number} & coalesce({chosen}, 0)"

    weighted = " OR ".join(f"({charged(number, 'company')} & {valued[number]}) <> 0" for number in masks)
    falls = ", ".join(f"{charged(number, 'charged')} AS falls_{number}" for number in masks)
    ambiguous = _any(f"(used_{number} & ambiguous_{number}) <> 0" for number in masks)
    bucket = f"""CASE
        WHEN {_any(f"({charged(number, 'company')}) <> 0" for number in masks)} THEN 0
        WHEN payer IS NULL THEN 1
        WHEN (facts & {SELECTED}) = 0 THEN 2
        WHEN (facts & {PASSED}) = 0 THEN 3
        WHEN {" AND ".join(f"used_{number} = 0" for number in masks)} THEN 4
        WHEN subscription_id IS NULL AND {ambiguous} THEN 5
        ELSE 6 END"""
    sets = ", ".join(
        f"charges.{column}"
        for name in ("priced", "charged", "company", "ambiguous")
        for column in mask_columns(name, len(meters))
    )
    return f"""
        SELECT *, {falls}, coalesce((facts & {WEIGHTED}) <> 0 AND ({weighted}), false) AS weighted,
            (facts & {REFUSED}) <> 0 AS refused, subscription_id IS NULL AND {ambiguous} AS ambiguous,
            {bucket} AS bucket
        FROM (
            SELECT judged.*, charges.row_no, charges.zone, {sets},
                charges.row_no IS NULL OR charges.is_first OR judged.subscription_id IS NOT NULL AS counts
            FROM ({judged}) AS judged
            LEFT JOIN {charges} AS charges ON judged.payer = charges.company_id
                AND judged.{instant} >= charges.from_at AND judged.{instant} < charges.to_at
                AND (judged.subscription_id IS NULL OR judged.subscription_id = charges.subscription_id))"""


def _any(conditions: Iterable[str]) -> str:
    """Whether any holds; unknown counts as not."""
    return f"coalesce({' OR '.join(conditions)}, false)"
