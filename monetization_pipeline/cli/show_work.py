"""What commands print of work that was done, or is to be."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.table import Table

from monetization_pipeline.cli.printing import MAX_FILES, cell, print_json, show_rows, stderr, stdout
from monetization_pipeline.closing.gate import InvoiceState
from monetization_pipeline.closing.publish import PublishedPeriod
from monetization_pipeline.ids import instant_text
from monetization_pipeline.invoicing.models import minor_text
from monetization_pipeline.landing.store import LandingFile
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.registry import registered
from monetization_pipeline.standing.look_back import LookBack
from monetization_pipeline.standing.maintenance import Tidied
from monetization_pipeline.steps.raw_events import IngestReport

if TYPE_CHECKING:
    from monetization_pipeline.automation.running import PeriodsRun
    from monetization_pipeline.automation.standing import OutOfDate, Standing


def show_ingest(received: Sequence[LandingFile], report: IngestReport) -> None:
    """Print what an ingest took in of the files that it was given, and what had waited besides."""
    given = {(file.source, file.sha256) for file in received}
    ingested = IngestReport(tuple(file for file in report.ingested if (file.source, file.sha256) in given))
    if ingested.ingested:
        records = sum(file.records for file in ingested.ingested)
        days = ingested.days
        span = f", {len(days)} event days ({min(days)} to {max(days)})" if days else ""
        stdout.print(f"{len(ingested.ingested)} files, {records:,} records{span}.")
    if report.refusals:
        stdout.print(f"[yellow]{report.refusals} records were refused[/yellow]; `monetize refusals` names them.")
    _show_unreadable(report)
    if known := len(given) - len(ingested.ingested):
        stdout.print(f"{known} files were known already and changed nothing.")
    if others := len(report.ingested) - len(ingested.ingested):
        stdout.print(f"{others} more that had waited came in as well.")


def _show_unreadable(report: IngestReport) -> None:
    if report.unreadable:
        text = f"[yellow]{report.unreadable} events have values that cannot be read[/yellow]"
        stdout.print(f"{text}; `monetize refusals --values` names them.")


def show_void(report: IngestReport, landed: LandingFile) -> None:
    """Print which event days a void touches."""
    files = [file for file in report.ingested if (file.source, file.sha256) == (landed.source, landed.sha256)]
    days = sorted({day.occurred_on for file in files for day in file.days})
    if not files:
        stdout.print("The event was voided before; nothing changed.")
    elif days:
        stdout.print(f"Voided. `monetize run` makes what is out of date by it: {', '.join(map(str, days))}.")
    else:
        stdout.print("No event with this id was received yet. The void holds once it comes.")


def show_run(run: "PeriodsRun") -> None:
    """Print what a run made; its warnings to stderr."""
    for warning in run.warnings:
        stderr.print(f"warning: {warning}", style="yellow", markup=False)
    first, last = run.months[0], run.months[-1]
    span = first if first == last else f"{first}..{last}"
    if not run.made:
        stdout.print(f"{span} is up to date.")
        return
    if run.ingested.refusals:
        stdout.print(f"[yellow]{run.ingested.refusals} records were refused[/yellow]; `monetize refusals` names them.")
    _show_unreadable(run.ingested)
    stdout.print(f"{span}: made {', '.join(run.made)}.")
    stdout.print(f"`monetize invoices {last}` shows the invoices.")


def show_look_back(done: LookBack, periods: str, as_of: datetime) -> None:
    """Print what a look back made; to stderr, what the runs of that time cannot have known."""
    instant = instant_text(as_of)
    for file in done.ingested_later[:MAX_FILES]:
        text = f"warning: {file.source}/{file.name} counts as received until {instant}, but was ingested later"
        stderr.print(text, style="yellow", markup=False)
    if (more := len(done.ingested_later) - MAX_FILES) > 0:
        stderr.print(f"warning: and so do {more} more files", style="yellow")
    if done.made:
        stdout.print(f"{periods} as of {instant}: made {', '.join(done.made)}.", markup=False)
    else:
        stdout.print(f"{periods} as of {instant} is up to date.", markup=False)
    month = periods.rpartition("..")[2]
    stdout.print(f"`monetize invoices {month} --as-of {instant}` shows the invoices.", markup=False)


def show_standing(found: "Standing", form: str) -> None:
    """Print whether it runs by itself, what is at work, and each partition that is out of date, with the reason."""
    if form == "json":
        print_json(asdict(found))
        return
    stdout.print(f"Automation: {found.automation}.", markup=False)
    for run in found.at_work:
        stdout.print(f"At work: {run}", markup=False)
    if not found.out_of_date:
        stdout.print("Everything is up to date.")
        return
    show_rows(_together(found.out_of_date), form, "Out of date")


def _together(rows: "Sequence[OutOfDate]") -> list[dict[str, Any]]:
    """Rows one after the other that differ in their partition alone, as one row."""
    found: list[dict[str, Any]] = []
    for _, group in groupby(rows, key=lambda row: (row.dataset, row.why, row.tried, row.waits)):
        first, *others = group
        partition = f"{first.partition} to {others[-1].partition} ({len(others) + 1})" if others else first.partition
        found.append(asdict(first) | {"partition": partition, "tried": first.tried or None})
    return found


def show_publishable(
    final: Sequence[InvoiceState],
    differing: Sequence[InvoiceState],
    not_final: Sequence[InvoiceState],
    account: Account,
) -> None:
    """Print what publishing a billing period would do with each invoice."""
    table = Table(
        "invoice",
        "company",
        "total",
        "",
        "status",
        title=f"Dry run, {registered(account.provider).title} mode {account.mode}",
        title_justify="left",
    )
    for state in [*final, *differing, *not_final]:
        invoice = state.invoice
        total = minor_text(invoice.total, invoice.currency)
        cells = (invoice.invoice_id, invoice.company_id, total, invoice.currency, state.status)
        table.add_row(*map(cell, cells))
    stdout.print(table)
    new = sum(state.booked is None for state in final)
    stdout.print(f"{new} invoices would be booked; nothing was booked or sent.")
    _show_left_alone(differing, not_final)


def show_published(published: PublishedPeriod) -> None:
    """Print what publishing a billing period did; to stderr, what failed or was left alone."""
    report = published.report
    stdout.print(
        f"{published.provider} ({published.mode}, account {published.account}): "
        f"{len(published.booked)} invoices booked, {len(report.issued)} issued, "
        f"{len(report.already_issued)} were issued before, {len(report.zero)} of zero not sent."
    )
    _show_left_alone(published.differing, published.not_final)
    for failure in report.failed:
        hint = "run the command again" if failure.may_repeat else "it will not succeed by itself"
        text = f"error: {failure.company_id} {failure.invoice_id}: {failure.error} ({hint})"
        stderr.print(text, style="red", markup=False)
    if report.not_tried:
        stderr.print(f"error: {len(report.not_tried)} invoices were not tried; run the command again", style="red")


def _show_left_alone(differing: Sequence[InvoiceState], not_final: Sequence[InvoiceState]) -> None:
    for state in differing:
        stderr.print(
            f"error: {state.invoice.company_id} {state.invoice.invoice_id} is {state.status}; what is booked never "
            "changes, so it was left alone",
            style="red",
            markup=False,
        )
    if not_final:
        stdout.print(f"{len(not_final)} invoices are not final yet.")


def show_maintained(done: Sequence[Tidied], dry_run: bool) -> None:
    """Print what maintenance did, or would do: a line for each kind of work at each place."""
    for tidied in done:
        files = f"{tidied.files} file{'' if tidied.files == 1 else 's'}"
        outcome = f"rewritten as {tidied.made}" if tidied.made else f"{tidied.chore}, removed"
        stdout.print(f"{tidied.place}: {files} ({tidied.size:,} bytes) {outcome}", markup=False)
    if not done:
        stdout.print("There is nothing to tidy up.")
    elif dry_run:
        stdout.print("This was a dry run: nothing was changed or removed.")
