"""The order of an invoice (rule 14), as one list."""

from collections.abc import Callable
from dataclasses import dataclass

from monetization_pipeline.invoicing.draft import Draft, gather
from monetization_pipeline.invoicing.rounding import round_lines
from monetization_pipeline.invoicing.total import add_up


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the order; without `work` there is no such step yet, and the next one takes what came before it."""

    name: str
    work: Callable[[Draft], Draft] | None = None


#: Up to rounding (rule 13) amounts are exact. From there on they are minor units: tax is due on what the lines show.
ORDER = (
    Step("usage and fee lines", gather),
    Step("line minimum and maximum"),
    Step("discounts"),
    Step("plan minimum"),
    Step("rounding", round_lines),
    Step("tax"),
    Step("total", add_up),
    Step("prepaid credits"),
    Step("amount due"),
)
