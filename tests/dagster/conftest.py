"""A working folder as Dagster sees it: its definitions, and an instance in SQLite like the one that is delivered."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_folder import KEPT, Folder, opened


@pytest.fixture(scope="session")
def instance_template(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh DAGSTER_HOME; making its tables takes longer than most tests."""
    home = tmp_path_factory.mktemp("dagster")
    shutil.copyfile(root / "dagster.yaml", home / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.get_runs_count()
        instance.get_latest_materialization_event(dg.AssetKey("none"))
    return home


@pytest.fixture
def folder_of(root: Path, tmp_path: Path, instance_template: Path) -> Iterator[Callable[..., Folder]]:
    """Make a working folder in tmp_path/home from an example, or of what a test wrote there."""
    stack = ExitStack()

    def make(example: str | None = None, **settings: Any) -> Folder:
        home = tmp_path / "home"
        if example is not None:
            shutil.copytree(root / "examples" / example, home)
        shutil.copytree(instance_template, home / KEPT)
        return stack.enter_context(opened(home, **settings))

    with stack:
        yield make
