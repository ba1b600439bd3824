"""Asset checks: what the verdicts of `standing/verdicts.py` say, blocking within a run.

Dagster holds a run up where a check fails; publishing asks the same verdicts itself and never looks at these results.
"""

from collections.abc import Sequence

import dagster as dg

from monetization_pipeline.checks.customers import customer_checks
from monetization_pipeline.checks.up_to_date import up_to_date_checks
from monetization_pipeline.checks.verdicts import verdict_checks
from monetization_pipeline.clock import Clock
from monetization_pipeline.partitions import Grids
from monetization_pipeline.publishing.registry import Registered


def all_checks(provider: Registered, grids: Grids, clock: Clock) -> Sequence[dg.AssetChecksDefinition]:
    """Every asset check."""
    return [*verdict_checks(provider.invoices, grids), *customer_checks(), *up_to_date_checks(clock)]
