"""What the made pages are put together from."""

from collections.abc import Iterable, Iterator, Sequence

#: Stands at the head of a page that is made.
MADE = "<!-- Made from code by `make docs`; what is written here by hand is lost. -->"


def code(names: Iterable[str]) -> str:
    """Names as code, one after the other."""
    return ", ".join(f"`{name}`" for name in names)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table, a line at a time."""
    yield f"| {' | '.join(header)} |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"
