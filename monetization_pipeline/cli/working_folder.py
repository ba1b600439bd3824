"""A new working folder: an example's files, and the instance of Dagster that the command line and the UI share."""

import shutil
from pathlib import Path

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.publishing.sellers import new_seller_id, write_seller
from monetization_pipeline.steps.pipeline import Home

_PACKAGED = Path(__file__).parents[1] / "_examples"
_CHECKED_OUT = Path(__file__).parents[2] / "examples"

#: Parts of an example that are no part of a working folder.
_LEFT_OUT = ("*.py", "__pycache__")


class InitError(MonetizeError):
    """A folder that cannot be made a working folder."""


def make_working_folder(directory: Path, example: str) -> None:
    """Make `directory` a working folder from an example. Raises InitError where there is anything in it already."""
    if directory.exists() and any(directory.iterdir()):
        raise InitError(f"{directory} is not empty; name a new folder")
    shutil.copytree(_examples() / example, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    write_seller(Home(directory).seller_id, new_seller_id())
    prepare_instance(directory / ".monetization" / "dagster")


def prepare_instance(folder: Path) -> None:
    """Make a folder a DAGSTER_HOME, unless it is one."""
    if not (folder / "dagster.yaml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_examples() / "dagster.yaml", folder / "dagster.yaml")


def _examples() -> Path:
    return _PACKAGED if _PACKAGED.is_dir() else _CHECKED_OUT
