"""What goes into rating and what comes out of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ids import hash_list, instant_text, json_text
from monetization_pipeline.periods import Period

#: One step of an explanation: names of figures and the figures as decimal text; `tier` counts from 1.
Part = dict[str, str | int | None]

#: The group of a price that does not group.
UNGROUPED = "{}"


class RatingError(MonetizeError):
    """Usage that cannot be priced."""


class LineKind(StrEnum):
    """What a line charges for."""

    USAGE = "usage"
    FEE = "fee"


@dataclass(frozen=True)
class Span:
    """The time that a line is for: a full billing period, and the part of it that its segment is active."""

    full: Period
    active: Period

    @classmethod
    def of(cls, full: Period, segment_start: datetime, segment_end: datetime | None) -> "Span":
        """The full period clipped to a segment, which must overlap it."""
        end = full.end if segment_end is None or segment_end > full.end else segment_end
        return cls(full, Period(max(segment_start, full.start), end))

    @cached_property
    def _start_text(self) -> str:
        return instant_text(self.active.start)

    @cached_property
    def _full_text(self) -> str:
        return f'"{instant_text(self.full.start)}","{instant_text(self.full.end)}"'

    def line_hash(self, subscription_id: str, price_id: str, group: str, kind: str) -> bytes:
        """What the id of a line is made of (rule 18): not the end, as a segment may be ended later.

        `group` is the canonical JSON object of the group, `kind` the text of a LineKind.
        """
        subscription, price, grouped = json_text(subscription_id), json_text(price_id), json_text(group)
        return hash_list(f'[{subscription},"{self._start_text}",{price},{grouped},{self._full_text},"{kind}"]')


#: What finds the prices of a usage row: plan_id, meter_id and the dimensions grouped by.
PricedBy = tuple[str, str, tuple[str, ...]]

#: What of a usage row decides its lines: its prices, subscription_id, span, group, and the metered quantity.
#: A bare tuple: there may be millions.
UsageRow = tuple[PricedBy, str, Span, str, Decimal]


@dataclass(frozen=True, slots=True)
class RatedLine:
    """Usage, or a fee, times a price.

    `amount` is exact: at most 24 digits after the point, unrounded. `quantity` is the metered one, before transform and
    included units; 1 for a fee. `period_start` and `period_end` are the full period clipped to the segment.
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
