"""What commands print of work that was done, or is to be."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.table import Table

from monetization_pipeline.cli.printing import MAX_FILES, cell, print_json, show_rows, stderr, stdout
from monetization_pipeline.closing.deciding import Cause, Does
from monetization_pipeline.closing.gate import Decision
from monetization_pipeline.closing.publish import PublishedPeriod, Ready
from monetization_pipeline.closing.states import InvoiceState
from monetization_pipeline.ids import instant_text
from monetization_pipeline.invoicing.models import minor_text
from monetization_pipeline.landing.store import LandingFile
from monetization_pipeline.publishing.registry import registered
from monetization_pipeline.standing.look_back import LookBack
from monetization_pipeline.standing.maintenance import Tidied
from monetization_pipeline.steps.raw_events import IngestReport

if TYPE_CHECKING:
    from monetization_pipeline.automation.running import PeriodsRun
    from monetization_pipeline.automation.standing import OutOfDate, Standing
    from monetization_pipeline.reports.promised import LandingRow
    from monetization_pipeline.standing.warned import Warned

#: In this order a dry run lists what would be done.
_WOULD = (Does.ISSUE, Does.BOOK_ONLY, Does.NOTHING, Does.LEAVE, Does.WAIT)


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


def show_landing(rows: "Sequence[LandingRow]", form: str) -> None:
    """Print the files that wait in landing, and the ways out for those that cannot come in."""
    show_rows(rows, form, "Never ingested")
    if form != "json" and any(row["why"] for row in rows):
        stdout.print(
            "What the reason names is to be mended, or: `monetize landing SOURCE FILE --reason TEXT` with "
            "--received-at INSTANT or --discard.",
            markup=False,
        )


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
    for each in run.refused:
        text = f"meter {each.meter_id}: {each.absent + each.unreadable:,} of {each.met:,} events were refused"
        stdout.print(f"{text}, {each.absent:,} without a value, {each.unreadable:,} with one that cannot be read.")
    if run.refused:
        stdout.print("`monetize refusals --meters` names them.")
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
    """Print whether it runs by itself, what is at work, what is out of date and why, and what is amiss."""
    if form == "json":
        print_json(asdict(found))
        return
    stdout.print(f"Automation: {found.automation}.", markup=False)
    for run in found.at_work:
        stdout.print(f"At work: {run}", markup=False)
    if found.out_of_date:
        show_rows(_together(found.out_of_date), form, "Out of date")
    else:
        stdout.print("Everything is up to date.")
    if found.warnings:
        show_rows(_of_one_kind(found.warnings), form, "Warnings")


def _together(rows: "Sequence[OutOfDate]") -> list[dict[str, Any]]:
    """Rows one after the other that differ in their partition alone, as one row."""
    found: list[dict[str, Any]] = []
    for _, group in groupby(rows, key=lambda row: (row.dataset, row.why, row.tried, row.waits)):
        first, *others = group
        partition = f"{first.partition} to {others[-1].partition} ({len(others) + 1})" if others else first.partition
        found.append(asdict(first) | {"partition": partition, "tried": first.tried or None})
    return found


def _of_one_kind(warnings: "Sequence[Warned]") -> list[dict[str, Any]]:
    """Warnings one after the other that say the same of several things, as one row."""
    found: list[dict[str, Any]] = []
    for why, group in groupby(warnings, key=lambda each: each.why):
        first, *others = group
        found.append({"about": first.about + (f" and {len(others)} more" if others else ""), "why": why})
    return found


def show_ready(ready: Ready) -> None:
    """Print what publishing a billing period would do with each invoice."""
    decision, place = ready.decision, ready.place
    table = Table(
        *("invoice", "company", "total", "", "status", "would"),
        title=f"Dry run, {registered(place.provider).title} mode {place.mode}, account {place.account}",
        title_justify="left",
    )
    for each in sorted(decision.invoices, key=lambda each: _WOULD.index(each.does)):
        invoice = each.state.invoice
        total = minor_text(invoice.total, invoice.currency)
        status = said_status(each.state)
        table.add_row(
            *map(cell, (invoice.invoice_id, invoice.company_id, total, invoice.currency, status, each.does.value))
        )
    stdout.print(table)
    new = sum(each.state.booked is None for each in decision.going)
    issued = len(decision.that(Does.ISSUE))
    stdout.print(f"{new} invoices would be booked, {issued} issued; nothing was booked or sent.")
    _show_left_alone(decision)


def show_published(published: PublishedPeriod) -> None:
    """Print what publishing a billing period did; to stderr, what failed or was left alone."""
    report, place = published.report, published.place
    stdout.print(
        f"{place.provider} ({place.mode}, account {place.account}): "
        f"{len(published.booked)} invoices booked, {len(report.issued)} issued, "
        f"{len(report.already_issued)} were issued before, {len(report.zero)} of zero not sent."
    )
    _show_left_alone(published.decision)
    for failure in report.failed:
        hint = "run the command again" if failure.may_repeat else "it will not succeed by itself"
        text = f"error: {failure.company_id} {failure.invoice_id}: {failure.error} ({hint})"
        stderr.print(text, style="red", markup=False)
    if report.not_tried:
        stderr.print(f"error: {len(report.not_tried)} invoices were not tried; run the command again", style="red")


def show_before_switch(states: Sequence[InvoiceState]) -> None:
    """Print invoices that were booked before the folder was switched to another place, and where they were issued."""
    table = Table("invoice", "company", "total", "", "booked", "status", title="Booked before the switch of accounts")
    for state in states:
        invoice, booked = state.invoice, state.booked
        total = minor_text(invoice.total, invoice.currency)
        booked_at = "" if booked is None else f"{booked.booked_at:%Y-%m-%d %H:%M}"
        cells = (invoice.invoice_id, invoice.company_id, total, invoice.currency, booked_at, said_status(state))
        table.add_row(*map(cell, cells))
    stdout.print(table)


def said_status(state: InvoiceState) -> str:
    """An invoice's status, and where it was issued, which may be elsewhere."""
    places = "; ".join(f"issued at {publication.intent.place}" for publication in state.issued)
    return places if state.status == "issued" else f"{state.status} ({places})" if places else state.status


def _show_left_alone(decision: Decision) -> None:
    for aside in decision.set_aside:
        text = f"error: {aside.company_id} {aside.invoice_id} is set aside: {'; '.join(aside.reasons)}"
        stderr.print(text, style="red", markup=False)
    for each in decision.invoices:
        invoice = each.state.invoice
        name = f"{invoice.company_id} {invoice.invoice_id}"
        if each.does is Does.LEAVE and each.cause is not Cause.BEFORE_SWITCH:
            stderr.print(f"error: {name} was left alone: {each.why}", style="red", markup=False)
        elif each.goes and each.state.differs:
            stderr.print(f"error: {name} goes as it was booked; it is {each.state.status}", style="red", markup=False)
        for held in each.state.held if each.goes else ():
            part = "" if held.rest is None else f" but for {minor_text(held.rest.amount, invoice.currency)}"
            amount = minor_text(held.line.amount, invoice.currency)
            text = (
                f"{held.line.description}, {amount} {invoice.currency}, is charged in invoice {held.charged_in}{part}"
            )
            stderr.print(f"warning: {name}: {text}; it was held back", style="yellow", markup=False)
    if before := len(decision.because(Cause.BEFORE_SWITCH)):
        stderr.print(
            f"warning: {before} invoices were booked before this folder was switched to another account, "
            "and are not issued here; --booked-before issues them, and asks first",
            style="yellow",
            markup=False,
        )
    if waiting := len(decision.that(Does.WAIT)):
        stdout.print(f"{waiting} invoices are not final yet.")


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
