"""A warm worker, and the undisturbed working folders with which those of killed commands are compared."""

import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from kill_histories import KEPT, Undisturbed, Worker, make_undisturbed


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """The process whose children are killed."""
    with Worker() as warm:
        yield warm


@pytest.fixture(scope="session")
def undisturbed(
    worker: Worker, root: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Undisturbed:
    """Working folders that nobody disturbed; made by the first of several pytest workers, for all of them."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    folder = shared / "undisturbed"
    with (shared / "undisturbed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            instance = folder / "fresh" / KEPT
            instance.mkdir(parents=True)
            shutil.copyfile(root / "dagster.yaml", instance / "dagster.yaml")
            with dg.DagsterInstance.from_config(str(instance)) as made:
                made.get_runs_count()
                made.get_latest_materialization_event(dg.AssetKey("none"))
            make_undisturbed(worker, folder)
            (folder / "whole").touch()
    return Undisturbed.read(folder)
