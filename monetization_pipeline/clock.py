"""The machine's clock. The doors read it, the command line and Dagster; below them, time is an argument."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """This instant."""
    return datetime.now(UTC)  # noqa: TID251 - here alone
