"""The group of all commands, and what they have in common: settings and pipeline handed in, formats, the clock."""

import os
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from monetization_pipeline import __version__
from monetization_pipeline.cli.terminal import InstantType, Quiet
from monetization_pipeline.errors import MonetizeError

if TYPE_CHECKING:
    from monetization_pipeline.settings import Settings
    from monetization_pipeline.steps.pipeline import Pipeline


Result = TypeVar("Result")

as_format = click.option(
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


def with_settings(command: Callable[..., Result]) -> Callable[..., Result]:
    """Give a command the settings and the pipeline of the working folder as its first arguments."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Result:
        return command(*_open(), *args, **kwargs)

    return wrapped


def with_pipeline(command: Callable[..., Result]) -> Callable[..., Result]:
    """Give a command the pipeline of the working folder as its first argument."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Result:
        return command(_open()[1], *args, **kwargs)

    return wrapped


def with_view(command: Callable[..., Result]) -> Callable[..., Result]:
    """Give a command the pipeline, with the option --as-of the one that looks back, as its first argument."""

    @click.option("--as-of", type=InstantType(), help="As it was at an instant, once that was run with --as-of.")
    @wraps(command)
    def wrapped(*args: Any, as_of: datetime | None, **kwargs: Any) -> Result:
        pipeline = _open()[1]
        if as_of is not None:
            from monetization_pipeline.standing import look_back

            pipeline = look_back.looking_back(pipeline, as_of, kwargs.get("period"))
        return command(pipeline, *args, **kwargs)

    return wrapped


def _open() -> "tuple[Settings, Pipeline]":
    from monetization_pipeline.cli.working_folder import prepare_instance
    from monetization_pipeline.settings import load_settings, pipeline_of

    settings = load_settings(os.environ, Path.cwd())
    pipeline = pipeline_of(settings)
    home = pipeline.home
    if not (home.catalog.is_dir() or home.sources.is_dir()):
        raise MonetizeError(
            f"{home.root} is not a working folder: it has neither catalog/ nor sources/; "
            "make one with `monetize init DIR`"
        )
    prepare_instance(home.dagster)
    return settings, pipeline
