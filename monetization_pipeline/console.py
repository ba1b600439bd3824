"""What the command line prints: tables and JSON on stdout, progress on stderr."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monetization_pipeline.charts import grouped, text_bars
from monetization_pipeline.invoicing.models import minor_text
from monetization_pipeline.lake.landing import LandingFile
from monetization_pipeline.metering.charged import BUCKETS
from monetization_pipeline.money import plain
from monetization_pipeline.rating.ids import instant_text
from monetization_pipeline.steps.counts import EVENT_DAY, RECEIVED, Counts
from monetization_pipeline.steps.explain import Explained, explained_json
from monetization_pipeline.steps.look_back import LookBack
from monetization_pipeline.steps.maintenance import Tidied
from monetization_pipeline.steps.publish import InvoiceState, PublishedPeriod
from monetization_pipeline.steps.raw_events import IngestReport
from monetization_pipeline.steps.usage_days import MeterDays

if TYPE_CHECKING:
    from monetization_pipeline.automation.running import PeriodsRun
    from monetization_pipeline.automation.standing import OutOfDate, Standing

_MAX_CHART = 120
_MAX_LABEL = 30
_MAX_ROWS = 200
_MAX_FILES = 10
_MAX_CELL = 300
_out = Console(highlight=False, soft_wrap=True)
_progress = Console(stderr=True, highlight=False)


@contextmanager
def progress(title: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done; on a terminal as a line that changes, else a line for each step."""
    if not _progress.is_terminal:
        yield lambda text: _progress.print(f"{title}: {text}", style="dim", markup=False)
        return
    with _progress.status(f"{title} …") as status:

        def report(text: str) -> None:
            _progress.print(f"{title}: {text}", style="dim", markup=False)
            status.update(Text(f"{title}: {text}"))

        yield report


def print_json(value: object) -> None:
    """A value as indented JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def show_rows(rows: Sequence[Mapping[str, Any]], form: str, title: str) -> None:
    """Rows as JSON, or as a table of the columns that any row fills."""
    if form == "json":
        print_json(list(rows))
        return
    columns = [
        name for name in (rows[0] if rows else ()) if any(row[name] not in (None, "", "{}", "[]") for row in rows)
    ]
    table = Table(title=title, title_justify="left", show_lines=False)
    for name in columns:
        table.add_column(name, overflow="fold", justify="right" if name in ("quantity", "events", "line") else "left")
    for row in rows[:_MAX_ROWS]:
        table.add_row(*(_plain(row[name]) for name in columns))
    _out.print(table)
    more = len(rows) - _MAX_ROWS
    _out.print(f"{len(rows)} rows." + (f" {more} of them are not shown; --format json prints all." if more > 0 else ""))


def show_usage_chart(meters: Sequence[MeterDays], form: str, period: str) -> None:
    """Each meter as bars by local day, and its largest companies; ASCII where the output takes nothing else."""
    if form == "json":
        print_json([_chart_json(meter) for meter in meters])
        return
    width, ascii_only = min(_out.width, _MAX_CHART), not _out.encoding.lower().startswith("utf")
    for meter in meters:
        _out.print(Text(f"{meter.meter_id}: {meter.measure} by local day, {period}", style="bold"))
        days = [(day.isoformat(), figure) for day, figure in meter.days.items()]
        companies = [(company[:_MAX_LABEL], figure) for company, figure in meter.companies]
        lines = text_bars(days, width, ascii_only=ascii_only)
        lines += [f"total {grouped(meter.total)}", "", "largest companies"]
        lines += text_bars(companies, width, ascii_only=ascii_only)
        _out.print("\n".join([*lines, ""]), markup=False)
    if not meters:
        _out.print(f"There is no usage of {period} yet; `monetize run {period}` makes it.")


def _chart_json(meter: MeterDays) -> dict[str, Any]:
    return {
        "meter_id": meter.meter_id,
        "measure": meter.measure,
        "total": plain(meter.total),
        "days": {day.isoformat(): plain(figure) for day, figure in meter.days.items()},
        "largest_companies": [{"company_id": name, "figure": plain(figure)} for name, figure in meter.companies],
    }


def show_ingest(received: Sequence[LandingFile], report: IngestReport) -> None:
    """What an ingest took in of the files that it was given, and what had waited besides."""
    given = {(file.source, file.sha256) for file in received}
    ingested = IngestReport(tuple(file for file in report.ingested if (file.source, file.sha256) in given))
    if ingested.ingested:
        records = sum(file.records for file in ingested.ingested)
        days = ingested.days
        span = f", {len(days)} event days ({min(days)} to {max(days)})" if days else ""
        _out.print(f"{len(ingested.ingested)} files, {records:,} records{span}.")
    if report.refusals:
        _out.print(f"[yellow]{report.refusals} records were refused[/yellow]; `monetize refusals` names them.")
    if known := len(given) - len(ingested.ingested):
        _out.print(f"{known} files were known already and changed nothing.")
    if others := len(report.ingested) - len(ingested.ingested):
        _out.print(f"{others} more that had waited came in as well.")


def show_void(report: IngestReport, landed: LandingFile) -> None:
    """What a void touches."""
    files = [file for file in report.ingested if (file.source, file.sha256) == (landed.source, landed.sha256)]
    days = sorted({day.occurred_on for file in files for day in file.days})
    if not files:
        _out.print("The event was voided before; nothing changed.")
    elif days:
        _out.print(f"Voided. `monetize run` makes what is out of date by it: {', '.join(map(str, days))}.")
    else:
        _out.print("No event with this id was received yet. The void holds once it comes.")


def show_run(run: "PeriodsRun") -> None:
    """What a run made."""
    for warning in run.warnings:
        _progress.print(f"warning: {warning}", style="yellow", markup=False)
    first, last = run.months[0], run.months[-1]
    span = first if first == last else f"{first}..{last}"
    if not run.made:
        _out.print(f"{span} is up to date.")
        return
    if run.ingested.refusals:
        _out.print(f"[yellow]{run.ingested.refusals} records were refused[/yellow]; `monetize refusals` names them.")
    _out.print(f"{span}: made {', '.join(run.made)}.")
    _out.print(f"`monetize invoices {last}` shows the invoices.")


def show_look_back(done: LookBack, periods: str, as_of: datetime) -> None:
    """What a look back made, and what the runs of that time cannot have known."""
    instant = instant_text(as_of)
    for file in done.ingested_later[:_MAX_FILES]:
        text = f"warning: {file.source}/{file.name} counts as received until {instant}, but was ingested later"
        _progress.print(text, style="yellow", markup=False)
    if (more := len(done.ingested_later) - _MAX_FILES) > 0:
        _progress.print(f"warning: and so do {more} more files", style="yellow")
    if done.made:
        _out.print(f"{periods} as of {instant}: made {', '.join(done.made)}.", markup=False)
    else:
        _out.print(f"{periods} as of {instant} is up to date.", markup=False)
    month = periods.rpartition("..")[2]
    _out.print(f"`monetize invoices {month} --as-of {instant}` shows the invoices.", markup=False)


def show_standing(found: "Standing", form: str) -> None:
    """Whether it runs by itself, what is at work, and each partition that is out of date, with the reason."""
    if form == "json":
        print_json(asdict(found))
        return
    _out.print(f"Automation: {found.automation}.", markup=False)
    for run in found.at_work:
        _out.print(f"At work: {run}", markup=False)
    if not found.out_of_date:
        _out.print("Everything is up to date.")
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


def show_invoices(invoices: Sequence[Mapping[str, Any]], form: str) -> None:
    """Invoices as JSON, or one line each and what it charges below; ids are whole, to be copied."""
    if form == "json":
        print_json(list(invoices))
        return
    amounts = [
        text for invoice in invoices for text in (invoice["total"], *(line["amount"] for line in invoice["lines"]))
    ]
    quantities = [line["quantity"] for invoice in invoices for line in invoice["lines"]]
    wide, wider = max(map(len, amounts), default=0), max(map(len, quantities), default=0)
    for invoice in invoices:
        total = f"{invoice['total']:>{wide}} {invoice['currency']}"
        text = f"{total}  {invoice['status']:<9} due {invoice['bill_at'][:10]}  {invoice['company_id']}"
        _out.print(text, style="bold", markup=False)
        for line in invoice["lines"]:
            text = (
                f"{line['amount']:>{wide}}      {line['quantity']:>{wider}} × {line['description']}  {line['line_id']}"
            )
            _out.print(text, style="dim", markup=False)
    _out.print(f"{len(invoices)} invoices. `monetize explain LINE_ID` shows how an amount comes about.")


def show_counts(counts: Counts, form: str, period: str) -> None:
    """The buckets, each group with its sum."""
    if form == "json":
        print_json(counts.by_name())
        return
    table = Table("", "", title=f"Counts {period}", title_justify="left", show_header=False)
    table.columns[1].justify = "right"
    for title, names, values in (
        ("received days", RECEIVED, counts.received),
        ("event days", EVENT_DAY, counts.days),
        ("events by bucket", BUCKETS, counts.buckets),
    ):
        table.add_section()
        table.add_row(f"[bold]{title}[/bold]", "")
        for name in names:
            table.add_row(name, f"{values[name]:,}")
    _out.print(table)
    for conflict in counts.conflicts:
        _out.print(f"conflict: {conflict}", markup=False)
    for problem in counts.problems:
        _out.print(f"[red]does not close: {problem}[/red]")
    if not counts.problems:
        _out.print("The counts close.")


def show_explained(explained: Explained, form: str) -> None:
    """A line from its amount down to its files."""
    if form == "json":
        print_json(explained_json(explained))
        return
    facts = explained_json(explained)
    _out.print(Text(facts["description"], style="bold"), facts["exact_amount"], facts["currency"], "exactly")
    for name in ("line_id", "company_id", "subscription_id", "plan_id", "price_id", "meter_id"):
        if facts[name]:
            _out.print(f"  {name:<16}{facts[name]}", markup=False)
    _out.print(f"  {'period':<16}{facts['period_start']} to {facts['period_end']}, due {facts['bill_at']}")
    _out.print(f"  {'quantity':<16}{facts['quantity']}")
    _show_calculation(facts["calculation"])
    if facts["sql"]:
        _out.print(f"\n{facts['events']:,} events:\n")
        _out.print(facts["sql"], markup=False)
        _out.print(f"\nin {len(facts['files'])} files:")
        for file in facts["files"][:_MAX_FILES]:
            _out.print(f"  {file['events']:>8,}  {file['source']}/{file['file']}", markup=False)
        if len(facts["files"]) > _MAX_FILES:
            _out.print(f"  … and {len(facts['files']) - _MAX_FILES} more; --format json lists all")


def _show_calculation(calculation: Mapping[str, Any]) -> None:
    _out.print(f"  {'price model':<16}{calculation['model']}")
    transform = calculation.get("transform")
    if transform:
        _out.print(f"  {'transformed':<16}{', '.join(f'{name} {value}' for name, value in transform.items())}")
    if "included_units" in calculation:
        _out.print(f"  {'included':<16}{calculation['included_units']}")
    names = list(dict.fromkeys(name for part in calculation["parts"] for name in part))
    table = Table(*names)
    for column in table.columns:
        column.justify = "right"
    for part in calculation["parts"]:
        table.add_row(*(_plain(part.get(name)) for name in names))
    _out.print(table)
    _out.print(f"  {'sum of parts':<16}{calculation['amount']}")


def show_publishable(
    final: Sequence[InvoiceState], differing: Sequence[InvoiceState], not_final: Sequence[InvoiceState], mode: str
) -> None:
    """What publishing would do."""
    table = Table(
        "invoice", "company", "total", "", "status", title=f"Dry run, Stripe mode {mode}", title_justify="left"
    )
    for state in [*final, *differing, *not_final]:
        invoice = state.invoice
        total = minor_text(invoice.total, invoice.currency)
        cells = (invoice.invoice_id, invoice.company_id, total, invoice.currency, state.status)
        table.add_row(*map(_plain, cells))
    _out.print(table)
    new = sum(state.booked is None for state in final)
    _out.print(f"{new} invoices would be booked; nothing was booked or sent.")
    _show_left_alone(differing, not_final)


def show_published(published: PublishedPeriod) -> None:
    """What publishing did."""
    report = published.report
    _out.print(
        f"{published.provider} ({published.mode}, account {published.account}): "
        f"{len(published.booked)} invoices booked, {len(report.issued)} issued, "
        f"{len(report.already_issued)} were issued before, {len(report.zero)} of zero not sent."
    )
    _show_left_alone(published.differing, published.not_final)
    for failure in report.failed:
        hint = "run the command again" if failure.may_repeat else "it will not succeed by itself"
        text = f"error: {failure.company_id} {failure.invoice_id}: {failure.error} ({hint})"
        _progress.print(text, style="red", markup=False)
    if report.not_tried:
        _progress.print(f"error: {len(report.not_tried)} invoices were not tried; run the command again", style="red")


def _show_left_alone(differing: Sequence[InvoiceState], not_final: Sequence[InvoiceState]) -> None:
    for state in differing:
        _progress.print(
            f"error: {state.invoice.company_id} {state.invoice.invoice_id} is {state.status}; what is booked never "
            "changes, so it was left alone",
            style="red",
            markup=False,
        )
    if not_final:
        _out.print(f"{len(not_final)} invoices are not final yet.")


def show_maintained(done: Sequence[Tidied], dry_run: bool) -> None:
    """What maintenance did, or would do: a line for each kind of work at each place."""
    for tidied in done:
        files = f"{tidied.files} file{'' if tidied.files == 1 else 's'}"
        outcome = f"rewritten as {tidied.made}" if tidied.made else f"{tidied.work}, removed"
        _out.print(f"{tidied.place}: {files} ({tidied.size:,} bytes) {outcome}", markup=False)
    if not done:
        _out.print("There is nothing to tidy up.")
    elif dry_run:
        _out.print("This was a dry run: nothing was changed or removed.")


def _plain(value: object) -> Text:
    """A cell that says just what it holds: data is no markup."""
    return Text("" if value is None else str(value)[:_MAX_CELL], overflow="fold")
