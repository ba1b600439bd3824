"""The house rules that no other tool looks after."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

MAX_LINES = 400
INSTANCES = ("dagster.yaml", "deploy/dagster.postgres.yaml")


def load_toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_workspace_and_pyproject_name_the_same_module(root: Path) -> None:
    workspace = yaml.safe_load((root / "workspace.yaml").read_text(encoding="utf-8"))
    project = load_toml(root / "pyproject.toml")["tool"]["dg"]["project"]
    assert workspace == {"load_from": [{"python_module": project["code_location_target_module"]}]}


def test_both_instances_differ_in_their_storage_only(root: Path) -> None:
    sqlite, postgres = (yaml.safe_load((root / name).read_text(encoding="utf-8")) for name in INSTANCES)
    assert "storage" not in sqlite, "a path in this file would be wrong in every copy of it"
    assert postgres.pop("storage") == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    assert sqlite == postgres


def test_init_copies_the_same_instance(root: Path) -> None:
    assert (root / "examples" / "dagster.yaml").read_text("utf-8") == (root / "dagster.yaml").read_text("utf-8")


def test_the_wheel_carries_the_examples(root: Path) -> None:
    wheel = load_toml(root / "pyproject.toml")["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "examples" in wheel["only-include"]
    assert wheel["sources"] == {"examples": "monetization_pipeline/_examples"}


def test_the_starter_settings_are_the_documented_ones(root: Path) -> None:
    assert (root / "examples" / "starter" / ".env").read_text("utf-8") == (root / ".env.example").read_text("utf-8")


@pytest.mark.parametrize("example", ["starter", "demo", "cloudtrail", "llm-inference", "moesif"])
def test_every_example_is_a_whole_working_folder(root: Path, example: str) -> None:
    folder = root / "examples" / example
    assert (folder / ".env").is_file()
    assert (folder / "README.md").is_file()
    for room in ("catalog", "customers", "sources"):
        files = [path for path in (folder / room).iterdir() if path.suffix in {".yaml", ".csv"}]
        assert files, f"{folder / room} is empty"
        for path in files:
            if path.suffix == ".yaml":
                assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict | None), path


def test_no_file_is_longer_than_a_reader_bears(root: Path) -> None:
    folders = ("monetization_pipeline", "tests", "examples", "benchmarks")
    files = [path for folder in folders for path in (root / folder).rglob("*.py")]
    lines = {path.relative_to(root): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}


def test_the_lock_names_no_machine(root: Path) -> None:
    text = (root / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text
