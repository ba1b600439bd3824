"""Small charts in Dagster's UI, and the numbers that it plots by itself over the partitions.

A plot needs its name in every partition: what there is none of is shown as zero.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import dagster as dg

from monetization_pipeline.assets.faces import Metadata, amounts_metadata
from monetization_pipeline.assets.summaries import sums
from monetization_pipeline.datasets.spec import DatasetSpec
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.reports.charts import image_bars
from monetization_pipeline.reports.usage_days import MeterDays
from monetization_pipeline.steps.pipeline import Pipeline

_DAYS, _PERIODS = 31, 12
#: Images that one materialization holds: the event log keeps every one of them.
_IMAGES = 4
_PLOTS = 20

_Charts = Mapping[str, Sequence[tuple[str, Decimal]]]


def days_before(states: Mapping[str, PartitionState], day: date, bucket: str) -> Metadata:
    """One of the counts of each of the days that end with this one."""
    days = [(day - timedelta(days=back)).isoformat() for back in reversed(range(_DAYS))]
    return _images({f"{bucket} per day": [(each, Decimal(_count(states.get(each), bucket))) for each in days]})


def usage_per_day(meters: Sequence[MeterDays]) -> Metadata:
    """Of each of the first meters that were used in a billing period."""
    return _images(
        {
            f"{meter.meter_id} per day ({meter.measure})": [
                (day.isoformat(), figure) for day, figure in meter.days.items()
            ]
            for meter in meters
        }
    )


def amounts_of_periods(pipeline: Pipeline, spec: DatasetSpec, month: str, name: str, value: str) -> Metadata:
    """Amounts of a billing period, to be plotted for each currency of the periods before it, which a chart shows."""
    made = pipeline.lake.table(spec).states()
    months = sorted({month, *(each for each in made if each < month)})[-_PERIODS:]
    by_month = {each: dict(rows) for each, rows in sums(pipeline, spec, months, ["currency"], value).items()}
    currencies = sorted({currency for amounts in by_month.values() for currency in amounts})
    history = {
        currency: [(each, by_month.get(each, {}).get(currency, Decimal(0))) for each in months]
        for currency in currencies
    }
    return {
        **_images({f"{name} {currency} by period": points for currency, points in history.items()}),
        **amounts_metadata(name, {currency: points[-1][1] for currency, points in history.items()}),
    }


def plots(name: str, unit: Sequence[str], figures: Mapping[str, Decimal | int]) -> Metadata:
    """A number for each of the first of `unit`, such as the catalog's meters. Exact figures are shown elsewhere."""
    return {f"{name} {each} (plot)": float(figures.get(each, 0)) for each in unit[:_PLOTS]}


def _count(state: PartitionState | None, bucket: str) -> int:
    return 0 if state is None else state.counts.get(bucket, 0)


def _images(charts: _Charts) -> Metadata:
    shown = list(charts.items())[:_IMAGES]
    return {title: dg.MetadataValue.md(image_bars(title, points) or "none") for title, points in shown}
