"""The job that keeps a working folder tidy, and when it runs."""

from collections.abc import Sequence

import dagster as dg

from monetization_pipeline.clock import Clock
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.standing.maintenance import Chore, Tidied, maintain

MAINTENANCE = "maintenance"


def maintenance_job(clock: Clock) -> dg.JobDefinition:
    """One job for all of it: it takes part in no partition, and may run beside everything else."""

    @dg.op(description="Does all of it, one thing after another.")
    def tidy_up(context: dg.OpExecutionContext, pipeline: PipelineResource) -> None:
        done = run_step(lambda: maintain(pipeline.pipeline(), clock()))
        for tidied in done:
            context.log.info("%s: %d files, %d bytes, %s", tidied.place, tidied.files, tidied.size, tidied.chore)
        context.add_output_metadata(_summary(done))

    @dg.job(
        name=MAINTENANCE,
        description="Compact small files of the lake; remove landing files and replaced files that are kept no longer, "
        "and what killed processes left. Changes no figure.",
    )
    def maintenance() -> None:
        tidy_up()

    return maintenance


def maintenance_schedule(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Every Sunday night."""
    return dg.ScheduleDefinition(
        name=MAINTENANCE,
        job=job,
        cron_schedule="30 3 * * 0",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Tidies up every Sunday at 03:30 UTC.",
    )


def _summary(done: Sequence[Tidied]) -> dict[str, int]:
    """Numbers under the same names each time, so that they can be plotted."""
    return {
        f"{chore.name.lower()} {unit}": sum(getattr(tidied, name) for tidied in done if tidied.chore is chore)
        for chore in Chore
        for unit, name in (("files", "files"), ("bytes", "size"))
    }
