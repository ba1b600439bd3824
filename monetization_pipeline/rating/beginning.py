"""What is billed here, and what was billed elsewhere before (docs/rules.md, "Billing periods"; rule 23)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from monetization_pipeline.periods import add_months, local_midnight, month_key


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where billing here begins: on a `day` in each company's zone; None is since ever."""

    day: date | None
    zone_of: Callable[[str], str]

    def elsewhere(self, company_id: str, start: datetime) -> bool:
        """Whether a line for a time that begins at `start` is billed elsewhere.

        >>> here = Beginning(date(2025, 1, 1), {"acme": "UTC", "berlin": "Europe/Berlin"}.__getitem__)
        >>> start = local_midnight(date(2025, 1, 1), "Europe/Berlin")
        >>> here.elsewhere("acme", start), here.elsewhere("berlin", start)
        (True, False)
        """
        return self.day is not None and start < local_midnight(self.day, self.zone_of(company_id))

    def may_concern(self, month: str) -> bool:
        """Whether lines of a billing month may be for a time before; they are for a month before it at most.

        >>> here = Beginning(date(2025, 1, 1), lambda _: "UTC")
        >>> [here.may_concern(month) for month in ("2024-12", "2025-02", "2025-03")]
        [True, True, False]
        """
        return self.day is not None and month <= add_months(month_key(self.day), 1)
