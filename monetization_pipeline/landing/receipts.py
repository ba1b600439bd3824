"""The days on which files can be received: what lies outside them can never be ingested."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ids import instant_text


class ReceiptError(MonetizeError):
    """An instant at which no file can be received; nothing was taken in."""


@dataclass(frozen=True, slots=True)
class Receipts:
    """From the first UTC day of the first billing period until now."""

    first: date
    now: datetime

    def problem(self, day: date) -> str | None:
        """Why what was received on a UTC day cannot be ingested, in words."""
        if day < self.first:
            return f"{day} lies before {self.first} (the setting MONETIZATION_FIRST_MONTH)"
        if day > self.now.astimezone(UTC).date():
            return f"{day} is still to come"
        return None

    def check(self, received_at: datetime) -> None:
        """Raise ReceiptError for an instant at which nothing can be received."""
        problem = self.problem(received_at.astimezone(UTC).date())
        if problem is None and received_at > self.now:
            problem = f"{instant_text(received_at)} is still to come"
        if problem is not None:
            raise ReceiptError(
                f"nothing can be received at {instant_text(received_at)}: {problem}. Mend --received-at, or this "
                "machine's clock; nothing was taken in"
            )
