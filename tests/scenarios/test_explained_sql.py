"""The SQL that `explain` shows runs, and gives the line's quantity."""

from decimal import Decimal

import duckdb
import pytest

from monetization_pipeline.catalog.models import Aggregation, Meter
from monetization_pipeline.metering.meters import meter_sql
from monetization_pipeline.reports.explain import _quantity

ROWS = """
    CREATE TABLE events AS FROM (VALUES
        (1, TIMESTAMPTZ '2023-07-01', 'a', '1', '{"v": "2.5", "k": "x"}'),
        (3, TIMESTAMPTZ '2023-07-02', 'a', '2', '{"v": 7, "k": "y"}'),
        (1, TIMESTAMPTZ '2023-07-02', 'a', '3', '{"v": "0.5", "k": "x"}'))
    AS rows(weight, occurred_at, source, event_id, metadata)"""

QUANTITIES = [
    (Aggregation.COUNT, None, Decimal(5)),
    (Aggregation.SUM, "metadata.v", Decimal(10)),
    (Aggregation.MIN, "metadata.v", Decimal("0.5")),
    (Aggregation.MAX, "metadata.v", Decimal(7)),
    (Aggregation.LATEST, "metadata.v", Decimal("0.5")),
    (Aggregation.UNIQUE_COUNT, "metadata.k", Decimal(2)),
]


@pytest.mark.parametrize(("aggregation", "value", "quantity"), QUANTITIES, ids=[case[0].value for case in QUANTITIES])
def test_the_shown_sql_gives_the_quantity(aggregation: Aggregation, value: str | None, quantity: Decimal) -> None:
    meter = meter_sql(Meter(meter_id="m", aggregation=aggregation, value=value))
    with duckdb.connect() as connection:
        connection.execute(ROWS).fetchall()
        rows = connection.execute(f"SELECT {_quantity(meter)} FROM events").fetchall()
    assert Decimal(rows[0][0]) == quantity
