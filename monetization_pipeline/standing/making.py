"""Making what is out of date of billing periods, grid by grid along the road."""

from collections.abc import Callable, Sequence

from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import WHOLE
from monetization_pipeline.standing.out_of_date import Judged, event_days, out_of_date, received_days
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.road import Grid, row_of

#: Makes what is out of date of one grid, which may be nothing.
Make = Callable[[Known, Grid, Judged], None]


def bring_up_to_date(pipeline: Pipeline, catalog: Catalog, months: Sequence[str], make: Make) -> Known:
    """Have everything of some billing periods made that is out of date, from landing to draft invoices.

    Each grid is judged once what comes before it was made. Returns what was known of customers and catalog, which is
    read once for all of it.
    """
    known = Known.by(pipeline, catalog)

    def bring(grid: Grid, partitions: Sequence[str]) -> None:
        make(known, grid, out_of_date(pipeline, known, grid, partitions))

    bring(Grid.RECEIVED_DAYS, received_days(pipeline))
    bring(Grid.WHOLE, [WHOLE])
    bring(Grid.EVENT_DAYS, sorted({day for month in months for day in event_days(known, month)}))
    for month in months:
        bring(Grid.BILLING_PERIODS, [month])
    return known


def making_here(pipeline: Pipeline, say: Callable[[str, Sequence[str]], None]) -> Make:
    """Makes it in this process, without Dagster; `say` is told each dataset and its partitions beforehand."""

    def make(known: Known, _: Grid, judged: Judged) -> None:
        for dataset in judged.datasets:
            say(dataset, judged.of(dataset))
            row_of(dataset).build(pipeline, known, judged.of(dataset))

    return make
