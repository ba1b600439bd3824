"""A page of documentation whose ```console blocks are run: each command gives the output that stands below it.

`$ ` begins a command, `> ` continues it. In an output, a line that is `…` alone stands for any lines, and `…` within a
line for any text. All blocks of a page are one session.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_OURS = ("STRIPE_", "MONETIZATION_", "DAGSTER_")


@dataclass(frozen=True)
class Step:
    """One command and the output that the page shows."""

    command: str
    output: tuple[str, ...]


def steps(page: Path) -> Iterator[Step]:
    for block in _BLOCK.findall(page.read_text()):
        command: list[str] = []
        output: list[str] = []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command:
                    yield Step("\n".join(command), tuple(output))
                command, output = [line[2:]], []
            elif line.startswith("> "):
                command.append(line[2:])
            else:
                output.append(line)
        if command:
            yield Step("\n".join(command), tuple(output))


class Shell:
    """A session in a folder, with `monetize` on the path and nothing of this machine's own settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        self.environment = {**kept, "PATH": path, "COLUMNS": "120", "TERM": "dumb"}

    def run(self, command: str) -> str:
        """What a command prints, of both streams; a folder it changes to is kept."""
        marker = self.folder / ".pwd"
        ended = subprocess.run(
            ["bash", "-c", f"{command}\nstatus=$?\npwd > {marker}\nexit $status"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        self.folder = Path(marker.read_text().strip())
        marker.unlink()
        return ended.stdout


def matches(shown: tuple[str, ...], printed: str) -> bool:
    """Whether an output is the one that the page shows."""
    parts = [r"(?:.*\n)*" if line.strip() == "…" else _line(line) + r"[ ]*\n" for line in shown]
    return (
        re.fullmatch("".join(parts), printed if printed.endswith("\n") or not printed else printed + "\n") is not None
    )


def _line(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.rstrip().split("…"))
