"""Working folders for benchmarks: made once, and a fresh copy for each measurement, so that all begin the same."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.lake_sample import make_month, write_catalog
from monetization_pipeline.settings import Settings, pipeline_of


def month_folder(scratch: Path, events: int, companies: int) -> Path:
    """A skewed month of so many events without raw events, made where it is not there yet."""
    home = scratch / f"month-{events}-{companies}"
    if not home.exists():
        make_month(home, events, companies, skewed=True)
    return home


@contextmanager
def copied(home: Path, *, unique: bool = False) -> Iterator[Path]:
    """A copy of a working folder, gone afterwards; `unique`: with the meter that counts users.

    Files of a lake are never written again, so they are linked; all else is copied.
    """
    target = home.with_name(f"{home.name}-copy")
    lake = home / ".monetization" / "lake"
    shutil.copytree(home, target, ignore=lambda folder, names: names if Path(folder) == lake else ())
    try:
        shutil.copytree(lake, target / lake.relative_to(home), copy_function=os.link, dirs_exist_ok=True)
        if unique:
            write_catalog(pipeline_of(Settings(target)), unique=True)
        yield target
    finally:
        shutil.rmtree(target)
