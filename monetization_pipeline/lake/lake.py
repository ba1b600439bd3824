"""All datasets under one root."""

from pathlib import Path
from typing import TYPE_CHECKING

from monetization_pipeline.datasets import LANDING_FILES, DatasetSpec
from monetization_pipeline.lake.table import Table

if TYPE_CHECKING:
    from monetization_pipeline.lake.ingest_log import IngestLog


class Lake:
    """The tables of one root, opened once each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tables: dict[str, Table] = {}
        #: The ingest log as it was last read; `read_log` knows whether it still is.
        self.remembered_log: IngestLog | None = None

    def table(self, spec: DatasetSpec) -> Table:
        """The table of a dataset."""
        if spec.name not in self._tables:
            self._tables[spec.name] = Table(self.root, spec)
        return self._tables[spec.name]

    @property
    def landing_files(self) -> Table:
        """What was ingested; decides which batches are visible."""
        return self.table(LANDING_FILES)
