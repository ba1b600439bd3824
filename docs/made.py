"""The pages that are made from code: `make docs` writes them, and a test finds out where one is not up to date."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from docs import price_models
from docs.markdown import MADE, code, table
from monetization_pipeline.cli import main
from monetization_pipeline.datasets.spec import DatasetSpec, describe
from monetization_pipeline.publishing.registry import PROVIDERS, every_dataset
from monetization_pipeline.settings import SETTINGS, Settings
from monetization_pipeline.steps.road import ROAD

HERE = Path(__file__).resolve().parent

#: Of the account, whose settings bear the provider's name.
_ACCOUNT = (
    (
        "MODE",
        "mode",
        "`sandbox` is a stand-in on this machine, `test` the provider's test mode; only `live`, with a live key, bills",
    ),
    ("API_KEY", "secret", "key of that mode; the sandbox needs none"),
    ("API_BASE", "address", "the address of a sandbox that runs already; without it, each command starts one"),
)


def pages() -> dict[Path, str]:
    """What each page that is made from code has to hold."""
    return {
        HERE / "commands.md": "\n".join(_commands()),
        HERE / "datasets.md": "\n".join(_datasets()),
        HERE / "price_models.md": "\n".join(price_models.page()),
        HERE / "settings.md": "\n".join(_settings()),
    }


def _commands() -> Iterator[str]:
    yield from ("# Commands", "", MADE, "")
    yield "In the working folder, or with `MONETIZATION_HOME`. Results go to stdout, progress and errors to stderr; the"
    yield "exit code is 1 where something failed, 2 for wrong usage. `--format json` prints what"
    yield from ("[reports/promised.py](../monetization_pipeline/reports/promised.py) promises.", "")
    with click.Context(main, info_name="monetize") as context:
        for name, command in _walk(main, ("monetize",)):
            arguments = [each.make_metavar(context) for each in command.params if isinstance(each, click.Argument)]
            yield from (f"## `{' '.join([*name, *arguments])}`", "", *_paragraphs(command.help or ""), "")
            options = [each for each in command.params if isinstance(each, click.Option)]
            if options:
                yield from table(("option", "meaning", "default"), (_option(each, context) for each in options))
                yield ""


def _walk(group: click.Group, name: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for each in sorted(group.commands):
        command = group.commands[each]
        if isinstance(command, click.Group):
            yield from _walk(command, (*name, each))
        else:
            yield (*name, each), command


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.strip().split("\n\n")):
        if number:
            yield ""
        yield " ".join(paragraph.split())


def _option(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    value = "" if option.is_flag else f" {option.make_metavar(context)}"
    default = option.get_default(context)
    shown = f"`{default}`" if isinstance(default, str | int) and not option.is_flag else ""
    return f"`{option.opts[-1]}{value}`" + (" (required)" if option.required else ""), option.help or "", shown


def _datasets() -> Iterator[str]:
    yield from ("# Datasets", "", MADE, "")
    yield "Every dataset is a Delta table under `.monetization/lake/`: Parquet files and a log, readable by Spark,"
    yield "Trino, DuckDB and pandas. Instants are UTC, decimals exact. Columns are only ever added."
    yield ""
    makers = {spec.name: row for row in ROAD for spec in (row.spec, *row.beside)}
    for spec in every_dataset():
        row = makers.get(spec.name)
        yield from (f"## {spec.name}", "", f"{spec.doc[0].upper()}{spec.doc[1:]}.", "")
        yield f"Key: {code(spec.key)}. Partition: {_partition(spec)}."
        if row is not None and row.inputs and row.spec is spec:
            yield f"Made from: {code(row.inputs)}."
        elif row is not None and row.spec is not spec:
            yield f"Committed with `{row.name}`."
        yield ""
        columns = ((f"`{field.name}`", _type(field.type), describe(field)) for field in spec.schema)
        yield from table(("column", "type", "meaning"), columns)
        yield ""


def _partition(spec: DatasetSpec) -> str:
    return "none" if spec.partition_column is None else f"`{spec.partition_column}`"


def _type(kind: Any) -> str:
    plain = {"timestamp[us, tz=UTC]": "instant", "date32[day]": "day", "string": "text", "int64": "integer"}
    return plain.get(str(kind), str(kind))


def _settings() -> Iterator[str]:
    yield from ("# Settings", "", MADE, "")
    yield "In the environment, or in the working folder's `.env`; the environment wins. [.env.example](../.env.example)"
    yield "says more of each."
    yield ""
    defaults = {name: getattr(Settings(Path()), name) for name in (each.fills for each in SETTINGS)}
    rows = [
        (
            "`MONETIZATION_HOME`",
            "the current folder",
            "the working folder; everything else in this list is read from there",
        )
    ]
    rows += [(f"`{each.name}`", _shown(defaults[each.fills]), each.meaning) for each in SETTINGS]
    account = Settings(Path()).account
    rows.append(("`MONETIZATION_PROVIDER`", _shown(account.provider), f"where invoices go: {', '.join(PROVIDERS)}"))
    for provider in PROVIDERS:
        for suffix, fills, meaning in _ACCOUNT:
            default = "" if fills == "secret" else _shown(getattr(account, fills) or "")
            rows.append((f"`{provider.upper()}_{suffix}`", default, meaning))
    yield from table(("setting", "default", "meaning"), rows)
    yield ""


def _shown(value: object) -> str:
    if isinstance(value, timedelta):
        value = value.days
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    os.environ.pop("COLUMNS", None)
    for path, text in pages().items():
        path.write_text(text, "utf-8")
