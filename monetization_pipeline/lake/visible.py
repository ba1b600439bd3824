"""Rows of the datasets that only grow, as a run may see them: of listed batches, and in a look back until then."""

from collections.abc import Collection
from typing import Any

from monetization_pipeline.datasets import DatasetSpec
from monetization_pipeline.engines.address import Address
from monetization_pipeline.engines.base import Session
from monetization_pipeline.expressions.quoting import instant_literal
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.rows import read_rows
from monetization_pipeline.lake.table import CommittedFile


def view_received(session: Session, name: str, lake: Lake, spec: DatasetSpec, batches: Collection[str]) -> None:
    """Make the rows of some batches readable under `name`; in a look back, those received until its instant."""
    files = visible_files(lake, spec, batches)
    if lake.as_of is None:
        session.view(name, spec.schema, files)
        return
    # A file holds what was received on one day, which may be before and after the instant.
    whole = f"{name}_of_any_time"
    session.view(whole, spec.schema, files)
    session.define(name, f"SELECT * FROM {whole} WHERE received_at <= {instant_literal(lake.as_of)}")


def received_rows(lake: Lake, spec: DatasetSpec, batches: Collection[str]) -> list[dict[str, Any]]:
    """The rows of some batches, values by column; in a look back, those received until its instant."""
    rows = read_rows(visible_files(lake, spec, batches))
    return rows if lake.as_of is None else [row for row in rows if row["received_at"] <= lake.as_of]


#: A batch's id begins with its received day, in so many digits; the name of a file made of several with this and it.
DAY_DIGITS = 8

COMPACTED = "all"


def visible_files(lake: Lake, spec: DatasetSpec, batches: Collection[str]) -> list[Address]:
    """Committed files of a dataset by batches that hold rows of any of `batches`.

    A file that was made of several may hold rows of other batches of that received day too, all of them listed.
    """
    return sorted(file.address for file in visible_committed(lake, spec, batches))


def visible_committed(
    lake: Lake, spec: DatasetSpec, batches: Collection[str], partitions: Collection[str] | None = None
) -> list[CommittedFile]:
    """Files that show, with partition and size, of the given partitions or of all, in the order of the log."""
    wanted = {*batches, *(f"{COMPACTED}{batch[:DAY_DIGITS]}" for batch in batches)}
    return [file for file in lake.table(spec).committed(partitions) if file.address.name.partition("-")[0] in wanted]
