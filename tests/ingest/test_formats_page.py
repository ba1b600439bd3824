"""docs/formats.md says what is so: each declaration and file on it gives the events beside them."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from workshop import Workshop

from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS
from monetization_pipeline.expressions import paths_of
from monetization_pipeline.sources.declared import SCHEMAS, Format

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "formats.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Section:
    title: str
    blocks: dict[str, str]


def sections() -> list[Section]:
    parts = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    found = [Section(part.partition("\n")[0], dict(_BLOCK.findall(part))) for part in parts]
    return [section for section in found if section.blocks]


def test_every_format_and_schema_has_its_section() -> None:
    declared = [yaml.safe_load(section.blocks["yaml"]) for section in sections()]
    assert {declaration["format"] for declaration in declared} == {form.value for form in Format}
    assert {declaration.get("schema") for declaration in declared} >= {
        "moesif",
        "kong-http-log",
        "aws-api-gateway",
        "cloudevents",
    }


def told_fields() -> dict[str, dict[str, str]]:
    """By schema, what its section says of each field."""
    parts = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    found: dict[str, dict[str, str]] = {}
    for part in parts:
        rows = [row.split(" | ") for row in part.splitlines() if row.startswith("| `")]
        schema = re.search(r"^schema: (\S+)$", part, re.MULTILINE)
        if schema and len(rows) > 5:
            found[schema[1]] = {name: said for names, said in rows for name in re.findall(r"`([^`]+)`", names)}
    return found


@pytest.mark.parametrize("schema", [schema for schema in SCHEMAS if schema != "corrections"])
def test_every_field_of_a_schema_is_used_or_left_out_with_a_reason(schema: str) -> None:
    told = told_fields()[schema]
    read = {".".join(map(str, path)) for text in SCHEMAS[schema].values() for path in paths_of(text)}
    assert read - set(told) == set(), "read, and not told"
    assert {name for name in read if "left out" in told[name]} == set(), "read, and told to be left out"
    assert {name for name in set(told) - read if not told[name].startswith("left out: ")} == set(), "neither"


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.title)
def test_a_section(section: Section, shop: Workshop, tmp_path: Path) -> None:
    (shop.root / "sources" / "example.yaml").write_text(section.blocks["yaml"])
    shop.take(_file(section, tmp_path), source="example")
    expected = json.loads(section.blocks["json"])
    events = sorted(shop.rows(RAW_EVENTS), key=lambda row: (row["line"], row["record"]))
    refusals = sorted(shop.rows(REFUSALS), key=lambda row: row["line"])
    assert len(events) + len(refusals) == len(expected)
    for wanted in expected:
        if "refused" in wanted:
            refusal = refusals.pop(0)
            assert {"refused": refusal["reason"], "line": refusal["line"]} == wanted
        else:
            row = events.pop(0)
            assert {name: _shown(name, row[name]) for name in wanted} == wanted


def _file(section: Section, folder: Path) -> bytes:
    if "python" not in section.blocks:
        return section.blocks["text"].encode()
    program = folder / "write.py"
    program.write_text(section.blocks["python"])
    subprocess.run([sys.executable, program], cwd=folder, check=True, env=dict(os.environ))
    return (folder / "file").read_bytes()


def _shown(name: str, value: Any) -> object:
    if isinstance(value, datetime):
        text = value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return text.replace(".000Z", "Z")
    return json.loads(value) if name == "metadata" and value is not None else value
