"""What brings something in: files, voids."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monetization_pipeline.cli.group import main, with_settings
from monetization_pipeline.cli.terminal import InstantType
from monetization_pipeline.clock import utc_now

if TYPE_CHECKING:
    from monetization_pipeline.settings import Settings
    from monetization_pipeline.steps.pipeline import Pipeline


@main.command()
@click.option("--source", required=True, help="A source declared in sources/.")
@click.option("--received-at", type=InstantType(), help="When the files were received; for history. Default: now.")
@click.option(
    "--watch", is_flag=True, help="Go on, and take in each file that appears in the folders, once it is whole."
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@with_settings
def ingest(
    settings: "Settings",
    pipeline: "Pipeline",
    *,
    source: str,
    received_at: datetime | None,
    watch: bool,
    paths: tuple[Path, ...],
) -> None:
    """Take files into landing and ingest them. A file that is known already changes nothing.

    A folder stands for the files in and below it, a path such as 'logs/**/*.gz' for those it matches.
    """
    from monetization_pipeline.cli import printing, show_work
    from monetization_pipeline.definitions import ingest_days
    from monetization_pipeline.landing.receiving import receive

    if watch:
        if received_at is not None:
            raise click.UsageError("--watch receives files as they come: leave out --received-at")
        _watch(settings, pipeline, source, paths)
        return
    received = receive(pipeline.landing, pipeline.home.sources, source, paths, received_at or utc_now())
    with printing.progress("ingesting") as report:
        ingested = ingest_days(settings, pipeline, sorted({file.received_on for file in received}), report)
    show_work.show_ingest(received, ingested)


def _watch(settings: "Settings", pipeline: "Pipeline", source: str, folders: tuple[Path, ...]) -> None:
    import signal
    from threading import Event

    from monetization_pipeline.automation.watching import Telling, keep_ingesting
    from monetization_pipeline.cli import printing, show_work
    from monetization_pipeline.definitions import ingest_days
    from monetization_pipeline.landing.watching import watch

    watched = watch(pipeline.landing, pipeline.home.sources, source, folders)
    stop = Event()

    def interrupted(*_: object) -> None:
        # Once more: whoever asks does not want to wait for what is being done.
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    click.echo(f"watching {', '.join(map(str, folders))}; interrupt to stop", err=True)
    # While a run is at work the signal is Dagster's, and comes out of it as an interrupt.
    with suppress(KeyboardInterrupt), printing.progress("ingesting") as report:
        keep_ingesting(
            watched,
            lambda days: ingest_days(settings, pipeline, days, report),
            Telling(show_work.show_ingest, lambda problem: click.echo(f"error: {problem}", err=True)),
            utc_now,
            stop,
        )
    click.echo("stopped", err=True)


@main.command()
@click.argument("event_id")
@click.option("--source", required=True, help="The source that the event came from.")
@click.option("--reason", required=True, help="Why, in words; kept with the void.")
@with_settings
def void(settings: "Settings", pipeline: "Pipeline", event_id: str, source: str, reason: str) -> None:
    """Take an event back: it is charged to nobody, also where it is still to come. What is booked stays booked."""
    from monetization_pipeline.cli import printing, show_work
    from monetization_pipeline.definitions import ingest_days
    from monetization_pipeline.lake.listing import read_log
    from monetization_pipeline.landing.voids import Void, land_void

    known = read_log(pipeline.lake).sources
    asked = Void(source, event_id, reason)
    landed = land_void(pipeline.landing, pipeline.home.sources, known, asked, utc_now())
    with printing.progress("ingesting") as report:
        ingested = ingest_days(settings, pipeline, [landed.received_on], report)
    show_work.show_void(ingested, landed)
