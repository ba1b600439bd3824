"""A working folder as Dagster sees it: its definitions, and an instance in SQLite like the one that is delivered."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from dagster_folder import Folder

from monetization_pipeline.definitions import build_definitions
from monetization_pipeline.settings import Settings


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
    opened: list[dg.DagsterInstance] = []

    def make(example: str | None = None, **settings: str) -> Folder:
        home = tmp_path / "home"
        if example is not None:
            shutil.copytree(root / "examples" / example, home)
        kept = home / ".monetization" / "dagster"
        shutil.copytree(instance_template, kept)
        opened.append(dg.DagsterInstance.from_config(str(kept)))
        wanted = Settings(home=home, **settings)  # type: ignore[arg-type]
        return Folder(wanted, build_definitions(wanted), opened[-1])

    yield make
    for instance in opened:
        instance.dispose()
