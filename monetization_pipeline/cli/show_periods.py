"""What commands print of a billing period."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from monetization_pipeline.cli.printing import MAX_FILES, cell, print_json, stdout
from monetization_pipeline.datasets.invoice_fields import LINE_FIELDS, Kind
from monetization_pipeline.ledger.records import Place
from monetization_pipeline.metering.charged import BUCKETS
from monetization_pipeline.money import plain
from monetization_pipeline.reports.charts import grouped, text_bars
from monetization_pipeline.reports.explain import Explained, explained_json
from monetization_pipeline.reports.promised import DecimalText, UsageDaysRow
from monetization_pipeline.reports.usage_days import MeterDays
from monetization_pipeline.standing.counts import EVENT_DAY, RECEIVED, Counts
from monetization_pipeline.standing.refused_values import RefusedValues

_MAX_CHART = 120

_MAX_LABEL = 30


def show_usage_chart(meters: Sequence[MeterDays], form: str, period: str) -> None:
    """Print each meter as bars by local day, and its largest companies; ASCII where the output takes nothing else."""
    if form == "json":
        print_json([_chart_json(meter) for meter in meters])
        return
    width, ascii_only = min(stdout.width, _MAX_CHART), not stdout.encoding.lower().startswith("utf")
    for meter in meters:
        stdout.print(Text(f"{meter.meter_id}: {meter.measure} by local day, {period}", style="bold"))
        days = [(day.isoformat(), figure) for day, figure in meter.days.items()]
        companies = [(company[:_MAX_LABEL], figure) for company, figure in meter.companies]
        lines = text_bars(days, width, ascii_only=ascii_only)
        lines += [f"total {grouped(meter.total)}", "", "largest companies"]
        lines += text_bars(companies, width, ascii_only=ascii_only)
        stdout.print("\n".join([*lines, ""]), markup=False)
    if not meters:
        stdout.print(f"There is no usage of {period} yet; `monetize run {period}` makes it.")


def _chart_json(meter: MeterDays) -> UsageDaysRow:
    return {
        "meter_id": meter.meter_id,
        "measure": meter.measure,
        "total": DecimalText(plain(meter.total)),
        "days": {day.isoformat(): DecimalText(plain(figure)) for day, figure in meter.days.items()},
        "largest_companies": [
            {"company_id": name, "figure": DecimalText(plain(figure))} for name, figure in meter.companies
        ],
    }


def show_invoices(invoices: Sequence[Mapping[str, Any]], form: str) -> None:
    """Print invoices as JSON, or one line each and what it charges below; ids are whole, to be copied."""
    if form == "json":
        print_json(list(invoices))
        return
    lines = [line for invoice in invoices for line in invoice["lines"]]
    amounts = [invoice["total"] or "" for invoice in invoices]
    amounts += [text for line in lines for text in _of(line, Kind.AMOUNT)]
    wide = max(map(len, amounts), default=0)
    wider = max((len(text) for line in lines for text in _of(line, Kind.QUANTITY)), default=0)
    for invoice in invoices:
        total = f"{invoice['total'] or '-':>{wide}} {invoice['currency']}"
        text = f"{total}  {invoice['status']:<9} due {invoice['bill_at'][:10]}  {invoice['company_id']}"
        places = [Place(each["provider"], each["mode"], each["account"]) for each in invoice["issued_at"]]
        stdout.print("; ".join([text, *(f"issued at {place}" for place in places)]), style="bold", markup=False)
        if invoice["publish"] in ("wait", "leave"):
            stdout.print(f"publishing would {invoice['publish']}: {invoice['why']}", style="dim", markup=False)
        for line in invoice["lines"]:
            figures = [f"{text:>{wide}}      " for text in _of(line, Kind.AMOUNT)]
            figures += [f"{text:>{wider}} × " for text in _of(line, Kind.QUANTITY)]
            text = f"{''.join(figures)}{', '.join(_of(line, Kind.WORDS))}  {' '.join(_of(line, Kind.ID))}"
            stdout.print(text, style="dim", markup=False)
        for there in invoice["elsewhere"]:
            text = f"{there['amount']:>{wide}}      {there['description']}  billed elsewhere"
            stdout.print(text, style="dim", markup=False)
        for held in invoice["held_back"]:
            text = f"{held['amount']:>{wide}}      {held['description']}  charged in invoice {held['charged_in']}"
            stdout.print(text, style="dim", markup=False)
    stdout.print(f"{len(invoices)} invoices. `monetize explain LINE_ID` shows how an amount comes about.")


def _of(line: Mapping[str, Any], kind: Kind) -> list[str]:
    """What a line shows in the fields of one kind."""
    return [line[field.name] for field in LINE_FIELDS if field.kind is kind and line[field.name] is not None]


def show_counts(counts: Counts, refused: Sequence[RefusedValues], form: str, period: str) -> None:
    """Print counts as JSON, or the buckets by group, what meters refused, conflicts, and what does not close."""
    if form == "json":
        print_json(counts.by_name() | {"meters": [asdict(each) for each in refused]})
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
    stdout.print(table)
    for each in refused:
        values = f"{each.absent:,} without a value, {each.unreadable:,} with one that cannot be read"
        stdout.print(f"meter {each.meter_id} refused {values}, and used {each.metered:,}.", markup=False)
    for conflict in counts.conflicts:
        stdout.print(f"conflict: {conflict}", markup=False)
    for problem in counts.problems:
        stdout.print(f"[red]does not close: {problem}[/red]")
    if not counts.problems:
        stdout.print("The counts close.")


def show_explained(explained: Explained, form: str) -> None:
    """Print a line from its amount down to its files."""
    if form == "json":
        print_json(explained_json(explained))
        return
    facts = explained_json(explained)
    stdout.print(Text(facts["description"], style="bold"), facts["exact_amount"], facts["currency"], "exactly")
    for name in ("line_id", "company_id", "subscription_id", "plan_id", "price_id", "meter_id"):
        if facts[name]:
            stdout.print(f"  {name:<16}{facts[name]}", markup=False)
    stdout.print(f"  {'period':<16}{facts['period_start']} to {facts['period_end']}, due {facts['bill_at']}")
    stdout.print(f"  {'quantity':<16}{facts['quantity']}")
    _show_calculation(facts["calculation"])
    if facts["sql"]:
        stdout.print(f"\n{facts['events']:,} events:\n")
        stdout.print(facts["sql"], markup=False)
        stdout.print(f"\nin {len(facts['files'])} files:")
        for file in facts["files"][:MAX_FILES]:
            stdout.print(f"  {file['events']:>8,}  {file['source']}/{file['file']}", markup=False)
        if len(facts["files"]) > MAX_FILES:
            stdout.print(f"  … and {len(facts['files']) - MAX_FILES} more; --format json lists all")


def _show_calculation(calculation: Mapping[str, Any]) -> None:
    stdout.print(f"  {'price model':<16}{calculation['model']}")
    transform = calculation.get("transform")
    if transform:
        stdout.print(f"  {'transformed':<16}{', '.join(f'{name} {value}' for name, value in transform.items())}")
    if "included_units" in calculation:
        stdout.print(f"  {'included':<16}{calculation['included_units']}")
    names = list(dict.fromkeys(name for part in calculation["parts"] for name in part))
    table = Table(*names)
    for column in table.columns:
        column.justify = "right"
    for part in calculation["parts"]:
        table.add_row(*(cell(part.get(name)) for name in names))
    stdout.print(table)
    stdout.print(f"  {'sum of parts':<16}{calculation['amount']}")
