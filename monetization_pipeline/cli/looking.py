"""What shows something, and changes nothing."""

from typing import TYPE_CHECKING

import click

from monetization_pipeline.cli.group import as_format, main, with_pipeline, with_view
from monetization_pipeline.clock import utc_now

if TYPE_CHECKING:
    from monetization_pipeline.steps.pipeline import Pipeline


@main.command()
@as_format
@with_pipeline
def status(pipeline: "Pipeline", form: str) -> None:
    """What is out of date and why, what is being made, what waits for you, and what is amiss with customers."""
    from monetization_pipeline.cli import show_work
    from monetization_pipeline.definitions import standing_of

    show_work.show_standing(standing_of(pipeline, utc_now()), form)


@main.command()
@click.argument("period")
@as_format
@with_view
def invoices(pipeline: "Pipeline", period: str, form: str) -> None:
    """Invoices of a billing PERIOD and where each stands."""
    from monetization_pipeline.cli import show_periods
    from monetization_pipeline.reports import listings

    show_periods.show_invoices(listings.invoices(pipeline, period, pipeline.as_of or utc_now()), form)


@main.command()
@click.argument("period")
@click.option("--chart", is_flag=True, help="Bars by local day and company: counts and sums, else events.")
@as_format
@with_view
def usage(pipeline: "Pipeline", period: str, chart: bool, form: str) -> None:
    """Quantities of every subscription and meter of a billing PERIOD."""
    from monetization_pipeline.cli import printing, show_periods
    from monetization_pipeline.reports import listings

    if chart:
        return show_periods.show_usage_chart(listings.usage_days(pipeline, period), form, period)
    return printing.show_rows(listings.usage(pipeline, period), form, f"Usage {period}")


@main.command()
@click.argument("period")
@as_format
@with_pipeline
def unbilled(pipeline: "Pipeline", period: str, form: str) -> None:
    """Events of a billing PERIOD that nobody is charged for, and why."""
    from monetization_pipeline.cli import printing
    from monetization_pipeline.reports import listings

    printing.show_rows(listings.unbilled(pipeline, period), form, f"Unbilled {period}")


@main.command()
@click.option("--values", is_flag=True, help="Values that cannot be read, of events that came in all the same.")
@click.option("--meters", is_flag=True, help="Events that came in, and that a meter cannot use.")
@as_format
@with_pipeline
def refusals(pipeline: "Pipeline", *, values: bool, meters: bool, form: str) -> None:
    """Records that could not be read, with file, line and reason."""
    from monetization_pipeline.cli import printing
    from monetization_pipeline.reports import listings

    if values:
        return printing.show_rows(listings.unreadable(pipeline), form, "Values that cannot be read")
    if meters:
        return printing.show_rows(listings.meter_refusals(pipeline), form, "Refused by meters")
    return printing.show_rows(listings.refusals(pipeline), form, "Refusals")


@main.command()
@click.argument("period")
@as_format
@with_view
def counts(pipeline: "Pipeline", period: str, form: str) -> None:
    """Where every record of a billing PERIOD went. The counts must close."""
    from monetization_pipeline.cli import show_periods
    from monetization_pipeline.standing.counts import count_period
    from monetization_pipeline.standing.refused_values import refused_values

    found = count_period(pipeline, period)
    show_periods.show_counts(found, refused_values(pipeline, [period]), form, period)


@main.command()
@click.argument("line_id")
@as_format
@with_view
def explain(pipeline: "Pipeline", line_id: str, form: str) -> None:
    """How one line's amount comes about: price, tiers, quantity, SQL, events and files."""
    from monetization_pipeline.cli import show_periods
    from monetization_pipeline.reports.explain import explain as explain_line

    show_periods.show_explained(explain_line(pipeline, line_id), form)
