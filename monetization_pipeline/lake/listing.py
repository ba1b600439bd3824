"""The log of what was ingested (`landing_files`): read, and added to."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from monetization_pipeline.datasets import LANDING_FILES, WHOLE
from monetization_pipeline.datasets.arrow import named_types
from monetization_pipeline.engines.address import Address
from monetization_pipeline.lake import disk
from monetization_pipeline.lake.ingest_log import MANY_FILES, IngestedFile, IngestLog, TouchedDay
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile


def read_log(lake: Lake) -> IngestLog:
    """The log of ingested files as it is now; in a look back, of those that were received until its instant."""
    known = lake.remembered_log
    if lake.received is not None and lake.as_of is not None:
        whole = read_log(lake.received)
        if known is None or known.claim != whole.claim or known.addresses != whole.addresses:
            known = lake.remembered_log = whole.until(lake.as_of)
        return known
    table = lake.landing_files
    claim = table.claim()
    files = table.files()
    if known is not None and known.claim == claim and known.addresses == files:
        return known
    if known is not None and set(known.addresses) <= set(files):
        log = known.extended(parse_files(set(files) - set(known.addresses)), claim, files)
    else:
        log = IngestLog(parse_files(files), claim, files)
    lake.remembered_log = log
    return log


def add_to_log(lake: Lake, log: IngestLog, files: Iterable[IngestedFile]) -> None:
    """List files as ingested: from here on their batch is visible.

    Raises ConcurrentCommitError where somebody else listed files since `log` was read.
    """
    table = lake.landing_files
    # Stamped as the commit itself is, by the machine's clock: when this became visible, and to no run before.
    visible_from = datetime.now(UTC)  # noqa: TID251 - a stamp, no figure
    stamped = [_row(replace(file, ingested_at=visible_from)) for file in files]
    added = pa.Table.from_pylist(stamped, LANDING_FILES.schema)
    compact = len(log.addresses) >= MANY_FILES
    content = pa.concat_tables([log.rows, added]) if compact else added
    address = table.new_path()
    disk.write(content, address)
    new = [NewFile(address, WHOLE, content.num_rows)]
    state = PartitionState(fingerprint="", rows=len(log) + added.num_rows)
    if compact:
        table.replace(log.claim, new, {WHOLE: state})
    else:
        table.extend(log.claim, new, state)
    lake.remembered_log = log.extended(added, log.claim, [address] if compact else sorted([*log.addresses, address]))


def parse_files(files: Iterable[Address]) -> pa.Table:
    """Rows of `landing_files` out of Parquet files, by their names; without a file, an empty table."""
    tables = [_with_added(disk.read(file)).cast(LANDING_FILES.schema) for file in sorted(files)]
    return pa.concat_tables([LANDING_FILES.schema.empty_table(), *tables])


def _with_added(rows: pa.Table) -> pa.Table:
    """Rows with the columns that came later, absent, where an earlier version wrote them."""
    for name, kind in named_types(LANDING_FILES.schema):
        if name not in rows.schema.names:
            rows = rows.append_column(name, pa.array([None] * rows.num_rows, kind))
    return rows.select(LANDING_FILES.schema.names)


def _row(file: IngestedFile) -> dict[str, Any]:
    row = {name: getattr(file, name) for name in IngestedFile.__slots__}
    days = [{name: getattr(day, name) for name in TouchedDay.__slots__} for day in file.days]
    return row | {"records": file.records, "received_on": file.received_on, "days": days}
