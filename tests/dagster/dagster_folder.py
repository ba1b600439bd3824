"""What the tests of Dagster's face do with a working folder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from monetization_pipeline.automation.in_process import InProcess
from monetization_pipeline.automation.running import PeriodsRun, ingest_received_days, run_periods
from monetization_pipeline.definitions import build_definitions
from monetization_pipeline.landing import customer_files
from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.standing.out_of_date import reasons
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.raw_events import IngestReport

RECEIVED = datetime(2026, 11, 22, 12, tzinfo=UTC)
RECEIVED_KEY = "r2026-11-22"

#: Where a working folder keeps Dagster's instance.
KEPT = Path(".monetization") / "dagster"


@contextmanager
def opened(home: Path, **settings: Any) -> "Iterator[Folder]":
    """A working folder that has its instance."""
    wanted = Settings(home=home, **settings)
    with dg.DagsterInstance.from_config(str(home / KEPT)) as instance:
        yield Folder(wanted, build_definitions(wanted), instance)


@dataclass
class Folder:
    """A working folder, its definitions and its instance."""

    settings: Settings
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    said: list[str] = field(default_factory=list)

    @property
    def pipeline(self) -> Pipeline:
        """The folder as the steps see it, nothing remembered."""
        return pipeline_of(self.settings)

    def place(self, source: str, *paths: Path) -> None:
        """Let files and the folder's own customers enter landing; nothing is ingested."""
        pipeline = self.pipeline
        for path in paths:
            with path.open("rb") as content:
                pipeline.landing.place(source, path.name, content, RECEIVED)
        customer_files.land_files(pipeline.landing, pipeline.home.customers, RECEIVED)

    def materialize(self, job: str, assets: Sequence[str], *keys: str, **config: object) -> str:
        """One run of a job, as the UI would launch it for these partitions; its id. Assets take `config`, if any."""
        said = dict.fromkeys(assets, config) if config else {}
        return InProcess(self.definitions, self.instance).run(job, assets, keys, said)

    def ingest(self) -> IngestReport:
        """What `monetize ingest` does with the files placed."""
        return ingest_received_days(self.definitions, self.instance, self.pipeline, [RECEIVED.date()], self.said.append)

    def run(self, month: str, now: datetime = RECEIVED) -> PeriodsRun:
        """What `monetize run` does."""
        return run_periods(self.definitions, self.instance, self.pipeline, [month], now=now, report=self.said.append)

    def reasons(self, month: str) -> list[str]:
        """What keeps a billing period from being up to date."""
        pipeline = self.pipeline
        return [str(reason) for reason in reasons(pipeline, Known.now(pipeline), month)]

    def metadata(self, asset: str, key: str | None = None) -> dict[str, Any]:
        """What the newest materialization shows."""
        records = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=None if key is None else [key]), limit=1
        ).records
        materialization = records[0].asset_materialization
        assert materialization is not None
        return {name: value.value for name, value in materialization.metadata.items()}

    def runs(self) -> list[tuple[str, str]]:
        """(job, status) of every run, the first first."""
        return [(run.job_name, run.status.value) for run in reversed(self.instance.get_runs())]
