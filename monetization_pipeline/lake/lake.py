"""All datasets under one root; or, for a look back, what is made anew under a root of its own."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monetization_pipeline.datasets import LANDING_FILES, DatasetSpec
from monetization_pipeline.lake.table import Table

if TYPE_CHECKING:
    from monetization_pipeline.lake.ingest_log import IngestLog


class Lake:
    """The tables of one root, opened once each.

    A look back has `as_of`, and `received`: the lake that holds what was received. Those datasets are read there, and
    only what was received until `as_of`; nothing is ever added to them from here.
    """

    def __init__(self, root: Path, received: "Lake | None" = None, as_of: datetime | None = None) -> None:
        self.root = root
        self.received = received
        self.as_of = as_of
        self._tables: dict[str, Table] = {}
        #: The ingest log as it was last read; `read_log` knows whether it still is.
        self.remembered_log: IngestLog | None = None

    def table(self, spec: DatasetSpec) -> Table:
        """The table of a dataset; in a look back, for what was received, that of the main lake."""
        if self.received is not None and (spec.by_batch or spec is LANDING_FILES):
            return self.received.table(spec)
        if spec.name not in self._tables:
            self._tables[spec.name] = Table(self.root, spec)
        return self._tables[spec.name]

    @property
    def landing_files(self) -> Table:
        """The table of ingested files, which decides which batches are visible."""
        return self.table(LANDING_FILES)
