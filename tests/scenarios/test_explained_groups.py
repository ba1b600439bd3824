"""What `explain` shows of a grouped line selects the events of that line."""

import duckdb
from workshop import Workshop, event, lines

from monetization_pipeline.datasets import EVENTS
from monetization_pipeline.reports.explain import explain
from monetization_pipeline.steps.rated_lines import read_lines

MONTH = "2023-07"
CATALOG: dict[str, object] = {
    "meters": [{"meter_id": "calls", "aggregation": "count", "dimensions": ["metadata.model"]}],
    "plans": [
        {
            "plan_id": "p",
            "currency": "USD",
            "interval": "month",
            "prices": [
                {
                    "price_id": "x",
                    "model": "per_unit",
                    "meter": "calls",
                    "unit_amount": "1",
                    "group_by": ["metadata.model"],
                }
            ],
        }
    ],
}


def test_the_sql_of_a_group_counts_its_events_also_where_the_dimension_is_absent(shop: Workshop) -> None:
    shop.catalog(CATALOG)
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    models = [{"model": "it's"}, {"model": "it's"}, {"model": "None"}, {}, {}, {}]
    shop.place("logs", lines(event(number, m=metadata) for number, metadata in enumerate(models)))
    shop.run(MONTH)
    found: dict[str, tuple[int, int, int]] = {}
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        paths = [file.text for file in shop.pipeline.lake.table(EVENTS).files()]
        connection.read_parquet(paths).create_view("events")
        for line in read_lines(shop.pipeline, MONTH):
            explained = explain(shop.pipeline, line.line_id)
            (row,) = connection.execute(explained.sql).fetchall()
            found[line.group] = (int(line.quantity), explained.events, row[0])
    assert found == {
        '{"metadata.model":"it\'s"}': (2, 2, 2),
        '{"metadata.model":"None"}': (1, 1, 1),
        '{"metadata.model":null}': (3, 3, 3),
    }
