"""Whatever a user gets wrong ends with a message that says what and where, on stderr, with exit code 1 or 2."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from command_line import Monetize

from monetization_pipeline.cli import main

CATALOG = """\
meters:
  - meter_id: calls
    aggregation: count
    filter: {filter}
plans:
  - plan_id: payg
    currency: USD
    interval: month
    prices:
      - price_id: calls
        meter: {meter}
        model: graduated
        tiers: {tiers}
"""
GOOD = {
    "filter": "status < 400",
    "meter": "calls",
    "tiers": '[{up_to: 10, unit_amount: "1"}, {up_to: null, unit_amount: "2"}]',
}


@dataclass(frozen=True, slots=True)
class Broken:
    """One file that is wrong, the command that finds it, and what the message says."""

    name: str
    file: str
    content: str
    says: tuple[str, ...]
    command: tuple[str, ...] = ("catalog", "check")


def catalog(name: str, *says: str, **parts: str) -> Broken:
    return Broken(name, "catalog/catalog.yaml", CATALOG.format(**{**GOOD, **parts}), says)


BROKEN = [
    catalog("a meter that there is not", "catalog.yaml:11", "there is no meter cals", meter="cals"),
    catalog(
        "tiers that overlap",
        "catalog.yaml:13",
        "up_to",
        tiers='[{up_to: 10, unit_amount: "1"}, {up_to: 5, unit_amount: "1"}, {up_to: null, unit_amount: "2"}]',
    ),
    catalog(
        "a filter that reads a file", "catalog.yaml:4", "filter", filter="company_id in (select * from '/etc/passwd')"
    ),
    catalog("a filter that calls a reader", "catalog.yaml:4", "filter", filter="read_text('/etc/passwd') = 'x'"),
    catalog("a filter that runs a statement", "catalog.yaml:4", "filter", filter='"1 = 1; drop table events"'),
    Broken("YAML that is none", "catalog/catalog.yaml", "meters:\n  - meter_id: {{{\n", ("catalog.yaml:",)),
    Broken(
        "a source that is no YAML", "sources/logs.yaml", "format: ndjson\nmapping: [a\n", ("logs.yaml:", "not YAML")
    ),
    Broken(
        "a source of an unknown format",
        "sources/logs.yaml",
        "format: xml\nmapping: {event_id: id}\n",
        ("logs.yaml", "format"),
    ),
    Broken(
        "a mapping that runs a statement",
        "sources/logs.yaml",
        'format: ndjson\nmapping:\n  occurred_at: at\n  event_type: "\'api_call\'"\n  company_id: "(select 1)"\n',
        ("logs.yaml", "company_id"),
    ),
    Broken(
        "customers that are no YAML",
        "customers/customers.yaml",
        "companies:\n  - {company_id: acme\n",
        ("customers.yaml:",),
        ("run", "2023-07"),
    ),
    Broken(
        "a catalog that a run meets",
        "catalog/catalog.yaml",
        "meters:\n  - aggregation: count\n",
        ("catalog.yaml:2", "meter_id"),
        ("run", "2023-07"),
    ),
]


@pytest.fixture
def home(root: Path, tmp_path: Path) -> Path:
    """A working folder, not made by the command: `init` has its own tests."""
    for name in ("catalog", "customers", "sources"):
        (tmp_path / name).mkdir()
    (tmp_path / "catalog" / "catalog.yaml").write_text(CATALOG.format(**GOOD))
    (tmp_path / "sources" / "logs.yaml").write_text("format: ndjson\nschema: moesif\n")
    return tmp_path


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_a_broken_file_is_named_with_its_place(home: Path, broken: Broken) -> None:
    (home / broken.file).write_text(broken.content)
    said = Monetize(home).refused(*broken.command)
    assert said.startswith("error: ") or "\nerror: " in said
    for text in broken.says:
        assert text in said
    assert not list((home / ".monetization").glob("lake/*")), "nothing was made"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ingest", "--source", "unheard_of", "."), ("'unheard_of' is not declared", "logs")),
        (("ingest", "--source", "logs", "nosuchfile"), ("nosuchfile is neither a file nor a folder",)),
        (("ingest", "--source", "logs", "nosuchfolder/**/*.gz"), ("nosuchfolder/**/*.gz: there is no such file",)),
        (("explain", "ln_nosuchline"), ("'ln_nosuchline'",)),
        (("run", "2023-13"), ("2023-13",)),
        (("run", "July"), ("July",)),
        (("invoices", "2023-7"), ("2023-7",)),
        (("usage", "all"), ("all",)),
        (("run", "2019-12"), ("2019-12", "MONETIZATION_FIRST_MONTH")),
    ],
)
def test_what_there_is_not_is_refused_by_name(home: Path, arguments: Sequence[str], says: Sequence[str]) -> None:
    said = Monetize(home).refused(*arguments)
    assert said.startswith("error: ")
    for text in says:
        assert text in said


def test_a_folder_that_is_no_working_folder(tmp_path: Path) -> None:
    said = Monetize(tmp_path).refused("run", "2023-07")
    assert str(tmp_path) in said
    assert "monetize init" in said
    assert list(tmp_path.iterdir()) == []


def test_init_never_writes_over_anything(home: Path) -> None:
    before = sorted(home.rglob("*"))
    assert "not empty" in Monetize(home).refused("init", ".", "--example", "demo")
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("run",),
        ("ingest", "--source", "logs"),
        ("ingest", "--source", "logs", "--received-at", "yesterday", "."),
        ("invoices", "2023-07", "--format", "xml"),
        ("init", "there", "--example", "nosuchexample"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two(home: Path, arguments: Sequence[str]) -> None:
    assert "Usage: " in Monetize(home).refused(*arguments, code=2)


@pytest.mark.parametrize(
    "setting", ["MONETIZATION_FIRST_MONTH", "MONETIZATION_GRACE_DAYS", "MONETIZATION_TIME_ZONE", "STRIPE_ISSUE_ZERO"]
)
def test_a_setting_without_meaning_is_named(home: Path, setting: str) -> None:
    assert setting in Monetize(home, {setting: "soon"}).refused("refusals")


def test_a_working_folder_named_by_the_environment(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = Monetize(tmp_path_factory.mktemp("elsewhere"), {"MONETIZATION_HOME": str(home)})
    assert "in order: 1 meters, 1 plans, 1 sources" in elsewhere.ok("catalog", "check").out


def test_help_is_there_at_once() -> None:
    """The processor's time, not the clock's: the machine may be busy with other tests."""

    def seconds() -> float:
        with subprocess.Popen(
            [Path(sys.executable).with_name("monetize"), "--help"], stdout=subprocess.DEVNULL
        ) as process:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return used.ru_utime + used.ru_stime

    assert min(seconds() for _ in range(3)) < 0.5


def groups(group: click.Group, *name: str) -> Iterator[tuple[tuple[str, ...], click.Group]]:
    """A group of commands and all groups in it, each with the words that lead there."""
    yield name, group
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from groups(command, *name, word)


def test_help_names_every_command_with_what_it_does(home: Path) -> None:
    found = dict(groups(main))
    assert ("catalog",) in found
    for name, group in found.items():
        said = Monetize(home).ok(*name, "--help").out
        missing = [word for word in group.commands if not re.search(rf"^  {word} +[A-Z`]", said, re.MULTILINE)]
        assert missing == []
