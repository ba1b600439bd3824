"""What makes something: billing periods, published invoices, tidiness."""

import sys
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from monetization_pipeline.cli.group import main, with_pipeline, with_settings
from monetization_pipeline.cli.terminal import InstantType
from monetization_pipeline.clock import utc_now

if TYPE_CHECKING:
    from monetization_pipeline.settings import Settings
    from monetization_pipeline.steps.pipeline import Pipeline


@main.command()
@click.argument("periods", metavar="PERIOD[..PERIOD]")
@click.option("--as-of", type=InstantType(), help="As it was at an instant, apart from the lake; changes nothing.")
@with_settings
def run(settings: "Settings", pipeline: "Pipeline", periods: str, as_of: datetime | None) -> None:
    """Make everything of a billing PERIOD (such as 2023-07) that is out of date, up to draft invoices.

    2022-01..2023-12 stands for all from the first to the last. A run that was interrupted goes on where it ended.
    """
    from monetization_pipeline.cli import printing, show_work
    from monetization_pipeline.definitions import materialize_periods
    from monetization_pipeline.periods import months_of_range
    from monetization_pipeline.standing.look_back import run_as_of

    months = months_of_range(periods)
    with printing.progress(periods) as report:
        if as_of is not None:
            show_work.show_look_back(run_as_of(pipeline, months, as_of, utc_now(), report), periods, as_of)
            return
        made = materialize_periods(settings, pipeline, months, utc_now(), report)
    show_work.show_run(made)


@main.command()
@click.argument("period")
@click.option("--dry-run", is_flag=True, help="Say what would be booked and issued; book and send nothing.")
@click.option(
    "--switch-account", is_flag=True, help="Publish from now on where the settings lead, elsewhere than so far."
)
@click.option(
    "--booked-before",
    is_flag=True,
    help="Issue also what was booked before the last switch of accounts; asks, with the list.",
)
@click.option("--held", is_flag=True, help="Although the period lies before anything was received.")
@click.option("--without-refused", is_flag=True, help="Although records of customers/ are refused.")
@with_settings
def publish(
    settings: "Settings",
    pipeline: "Pipeline",
    period: str,
    *,
    dry_run: bool,
    switch_account: bool,
    booked_before: bool,
    held: bool,
    without_refused: bool,
) -> None:
    """Book the final invoices of a billing PERIOD and issue them, each once, however often this is run.

    The folder remembers where it publishes: provider, mode and account. Another place, such as one that a setting
    exported by the shell leads to, is refused without --switch-account. What was booked before a switch stays where it
    is: it is issued at the new place only with --booked-before. A period before anything was received is held until
    MONETIZATION_FIRST_INVOICE_AT says from when on you bill here, or --held publishes it by name.
    """
    from monetization_pipeline.cli import printing, show_work
    from monetization_pipeline.closing.deciding import Cause
    from monetization_pipeline.closing.publish import look_at
    from monetization_pipeline.closing.wishes import Wish
    from monetization_pipeline.definitions import publish_period

    wish = Wish(switch_account, held=held, without_refused=without_refused)
    if dry_run or booked_before:
        found = look_at(pipeline, settings.account, period, utc_now(), wish)
        if dry_run:
            show_work.show_ready(found)
            return
        if before := [each.state for each in found.decision.because(Cause.BEFORE_SWITCH)]:
            show_work.show_before_switch(before)
            question = f"Issue these {len(before)} invoices as well, at {found.place}?"
            click.confirm(question, abort=True, err=True)
            wish = replace(wish, booked_before=len(before))
    with printing.progress(f"publishing {period}"):
        published = publish_period(settings, pipeline, period, asdict(wish))
    show_work.show_published(published)
    if not published.complete:
        sys.exit(1)


@main.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done; change and remove nothing.")
@with_pipeline
def maintain(pipeline: "Pipeline", dry_run: bool) -> None:
    """Compact small files, and remove what is of no use any more.

    No figure changes. Landing files go MONETIZATION_LANDING_DAYS (30) after they were ingested, replaced files of the
    lake after MONETIZATION_REPLACED_DAYS (7). May run beside everything else.
    """
    from monetization_pipeline.cli import printing, show_work
    from monetization_pipeline.standing.maintenance import maintain as maintain_folder

    with printing.progress("maintaining"):
        done = maintain_folder(pipeline, utc_now(), dry_run=dry_run)
    show_work.show_maintained(done, dry_run)
