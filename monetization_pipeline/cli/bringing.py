"""What brings something in: files, voids; and what becomes of files that cannot come in."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monetization_pipeline.cli.group import as_format, main, with_pipeline, with_settings
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
    from monetization_pipeline.standing.landed import receipts

    now = utc_now()
    receipts(pipeline, now).check(received_at or now)
    if watch:
        if received_at is not None:
            raise click.UsageError("--watch receives files as they come: leave out --received-at")
        _watch(settings, pipeline, source, paths)
        return
    received = receive(pipeline.landing, pipeline.home.sources, source, paths, received_at or now)
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
    from monetization_pipeline.standing.landed import receipts

    now = utc_now()
    receipts(pipeline, now).check(now)
    known = read_log(pipeline.lake).sources
    asked = Void(source, event_id, reason)
    landed = land_void(pipeline.landing, pipeline.home.sources, known, asked, now)
    with printing.progress("ingesting") as report:
        ingested = ingest_days(settings, pipeline, [landed.received_on], report)
    show_work.show_void(ingested, landed)


@main.command()
@click.argument("source", required=False)
@click.argument("file", required=False)
@click.option("--discard", is_flag=True, help="Take the FILE out of landing. Handed in again, it is a new one.")
@click.option("--received-at", type=InstantType(), help="Let the FILE count as received at this instant.")
@click.option("--reason", help="Why, in words; kept with the decision, its instant, and who made it.")
@click.option("--decided", is_flag=True, help="List what was decided so.")
@as_format
@with_pipeline
def landing(
    pipeline: "Pipeline",
    *,
    source: str | None,
    file: str | None,
    discard: bool,
    received_at: datetime | None,
    reason: str | None,
    decided: bool,
    form: str,
) -> None:
    """Files that lie in landing and were never ingested, and what keeps each from it.

    What was received at a wrong instant, or for a source that there is not, waits there and holds up nothing else;
    while it does, nothing is published. --discard or --received-at decide about one FILE of a SOURCE, named as it is
    listed, or as it came.
    """
    from monetization_pipeline.cli import printing, show_work
    from monetization_pipeline.landing.decisions import Decider
    from monetization_pipeline.reports import listings
    from monetization_pipeline.standing import landed

    now = utc_now()
    if not discard and received_at is None:
        if source is not None or reason is not None:
            raise click.UsageError("say what to do with the file: --discard or --received-at INSTANT")
        if decided:
            printing.show_rows(listings.landing_decisions(pipeline), form, "Decided")
        else:
            show_work.show_landing(listings.landing(pipeline, now), form)
        return
    if source is None or file is None or decided or (discard and received_at is not None):
        raise click.UsageError("--discard, or else --received-at INSTANT, takes a SOURCE and a FILE")
    if reason is None:
        raise click.UsageError("say why, with --reason")
    decider = Decider(_this_user(), now, reason)
    if received_at is None:
        gone = landed.discard(pipeline, source, file, decider)
        click.echo(f"Discarded: {gone.source}/{gone.name}.")
    else:
        moved = landed.receive_at(pipeline, source, file, received_at, decider)
        click.echo(f"Received at another instant: {moved.source}/{moved.name}. The next ingest or run takes it in.")


def _this_user() -> str:
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
