"""How things are printed: rows and JSON to stdout, progress and errors to stderr."""

import json
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_MAX_ROWS = 200

_MAX_CELL = 300

stdout = Console(highlight=False, soft_wrap=True)

stderr = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def progress(title: str) -> Generator[Callable[[str], None]]:
    """Show what is being done; on a terminal as a line that changes, else a line for each step."""
    if not stderr.is_terminal:
        yield lambda text: stderr.print(f"{title}: {text}", style="dim", markup=False)
        return
    with stderr.status(f"{title} …") as status:

        def report(text: str) -> None:
            stderr.print(f"{title}: {text}", style="dim", markup=False)
            status.update(Text(f"{title}: {text}"))

        yield report


def print_json(value: object) -> None:
    """Print a value as indented JSON to stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def show_rows(rows: Sequence[Mapping[str, Any]], form: str, title: str) -> None:
    """Print rows as JSON, or as a table of the columns that any row fills, at most 200 rows."""
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
        table.add_row(*(cell(row[name]) for name in columns))
    stdout.print(table)
    more = len(rows) - _MAX_ROWS
    stdout.print(
        f"{len(rows)} rows." + (f" {more} of them are not shown; --format json prints all." if more > 0 else "")
    )


def cell(value: object) -> Text:
    """A cell that says just what it holds: data is no markup."""
    return Text("" if value is None else str(value)[:_MAX_CELL], overflow="fold")


MAX_FILES = 10
