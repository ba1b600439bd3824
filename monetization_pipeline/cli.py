"""`monetize …`: the command line. Heavy imports stay inside the commands, so that help is there at once.

Results go to stdout; progress and errors to stderr, with exit code 1 (2 for wrong usage), never a stack trace.
"""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from monetization_pipeline import __version__
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.terminal import InstantType, Quiet

if TYPE_CHECKING:
    from monetization_pipeline.settings import Settings
    from monetization_pipeline.steps.pipeline import Pipeline

_Result = TypeVar("_Result")

EXAMPLES = ("demo", "cloudtrail", "llm-inference", "moesif")

_as_format = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)


@click.group(cls=Quiet, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="monetize")
def main() -> None:
    """API monetization: raw events in, issued invoices out.

    Works on the folder it is run in, or on MONETIZATION_HOME.
    """


def _with_settings(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Give a command the settings and the pipeline of the working folder as its first arguments."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> _Result:
        return command(*_open(), *args, **kwargs)

    return wrapped


def _with_pipeline(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Give a command the pipeline of the working folder as its first argument."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> _Result:
        return command(_open()[1], *args, **kwargs)

    return wrapped


def _with_view(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Give a command the pipeline, with the option --as-of the one that looks back, as its first argument."""

    @click.option("--as-of", type=InstantType(), help="As it was at an instant, once that was run with --as-of.")
    @wraps(command)
    def wrapped(*args: Any, as_of: datetime | None, **kwargs: Any) -> _Result:
        pipeline = _open()[1]
        if as_of is not None:
            from monetization_pipeline.steps import look_back

            pipeline = look_back.looking_back(pipeline, as_of, kwargs.get("period"))
        return command(pipeline, *args, **kwargs)

    return wrapped


def _open() -> "tuple[Settings, Pipeline]":
    from monetization_pipeline.settings import load_settings
    from monetization_pipeline.steps.pipeline import Home, Pipeline, Retention, Seller
    from monetization_pipeline.working_folder import prepare_instance

    settings = load_settings(os.environ, Path.cwd())
    home = Home(settings.home)
    if not (home.catalog.is_dir() or home.sources.is_dir()):
        raise MonetizeError(
            f"{home.root} is not a working folder: it has neither catalog/ nor sources/; "
            "make one with `monetize init DIR`"
        )
    prepare_instance(home.dagster)
    seller = Seller(settings.first_month, settings.grace, settings.time_zone, issue_zero=settings.stripe_issue_zero)
    retention = Retention(settings.keep_landing, settings.keep_replaced)
    return settings, Pipeline(home, seller, settings.memory_limit, retention)


def _now() -> datetime:
    return datetime.now(UTC)


@main.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--example", type=click.Choice(EXAMPLES), help="Start from an example instead of the commented starter.")
def init(directory: Path, example: str | None) -> None:
    """Make a new working folder."""
    from monetization_pipeline.working_folder import make_working_folder

    make_working_folder(directory, example or "starter")
    click.echo(f"{directory} is a working folder. README.md in it says what to do next.")


@main.command()
@click.option("--source", required=True, help="A source declared in sources/.")
@click.option("--received-at", type=InstantType(), help="When the files were received; for history. Default: now.")
@click.option(
    "--watch", is_flag=True, help="Go on, and take in each file that appears in the folders, once it is whole."
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@_with_settings
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
    from monetization_pipeline import console
    from monetization_pipeline.definitions import ingest_days
    from monetization_pipeline.steps.receive import receive

    if watch:
        if received_at is not None:
            raise click.UsageError("--watch receives files as they come: leave out --received-at")
        _watch(settings, pipeline, source, paths)
        return
    received = receive(pipeline, source, paths, received_at or _now())
    with console.progress("ingesting") as report:
        ingested = ingest_days(settings, pipeline, sorted({file.received_on for file in received}), report)
    console.show_ingest(received, ingested)


def _watch(settings: "Settings", pipeline: "Pipeline", source: str, folders: tuple[Path, ...]) -> None:
    import signal
    from threading import Event

    from monetization_pipeline import console
    from monetization_pipeline.automation.watching import Telling, keep_ingesting
    from monetization_pipeline.definitions import ingest_days
    from monetization_pipeline.steps.watching import watch

    watched = watch(pipeline, source, folders)
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
    with suppress(KeyboardInterrupt), console.progress("ingesting") as report:
        keep_ingesting(
            watched,
            lambda days: ingest_days(settings, pipeline, days, report),
            Telling(console.show_ingest, lambda problem: click.echo(f"error: {problem}", err=True)),
            _now,
            stop,
        )
    click.echo("stopped", err=True)


@main.command()
@click.argument("event_id")
@click.option("--source", required=True, help="The source that the event came from.")
@click.option("--reason", required=True, help="Why, in words; kept with the void.")
@_with_settings
def void(settings: "Settings", pipeline: "Pipeline", event_id: str, source: str, reason: str) -> None:
    """Take an event back: it is charged to nobody, also where it is still to come. What is booked stays booked."""
    from monetization_pipeline import console
    from monetization_pipeline.definitions import ingest_days
    from monetization_pipeline.steps.voiding import land_void

    landed = land_void(pipeline, source, event_id, reason, _now())
    with console.progress("ingesting") as report:
        ingested = ingest_days(settings, pipeline, [landed.received_on], report)
    console.show_void(ingested, landed)


@main.command()
@click.argument("periods", metavar="PERIOD[..PERIOD]")
@click.option("--as-of", type=InstantType(), help="As it was at an instant, apart from the lake; changes nothing.")
@_with_settings
def run(settings: "Settings", pipeline: "Pipeline", periods: str, as_of: datetime | None) -> None:
    """Make everything of a billing PERIOD (such as 2023-07) that is out of date, up to draft invoices.

    2022-01..2023-12 stands for all from the first to the last. A run that was interrupted goes on where it ended.
    """
    from monetization_pipeline import console
    from monetization_pipeline.definitions import materialize_periods
    from monetization_pipeline.periods import months_of_range
    from monetization_pipeline.steps.look_back import run_as_of

    months = months_of_range(periods)
    with console.progress(periods) as report:
        if as_of is not None:
            console.show_look_back(run_as_of(pipeline, months, as_of, _now(), report), periods, as_of)
            return
        made = materialize_periods(settings, pipeline, months, _now(), report)
    console.show_run(made)


@main.command()
@click.option("--port", default=3000, show_default=True, help="Where the UI listens, on this machine alone.")
@_with_settings
def dev(settings: "Settings", pipeline: "Pipeline", port: int) -> None:
    """Dagster's UI and daemon on this working folder: while they run, all is made by itself."""
    program = Path(sys.executable).with_name("dagster")
    environment = {"MONETIZATION_HOME": str(settings.home), "DAGSTER_HOME": str(pipeline.home.dagster)}
    arguments = ["dev", "-m", "monetization_pipeline.definitions", "-h", "127.0.0.1", "-p", str(port)]
    os.execve(program, [str(program), *arguments], {**os.environ, **environment})  # noqa: S606 - our own interpreter's


@main.command()
@_as_format
@_with_pipeline
def status(pipeline: "Pipeline", form: str) -> None:
    """What is out of date and why, what is being made, and what waits for you."""
    from monetization_pipeline import console
    from monetization_pipeline.definitions import standing_of

    console.show_standing(standing_of(pipeline, _now()), form)


@main.command()
@click.argument("period")
@_as_format
@_with_view
def invoices(pipeline: "Pipeline", period: str, form: str) -> None:
    """Invoices of a billing PERIOD and where each stands."""
    from monetization_pipeline import console
    from monetization_pipeline.steps import reports

    console.show_invoices(reports.invoices(pipeline, period, pipeline.as_of or _now()), form)


@main.command()
@click.argument("period")
@click.option("--chart", is_flag=True, help="Bars by local day and company: counts and sums, else events.")
@_as_format
@_with_view
def usage(pipeline: "Pipeline", period: str, chart: bool, form: str) -> None:
    """Quantities of every subscription and meter of a billing PERIOD."""
    from monetization_pipeline import console
    from monetization_pipeline.steps import reports

    if chart:
        return console.show_usage_chart(reports.usage_days(pipeline, period), form, period)
    return console.show_rows(reports.usage(pipeline, period), form, f"Usage {period}")


@main.command()
@click.argument("period")
@_as_format
@_with_pipeline
def unbilled(pipeline: "Pipeline", period: str, form: str) -> None:
    """Events of a billing PERIOD that nobody is charged for, and why."""
    from monetization_pipeline import console
    from monetization_pipeline.steps import reports

    console.show_rows(reports.unbilled(pipeline, period), form, f"Unbilled {period}")


@main.command()
@_as_format
@_with_pipeline
def refusals(pipeline: "Pipeline", form: str) -> None:
    """Records that could not be read, with file, line and reason."""
    from monetization_pipeline import console
    from monetization_pipeline.steps import reports

    console.show_rows(reports.refusals(pipeline), form, "Refusals")


@main.command()
@click.argument("period")
@_as_format
@_with_view
def counts(pipeline: "Pipeline", period: str, form: str) -> None:
    """Where every record of a billing PERIOD went. The counts must close."""
    from monetization_pipeline import console
    from monetization_pipeline.steps.counts import count_period

    console.show_counts(count_period(pipeline, period), form, period)


@main.command()
@click.argument("line_id")
@_as_format
@_with_view
def explain(pipeline: "Pipeline", line_id: str, form: str) -> None:
    """How one line's amount comes about: price, tiers, quantity, SQL, events and files."""
    from monetization_pipeline import console
    from monetization_pipeline.steps.explain import explain as explain_line

    console.show_explained(explain_line(pipeline, line_id), form)


@main.command()
@click.argument("period")
@click.option("--dry-run", is_flag=True, help="Say what would be booked and issued; book and send nothing.")
@_with_settings
def publish(settings: "Settings", pipeline: "Pipeline", period: str, dry_run: bool) -> None:
    """Book the final invoices of a billing PERIOD and issue them, each once, however often this is run."""
    from monetization_pipeline import console
    from monetization_pipeline.definitions import publish_invoices
    from monetization_pipeline.steps.publish import opened_ledger, publishable

    if dry_run:
        with opened_ledger(pipeline) as ledger:
            console.show_publishable(*publishable(pipeline, ledger, period, _now()), settings.stripe_mode)
        return
    with console.progress(f"publishing {period}"):
        published = publish_invoices(settings, pipeline, period, _now())
    console.show_published(published)
    if not published.complete:
        sys.exit(1)


@main.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done; change and remove nothing.")
@_with_pipeline
def maintain(pipeline: "Pipeline", dry_run: bool) -> None:
    """Compact small files, and remove what is of no use any more.

    No figure changes. Landing files go MONETIZATION_LANDING_DAYS (30) after they were ingested, replaced files of the
    lake after MONETIZATION_REPLACED_DAYS (7). May run beside everything else.
    """
    from monetization_pipeline import console
    from monetization_pipeline.steps.maintenance import maintain as maintain_folder

    with console.progress("maintaining"):
        done = maintain_folder(pipeline, _now(), dry_run=dry_run)
    console.show_maintained(done, dry_run)


@main.group()
def catalog() -> None:
    """Meters and plans."""


@catalog.command()
@_with_pipeline
def check(pipeline: "Pipeline") -> None:
    """Check meters, plans and sources; every problem is named with its file and line."""
    from monetization_pipeline.ingest.mapping import record_sql
    from monetization_pipeline.ingest.sources import load_sources
    from monetization_pipeline.steps.catalogs import read_catalog

    found = read_catalog(pipeline)
    sources = load_sources(pipeline.home.sources)
    for source in sources:
        record_sql(source)
    click.echo(
        f"The catalog is in order: {len(found.meters)} meters, {len(found.plans)} plans, {len(sources)} sources."
    )


if __name__ == "__main__":
    main()
