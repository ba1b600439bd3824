"""The maintenance job: it tidies a working folder, shows what it did, and runs every Sunday."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster_folder import Folder
from workshop import Workshop, event, lines

from monetization_pipeline.automation.maintenance import MAINTENANCE, maintenance_job
from monetization_pipeline.datasets import RAW_EVENTS
from monetization_pipeline.lake.lake import Lake


def test_the_job_tidies_the_folder_and_shows_what_it_did(tmp_path: Path, folder_of: Callable[..., Folder]) -> None:
    shop = Workshop(tmp_path / "home")
    shop.source("logs")
    for number in range(9):
        shop.take(lines([event(number)]))
    folder = folder_of()
    job = maintenance_job(lambda: datetime.now(UTC) + timedelta(hours=2))
    resources = folder.definitions.resources or {}
    result = job.execute_in_process(instance=folder.instance, resources={"pipeline": resources["pipeline"]})
    assert result.success
    assert len(Lake(shop.pipeline.lake.root).table(RAW_EVENTS).files()) == 1
    (output,) = result.filter_events(lambda event: event.is_successful_output)
    shown = {name: value.value for name, value in output.step_output_data.metadata.items()}
    assert shown["compacted files"] == 9
    assert shown["compacted bytes"] > 0
    assert (shown["replaced files"], shown["abandoned files"], shown["ingested files"]) == (0, 0, 0)


def test_the_schedule_runs_by_itself_every_sunday_night(tmp_path: Path, folder_of: Callable[..., Folder]) -> None:
    (tmp_path / "home").mkdir()
    repository = folder_of().definitions.get_repository_def()
    schedule = repository.get_schedule_def(MAINTENANCE)
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 3 * * 0", "UTC")
