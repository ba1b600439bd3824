"""Rows of the datasets that only grow, as a run may see them: in a look back, what was received until then."""

from collections.abc import Collection
from typing import Any

from monetization_pipeline.datasets import DatasetSpec
from monetization_pipeline.engines.base import Session
from monetization_pipeline.lake.ingest_log import visible_files
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.steps.tables import read_rows


def view_received(session: Session, name: str, lake: Lake, spec: DatasetSpec, batches: Collection[str]) -> None:
    """Make the rows of some batches readable under `name`."""
    files = visible_files(lake, spec, batches)
    if lake.as_of is None:
        session.view(name, spec.schema, files)
        return
    # A file holds what was received on one day, which may be before and after the instant.
    session.view(f"{name}_of_any_time", spec.schema, files)
    session.run("SET VARIABLE received_until = CAST(? AS TIMESTAMPTZ)", [lake.as_of])
    session.run(f"""
        CREATE OR REPLACE TEMP VIEW {name} AS
        SELECT * FROM {name}_of_any_time WHERE received_at <= getvariable('received_until')""")


def received_rows(lake: Lake, spec: DatasetSpec, batches: Collection[str]) -> list[dict[str, Any]]:
    """The rows of some batches."""
    rows = read_rows(visible_files(lake, spec, batches))
    return rows if lake.as_of is None else [row for row in rows if row["received_at"] <= lake.as_of]
