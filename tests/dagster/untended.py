"""A working folder that nobody tends: ticks of its schedule and sensors, and the runs that they launch, in process.

Time is the test's own: `at` is what the clock says.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster_folder import Folder

from monetization_pipeline.definitions import build_definitions

PARTITION_TAG = "dagster/partition"
SCHEDULE, DAYS, PERIODS = "ingest", "event_days", "billing_periods"


@dataclass
class Untended:
    """`launched` names what was launched, in order: job, partition (or first..last). `verdicts` are what the sensors
    last said of each asset: what is out of date, in words."""

    folder: Folder
    at: datetime
    launched: list[tuple[str, str]] = field(default_factory=list)
    verdicts: dict[str, str] = field(default_factory=dict)
    _keys: set[tuple[str, str]] = field(default_factory=set)
    _cursors: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.definitions = build_definitions(self.folder.settings, clock=lambda: self.at)

    def tick(self, name: str) -> str | list[tuple[str, str]]:
        """One tick and its runs: what was launched, or why nothing was."""
        requests, skipped = self.evaluate(name)
        return self.execute(name, requests) if requests else skipped

    def evaluate(self, name: str) -> tuple[Sequence[dg.RunRequest], str]:
        """What a tick asks for; nothing is run."""
        repository = self.folder.definitions.get_repository_def()
        known = {
            "instance": self.folder.instance,
            "repository_def": repository,
            "resources": {"pipeline": self.folder.definitions.resources["pipeline"]},
        }
        if name == SCHEDULE:
            with dg.build_schedule_context(scheduled_execution_time=self.at, **known) as context:
                found = repository.get_schedule_def(name).evaluate_tick(context)
        else:
            with dg.build_sensor_context(cursor=self._cursors.get(name), **known) as context:
                found = repository.get_sensor_def(name).evaluate_tick(context)
            self._cursors[name] = found.cursor
            self.verdicts |= {
                event.asset_key.to_user_string(): event.description or ""
                for event in found.asset_events
                if isinstance(event, dg.AssetCheckEvaluation)
            }
        return found.run_requests or [], found.skip_message or ""

    def execute(self, name: str, requests: Sequence[dg.RunRequest]) -> list[tuple[str, str]]:
        """The runs of a tick, as the daemon launches them: a run key that was used is passed over."""
        done: list[tuple[str, str]] = []
        for request in requests:
            if (name, request.run_key or "") in self._keys:
                continue
            self._keys.add((name, request.run_key or ""))
            job = request.job_name or self._job(name)
            self.folder.definitions.resolve_job_def(job).execute_in_process(
                instance=self.folder.instance,
                asset_selection=list(request.asset_selection or ()) or None,
                partition_key=request.partition_key,
                tags={key: value for key, value in request.tags.items() if key != PARTITION_TAG},
                raise_on_error=False,
            )
            done.append((job, named(request)))
        self.launched += done
        return done

    def round(self) -> None:
        """One tick of the schedule and one of each sensor, each after the runs before it have ended."""
        for name in (SCHEDULE, DAYS, PERIODS):
            self.tick(name)

    def drop(self, source: str, name: str, content: bytes) -> Path:
        """A file into a source's inbox, written long ago enough."""
        inbox = self.folder.pipeline.landing.inbox(source)
        inbox.mkdir(parents=True, exist_ok=True)
        path = inbox / name
        path.write_bytes(content)
        os.utime(path, (self.at.timestamp() - 60, self.at.timestamp() - 60))
        return path

    def _job(self, name: str) -> str:
        repository = self.folder.definitions.get_repository_def()
        definition = repository.get_schedule_def(name) if name == SCHEDULE else repository.get_sensor_def(name)
        return definition.job_name


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def named(request: dg.RunRequest) -> str:
    first = request.tags.get("dagster/asset_partition_range_start")
    if first is not None:
        return f"{first}..{request.tags['dagster/asset_partition_range_end']}"
    return request.partition_key or ""
