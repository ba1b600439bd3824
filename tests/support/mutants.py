"""Mutation testing of the rooms of money within a budget of minutes: `make mutants MINUTES=20`. See docs/mutants.md.

mutmut changes one expression of a room at a time and runs those of the room's own tests that reach it. What it found
is kept in `.mutants/<room>`, so that the next run goes on where this one ended, and tries the survivors again.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: mutmut's exit codes of mutants that need no second look: killed, and killed by taking too long.
SETTLED = (1, 36)
KEPT = ROOT / ".mutants"
PACKAGE = "monetization_pipeline"
#: Beside the package: what the tests read.
COPIED = ("tests", "examples", "docs", "dagster.yaml", ".env.example")
SURVIVED = ("survived", "suspicious")
MUTMUT = Path(sys.executable).with_name("mutmut")


@dataclass(frozen=True)
class Room:
    """`files` below the package are changed, `tests` below tests/ must notice."""

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where its mutants live."""
        return KEPT / self.name


ROOMS = (
    Room("money", ("money.py",), ("test_money.py",)),
    Room("periods", ("periods.py",), ("test_periods.py",)),
    Room("ids", ("ids.py",), ("rating/test_rated_lines.py",)),
    Room("rating", ("rating/*.py",), ("rating",)),
    Room("invoicing", ("invoicing/*.py",), ("invoicing",)),
    Room(
        "customers",
        tuple(f"customers/{name}.py" for name in ("activity", "attribution", "merge", "month_terms", "terms")),
        ("customers",),
    ),
    Room("ledger", ("ledger/booking.py", "ledger/publications.py", "ledger/records.py"), ("ledger",)),
    Room(
        "publishing",
        (
            *(f"publishing/{name}.py" for name in ("customers", "issuing", "keys", "publisher")),
            "publishing/*/amounts.py",
        ),
        ("publishing",),
    ),
)


def main() -> int:
    """Run the rooms in turn; what one leaves of its share of the time is the others'."""
    parser = argparse.ArgumentParser(description="Mutation testing of the rooms of money.")
    parser.add_argument("minutes", type=float, help="when to stop")
    parser.add_argument("rooms", nargs="*", help=f"of {', '.join(room.name for room in ROOMS)}; all unless given")
    asked = parser.parse_args()
    rooms = [room for room in ROOMS if not asked.rooms or room.name in asked.rooms]
    end = time.monotonic() + asked.minutes * 60
    for index, room in enumerate(rooms):
        lay_out(room)
        forget_survivors(room)
        run(room, seconds=(end - time.monotonic()) / (len(rooms) - index))
    for room in rooms:
        report(room)
    return 0


def lay_out(room: Room) -> None:
    """A copy of the checkout that mutmut may change, with its settings for this room."""
    room.folder.mkdir(parents=True, exist_ok=True)
    for name in (PACKAGE, *COPIED):
        source, copy = ROOT / name, room.folder / name
        if source.is_dir():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy)
    settings = {
        "source_paths": [PACKAGE],
        "only_mutate": [f"{PACKAGE}/{file}" for file in room.files],
        "also_copy": list(COPIED),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-m", "not slow"],
        "pytest_add_cli_args_test_selection": [f"tests/{test}" for test in room.tests],
        "use_git_change_detection": False,
        # Forked from a process in which no test ran: else what a cache holds would hide a mutant.
        "process_isolation": "forkserver",
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    text = "\n".join(((ROOT / "pyproject.toml").read_text("utf-8"), "[tool.mutmut]", *lines, ""))
    (room.folder / "pyproject.toml").write_text(text, "utf-8")


def forget_survivors(room: Room) -> None:
    """The tests may be others now: what they missed is tried again, and so is which tests reach what."""
    (room.folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for path in (room.folder / "mutants").rglob("*.meta"):
        said = json.loads(path.read_text("utf-8"))
        codes = said["exit_code_by_key"]
        said["exit_code_by_key"] = {name: code if code in SETTLED else None for name, code in codes.items()}
        path.write_text(json.dumps(said), "utf-8")


def run(room: Room, seconds: float) -> None:
    """Let mutmut work for so long; what it prints is kept beside the mutants."""
    print(f"{room.name}: {max(seconds, 0) / 60:.1f} minutes", flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with (room.folder / "mutmut.log").open("w") as log:
        process = subprocess.Popen(
            [MUTMUT, "run", "--max-children", str(os.cpu_count() or 1)],
            cwd=room.folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            code = process.wait(max(seconds, 1))
        except subprocess.TimeoutExpired:
            # It keeps each verdict as it comes. Its children do not end with it.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        else:
            if code:
                print(f"{room.name}: mutmut ended with {code}; see {log.name}")


def report(room: Room) -> None:
    """How many mutants came to what, functions that no test reaches, and each change that no test noticed."""
    said = _mutmut(room, "results", "--all", "true")
    results = [line.strip().rsplit(": ", 1) for line in said.splitlines() if "__mutmut_" in line]
    print(f"\n{room.name}: " + (", ".join(f"{n} {what}" for what, n in Counter(w for _, w in results).items()) or "-"))
    for function, count in Counter(_function(name) for name, what in results if what == "no tests").items():
        print(f"  no test reaches {function} ({count} mutants)")
    for name in (name for name, what in results if what in SURVIVED):
        print(f"  {_function(name)} ({name.rpartition('_')[2]})")
        changed = [line for line in _mutmut(room, "show", name).splitlines() if line[:1] in "+-"]
        print("\n".join(f"    {line}" for line in changed if not line.startswith(("+++", "---"))))


def _function(mutant: str) -> str:
    """`money.plain` of `monetization_pipeline.money.x_plain__mutmut_7`."""
    module, _, name = mutant.removeprefix(f"{PACKAGE}.").rpartition("__mutmut_")[0].rpartition(".")
    return f"{module}.{name.removeprefix('x').removeprefix('_').removeprefix('ǁ').replace('ǁ', '.')}"


def _mutmut(room: Room, *arguments: str) -> str:
    return subprocess.run([MUTMUT, *arguments], cwd=room.folder, check=False, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
