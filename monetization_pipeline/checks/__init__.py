"""Asset checks: what the verdicts of `steps/verdicts.py` say, blocking within a run.

Dagster holds a run up where a check fails; publishing asks the same verdicts itself and never looks at these results.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import dagster as dg

from monetization_pipeline.checks.counts import count_checks
from monetization_pipeline.checks.schema import schema_checks
from monetization_pipeline.checks.up_to_date import up_to_date_checks
from monetization_pipeline.partitions import Grids


def all_checks(grids: Grids, clock: Callable[[], datetime]) -> Sequence[dg.AssetChecksDefinition]:
    """Every asset check."""
    return [*schema_checks(grids), *count_checks(grids), *up_to_date_checks(clock)]
