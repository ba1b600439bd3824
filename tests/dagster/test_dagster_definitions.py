"""What Dagster loads: the graph as a table, no secret anywhere, and nothing read before it is needed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value
from dagster_folder import Folder
from pydantic import SecretStr

from monetization_pipeline.definitions import build_definitions
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.settings import Settings

SECRET = "sk_test_51NeverToBeSeen"
GRAPH = Path(__file__).parent / "graph.txt"


def graph_table(definitions: dg.Definitions) -> str:
    """One line for each asset and job, along the road."""
    graph = definitions.resolve_asset_graph()
    rows = [("asset", "group", "partitions", "at most in a run", "pool", "checks", "made from")]
    for key in graph.toposorted_asset_keys:
        node = graph.get(key)
        policy = (node.backfill_policy.max_partitions_per_run or "all") if node.backfill_policy else 1
        rows.append(
            (
                key.to_user_string(),
                node.group_name,
                grid(node.partitions_def),
                str(policy) if node.partitions_def else "",
                ", ".join(sorted(node.pools or ())),
                ", ".join(sorted(check.name for check in node.check_keys)),
                ", ".join(sorted(parent.to_user_string() for parent in node.parent_keys)),
            )
        )
    jobs = [("job", "partitions", "assets")]
    for job in definitions.resolve_all_job_defs():
        if not job.name.startswith("__"):
            selected = job.asset_layer.selected_asset_keys
            ordered = [key.to_user_string() for key in graph.toposorted_asset_keys if key in selected]
            jobs.append((job.name, grid(job.partitions_def), ", ".join(ordered)))
    return f"{aligned(rows)}\n\n{aligned(jobs)}\n"


def grid(partitions: dg.PartitionsDefinition | None) -> str:
    if partitions is None:
        return ""
    assert isinstance(partitions, dg.TimeWindowPartitionsDefinition)
    start = partitions.get_first_partition_key()
    return f"{start}… {partitions.cron_schedule} {partitions.timezone} +{partitions.end_offset}"


def aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def test_the_graph_is_the_road(tmp_path: Path) -> None:
    assert graph_table(build_definitions(Settings(home=tmp_path))) == GRAPH.read_text(encoding="utf-8")


def test_every_asset_says_what_it_is(tmp_path: Path) -> None:
    graph = build_definitions(Settings(home=tmp_path)).resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert list(node.owners) == ["team:billing"], key
        assert node.kinds, key
        if node.group_name != "catalog":
            columns = node.metadata["dagster/column_schema"].columns
            assert columns, key
            assert all(column.description for column in columns), key


def test_a_working_folder_that_is_broken_still_loads(tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "catalog.yaml").write_text("plans: {{{")
    dg.Definitions.validate_loadable(build_definitions(Settings(home=tmp_path)))
    assert list(tmp_path.iterdir()) == [tmp_path / "catalog"]


def test_publishing_twice_issues_once_and_shows_no_secret(folder_of: Callable[..., Folder], shared_data: Path) -> None:
    folder = folder_of("cloudtrail", account=Account("stripe", secret=SecretStr(SECRET)))
    folder.place("cloudtrail", *sorted((shared_data / "cloudtrail").glob("*.json")))
    folder.run("2023-07")
    folder.materialize("publishing", ["stripe_invoices"], "2023-07", publish=True)
    first = folder.metadata("stripe_invoices", "2023-07")
    folder.materialize("publishing", ["stripe_invoices"], "2023-07", publish=True)
    second = folder.metadata("stripe_invoices", "2023-07")
    assert (first["mode"], first["issued now"], first["invoices of nothing"]) == ("sandbox", 1, 12)
    assert (first["booked now"], first["amount"]) == (13, "16.01 USD")
    assert (second["booked now"], second["issued now"], second["issued before"]) == (0, 0, 1)

    # What the UI is sent of a code location; there is no public way to it.
    snapshot = serialize_value(RepositorySnap.from_def(folder.definitions.get_repository_def()))
    assert "stripe_invoices" in snapshot
    assert SECRET not in snapshot
    kept = [path for path in folder.settings.home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in kept)
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []


def test_publishing_what_is_not_up_to_date_fails_with_the_reason(
    folder_of: Callable[..., Folder], shared_data: Path
) -> None:
    folder = folder_of("cloudtrail")
    folder.place("cloudtrail", *sorted((shared_data / "cloudtrail").glob("*.json"))[:1])
    with pytest.raises(Exception, match="2023-07 cannot be published"):
        folder.materialize("publishing", ["stripe_invoices"], "2023-07", publish=True)


@pytest.mark.slow
def test_dg_check_defs_passes_on_the_checkout(root: Path, tmp_path: Path) -> None:
    dropped = ("STRIPE_", "MONETIZATION_", "DAGSTER_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    environment |= {"MONETIZATION_HOME": str(tmp_path), "VIRTUAL_ENV": sys.prefix}
    ended = subprocess.run(
        [Path(sys.executable).with_name("dg"), "check", "defs"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "All definitions loaded successfully." in ended.stdout + ended.stderr
    assert "Warning" not in ended.stdout + ended.stderr
