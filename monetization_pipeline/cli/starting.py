"""How a working folder begins: made, checked, opened in Dagster's UI."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monetization_pipeline.cli.group import main, with_pipeline, with_settings

if TYPE_CHECKING:
    from monetization_pipeline.settings import Settings
    from monetization_pipeline.steps.pipeline import Pipeline


EXAMPLES = ("demo", "cloudtrail", "llm-inference", "moesif")


@main.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--example", type=click.Choice(EXAMPLES), help="Start from an example instead of the commented starter.")
def init(directory: Path, example: str | None) -> None:
    """Make a new working folder."""
    from monetization_pipeline.cli.working_folder import make_working_folder

    make_working_folder(directory, example or "starter")
    click.echo(f"{directory} is a working folder. README.md in it says what to do next.")


@main.command()
@click.option("--port", default=3000, show_default=True, help="Where the UI listens, on this machine alone.")
@with_settings
def dev(settings: "Settings", pipeline: "Pipeline", port: int) -> None:
    """Dagster's UI and daemon on this working folder: while they run, all is made by itself."""
    program = Path(sys.executable).with_name("dagster")
    environment = {"MONETIZATION_HOME": str(settings.home), "DAGSTER_HOME": str(pipeline.home.dagster)}
    arguments = ["dev", "-m", "monetization_pipeline.definitions", "-h", "127.0.0.1", "-p", str(port)]
    os.execve(program, [str(program), *arguments], {**os.environ, **environment})  # noqa: S606 - our own interpreter's


@main.group()
def catalog() -> None:
    """Meters and plans."""


@catalog.command()
@with_pipeline
def check(pipeline: "Pipeline") -> None:
    """Check meters, plans and sources; every problem is named with its file and line."""
    from monetization_pipeline.ingest.mapping import record_sql
    from monetization_pipeline.sources.declared import load_sources
    from monetization_pipeline.steps.known import read_catalog

    found = read_catalog(pipeline)
    sources = load_sources(pipeline.home.sources)
    for source in sources:
        record_sql(source)
    click.echo(
        f"The catalog is in order: {len(found.meters)} meters, {len(found.plans)} plans, {len(sources)} sources."
    )
