"""What a user can mend ends a Dagster step with its message, not with a stack trace."""

from collections.abc import Callable
from typing import TypeVar

import dagster as dg

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.lake.table import ConcurrentCommitError

_T = TypeVar("_T")


def run_step(work: Callable[[], _T]) -> _T:
    """What `work` returns. Where another process committed the same partition meanwhile, it is run once more.

    Raises dagster's Failure, never to be retried, with the text of a MonetizeError.
    """
    try:
        try:
            return work()
        except ConcurrentCommitError:
            return work()
    except MonetizeError as error:
        raise dg.Failure(str(error), metadata={"error": type(error).__name__}, allow_retries=False) from None
