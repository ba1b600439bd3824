"""The demo: a sample of three months through the whole pipeline, its invoices issued to a sandbox of Stripe.

    python examples/demo/run.py [FOLDER]

makes the working folder FOLDER (default: demo) anew and runs there the commands that anybody would, each printed
before it runs. No real account is ever touched: what the environment says about Stripe or a working folder is
forgotten first.
"""

import io
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
from generate import generate

from monetization_pipeline.cli import main as command_line

PERIODS = ("2025-01", "2025-02", "2025-03")
RECEIVED_AT = "2025-04-01T01:00:00Z"

#: Says that a folder is this script's to remove.
MARKER = ".made-by-demo"

#: The line that is explained: the largest of this price, in the first period.
EXPLAINED = "scale_calls"

MONETIZE = Path(sys.executable).with_name("monetize")


def main(folder: Path) -> None:
    """Everything, from an empty folder to issued invoices."""
    console = Console(highlight=False)
    forget_accounts()
    started = time.monotonic()
    make_folder(console, folder)
    console.print("\n[bold]Three months of calls and actions[/bold], with all that real logs have in them")
    generate(folder / "samples")
    for source in ("api", "jobs"):
        files = sorted(str(path.relative_to(folder)) for path in (folder / "samples" / source).glob("*.gz"))
        shown = f"samples/{source}/*.gz"
        monetize(console, folder, ["ingest", "--source", source, "--received-at", RECEIVED_AT], files, shown)
    console.print("\n[bold]From raw events to draft invoices[/bold], one billing period after the other")
    for period in PERIODS:
        monetize(console, folder, ["run", period])
    console.print("\n[bold]Issued to the sandbox[/bold], over HTTP on this machine")
    for period in PERIODS:
        monetize(console, folder, ["publish", period])
    invoices = {period: read_json(folder, ["invoices", period]) for period in PERIODS}
    show_invoices(console, invoices)
    console.print("\n[bold]Where every record went[/bold]")
    monetize(console, folder, ["counts", PERIODS[-1]])
    console.print("\n[bold]One line, down to its tiers[/bold]")
    monetize(console, folder, ["explain", largest_line(invoices[PERIODS[0]])])
    show_next(console, folder, time.monotonic() - started)


def make_folder(console: Console, folder: Path) -> None:
    """A new working folder, in the place of one that this script made before; any other is left alone."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).exists():
            sys.exit(f"{folder} was not made by the demo and is left alone; name another: make demo DEMO=elsewhere")
        shutil.rmtree(folder)
    monetize(console, Path.cwd(), ["init", str(folder), "--example", "demo"])
    (folder / MARKER).touch()


def forget_accounts() -> None:
    """Take from the environment all that could lead to a real account or to another working folder."""
    for name in list(os.environ):
        if name.startswith(("STRIPE_", "MONETIZATION_", "DAGSTER_")):
            del os.environ[name]
    os.environ.update(STRIPE_MODE="sandbox", NO_PROXY="127.0.0.1,localhost", no_proxy="127.0.0.1,localhost")


def monetize(
    console: Console, folder: Path, arguments: Sequence[str], files: Iterable[str] = (), shown: str = ""
) -> None:
    """Run one command in the folder, its output as it comes. A command that fails ends the demo with its exit code."""
    console.print(f"[dim]$ monetize {' '.join([*arguments, shown]).strip()}[/dim]", soft_wrap=True)
    call(folder, [*arguments, *files])


def call(folder: Path, arguments: Sequence[str]) -> None:
    """The command line itself, in this process: what it imports is imported once."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        code = command_line.main(args=list(arguments), standalone_mode=False)
    finally:
        os.chdir(here)
    if code:
        sys.exit(code)


def read_json(folder: Path, arguments: Sequence[str]) -> list[dict[str, Any]]:
    """What a command prints with `--format json`."""
    with redirect_stdout(io.StringIO()) as printed:
        call(folder, [*arguments, "--format", "json"])
    return json.loads(printed.getvalue())


def show_invoices(console: Console, invoices: dict[str, list[dict[str, Any]]]) -> None:
    """A row for each company, a column for each billing period, and the totals."""
    companies = sorted({invoice["company_id"] for period in PERIODS for invoice in invoices[period]})
    table = Table("company", *PERIODS, "total", title="Invoices, USD", title_justify="left", show_footer=True)
    sums = [[total(invoices[period], company) for period in PERIODS] for company in companies]
    for column, amount in zip(table.columns[1:], (*columns(sums), sum(map(sum, sums), Decimal())), strict=True):
        column.justify, column.footer = "right", f"{amount:,.2f}"
    table.columns[0].footer = "all"
    for company, amounts in zip(companies, sums, strict=True):
        table.add_row(company, *(f"{amount:,.2f}" for amount in amounts), f"{sum(amounts, Decimal()):,.2f}")
    console.print()
    console.print(table)
    issued = sum(invoice["status"] == "issued" for period in PERIODS for invoice in invoices[period])
    console.print(f"{sum(map(len, invoices.values()))} invoices, {issued} of them issued.")


def total(invoices: Iterable[dict[str, Any]], company: str) -> Decimal:
    """Sum of a company's invoices of one period."""
    return sum((Decimal(invoice["total"]) for invoice in invoices if invoice["company_id"] == company), Decimal())


def columns(rows: Sequence[Sequence[Decimal]]) -> list[Decimal]:
    """Sum of each column."""
    return [sum(column, Decimal()) for column in zip(*rows, strict=True)]


def largest_line(invoices: Iterable[dict[str, Any]]) -> str:
    """Id of the line to explain."""
    lines = [line for invoice in invoices for line in invoice["lines"] if line["price_id"] == EXPLAINED]
    return max(lines, key=lambda line: (Decimal(line["exact_amount"]), line["line_id"]))["line_id"]


def show_next(console: Console, folder: Path, seconds: float) -> None:
    """What there is to look at."""
    command = os.path.relpath(MONETIZE, folder)
    looks = {
        "make dev": "the same in Dagster's UI: assets, partitions, checks, charts",
        f"cd {folder}": "and there:",
        f"{command} invoices 2025-02": "Harbor AI's plan changes within the month",
        f"{command} unbilled 2025-02": "what nobody is charged for, and why",
        f"{command} refusals": "lines that could not be read",
        f"{command} publish 2025-02": "once more: it creates nothing",
        "catalog/plans.yaml": "change a price, run 2025-03 again: what is booked stays and says what differs",
    }
    width = max(map(len, looks)) + 3
    console.print(f"\n[bold green]Done in {seconds:.0f} seconds.[/bold green] All of it is in {folder}/. Look at:\n")
    for what, why in looks.items():
        console.print(f"  {what:<{width}}{why}", soft_wrap=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
