"""A verdict as the result of an asset check."""

from collections.abc import Sequence

import dagster as dg

_SHOWN = 20


def result_of(
    problems: Sequence[str], severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
) -> dg.AssetCheckResult:
    """Passed where there are no problems; else a failure that names them."""
    shown = [*problems[:_SHOWN], *([f"… and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else [])]
    return dg.AssetCheckResult(
        passed=not problems,
        severity=severity,
        description="\n".join(shown) or None,
        metadata={"problems": len(problems)},
    )


def keys_of(context: dg.AssetCheckExecutionContext) -> Sequence[str]:
    """The partitions that a check was asked about."""
    return context.partition_keys
