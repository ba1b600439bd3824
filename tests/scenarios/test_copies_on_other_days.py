"""An id is one event, on the day that its first copy says, also where several days are built at once."""

from workshop import Workshop, event, lines

from monetization_pipeline.datasets import EVENTS
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.steps import events


def test_a_later_copy_on_an_earlier_day_is_no_event(shop: Workshop) -> None:
    quiet = event(1, at="2023-07-01T12:00:00Z")
    first, copy = event(2, at="2023-07-03T12:00:00Z"), event(2, at="2023-07-02T12:00:00Z")
    shop.take(lines([quiet, first, copy]))
    states = events.build(
        shop.pipeline, shop.known(), [day.isoformat() for day in sorted(read_log(shop.pipeline.lake).days)]
    )
    found = [(row["occurred_on"].day, row["line"]) for row in shop.rows(EVENTS)]
    assert sorted(found) == [(1, 1), (3, 2)]
    assert [state.counts["conflicts"] for state in states.values()] == [0, 1, 0]
