"""`monetize`, and what every call of it must keep to."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from click.testing import CliRunner

from monetization_pipeline.cli import main, printing

_NOT_OURS = ("STRIPE_", "MONETIZATION_", "DAGSTER_")
#: A warning is an error, but for Dagster's use of what Python deprecates since 3.12.
_WARNINGS = "error,ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended. Nothing that a user sees is ever a stack trace."""

    code: int
    out: str
    err: str

    @property
    def both(self) -> str:
        """All that a user sees."""
        return self.out + self.err


def _checked(ended: Ended) -> Ended:
    assert "Traceback" not in ended.both, ended.both
    assert "internal error" not in ended.err, ended.err
    return ended


def environment_for(more: Mapping[str, str]) -> dict[str, str]:
    """An environment with nothing of this machine's own settings in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
    return {**kept, "COLUMNS": "200", "PYTHONWARNINGS": _WARNINGS, **more}


@dataclass(frozen=True)
class Monetize:
    """Calls `monetize` in a folder, with nothing of this machine's own settings in the environment."""

    program: ClassVar[Path] = Path(sys.executable).with_name("monetize")
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path) -> Ended:
        """A call in this process, which has imported everything; in one of its own where Python itself is told how."""
        own = any(name.startswith("PYTHON") for name in self.environment)
        return _checked(self.process(*arguments) if own else self._here(*arguments))

    def process(self, *arguments: str | Path) -> Ended:
        """A call as a user makes it: a process of its own."""
        ended = subprocess.run(
            [self.program, *map(str, arguments)],
            cwd=self.home,
            env=environment_for(self.environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return _checked(Ended(ended.returncode, ended.stdout, ended.stderr))

    def _here(self, *arguments: str | Path) -> Ended:
        wanted = environment_for(self.environment)
        changed = {name: wanted.get(name) for name in {*os.environ, *wanted} if not name.startswith("PYTHON")}
        narrow = printing.stdout.width
        printing.stdout.width = int(wanted["COLUMNS"])
        try:
            with chdir(self.home):
                ended = CliRunner().invoke(main, list(map(str, arguments)), prog_name="monetize", env=changed)
        finally:
            printing.stdout.width = narrow
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    def ok(self, *arguments: str | Path) -> Ended:
        """A call that succeeds."""
        ended = self(*arguments)
        assert ended.code == 0, ended.both
        return ended

    def json(self, *arguments: str | Path) -> Any:
        """What a call prints as JSON; there is nothing else on stdout, and nothing at all on stderr."""
        ended = self.ok(*arguments, "--format", "json")
        assert ended.err == ""
        return json.loads(ended.out)

    def refused(self, *arguments: str | Path, code: int = 1) -> str:
        """What a call that fails says; all of it on stderr."""
        ended = self(*arguments)
        assert (ended.code, ended.out) == (code, ""), ended.both
        assert ended.err
        return ended.err

    def kept(self) -> dict[str, bytes]:
        """Every file of the lake and of landing, with its bytes."""
        kept = self.home / ".monetization"
        return {
            str(path.relative_to(kept)): path.read_bytes()
            for part in ("lake", "landing")
            for path in sorted((kept / part).rglob("*"))
            if path.is_file()
        }
