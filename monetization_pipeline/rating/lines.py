"""What goes into rating and what comes out of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.periods import Period

#: One step of an explanation: names of figures and the figures as decimal text; `tier` counts from 1.
Part = dict[str, str | int | None]


class RatingError(MonetizeError):
    """Usage that cannot be priced."""


class LineKind(StrEnum):
    """What a line charges for."""

    USAGE = "usage"
    FEE = "fee"


@dataclass(frozen=True, slots=True)
class Usage:
    """Quantity of one meter for one segment and group in one billing period.

    `period` is the full period. `grouping` names the dimensions grouped by, `group` is the canonical JSON object of
    their values, `{}` when there are none.
    """

    company_id: str
    subscription_id: str
    plan_id: str
    segment_start: datetime
    segment_end: datetime | None
    period: Period
    meter_id: str
    grouping: tuple[str, ...]
    group: str
    quantity: Decimal
    events: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What one price model makes of a quantity: the amounts of the parts add up to `amount`."""

    amount: Decimal
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class RatedLine:
    """Usage, or a fee, times a price.

    `amount` is exact: at most 24 digits after the point, unrounded. `quantity` is the metered one, before transform and
    included units; 1 for a fee. `period_start` and `period_end` are the full period clipped to the segment.
    `explanation` is a JSON object; see `rating.engine`.
    """

    line_id: str
    company_id: str
    subscription_id: str
    plan_id: str
    price_id: str
    meter_id: str | None
    kind: LineKind
    currency: str
    bill_at: datetime
    period_start: datetime
    period_end: datetime
    full_period_start: datetime
    full_period_end: datetime
    group: str
    quantity: Decimal
    amount: Decimal
    description: str
    explanation: str
