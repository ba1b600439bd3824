"""What is paid whatever the data: the command line with nothing to do, and a Dagster run around a step."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.command_line import monetize
from benchmarks.lake_sample import MONTH, write_catalog
from benchmarks.measuring import Task, Totals, Watch, Work, heading, in_process, in_turns, peak_of, seconds_of
from benchmarks.moesif_sample import declare_source, write_moesif
from benchmarks.road import usage_totals
from monetization_pipeline.datasets import USAGE
from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.road import build

_COMPANIES = 10


@dataclass(frozen=True, slots=True)
class Sizes:
    """`monetize` with nothing to do, and a step with Dagster and without."""

    events: int = 3_000


def run(scratch: Path, rounds: int, sizes: Sizes) -> None:
    """The command line first, then one step in a process that has everything loaded."""
    home = scratch / "fixed"
    _make_folder(home, sizes.events)
    heading("processes of the command line")
    for arguments in (["--help"], ["run", MONTH]):
        words = " ".join(["monetize", *arguments])
        tasks: dict[str, Task] = {
            words: lambda arguments=arguments: in_process("command_line", "monetize", home, *arguments)
        }
        done = in_turns(tasks, rounds)[words]
        said = done[0].totals["printed"].splitlines()[-1].strip() if arguments[0] == "run" else ""
        print(f"  {words:<34}{seconds_of(done):9.2f} s{peak_of(done):8,} MB   {said}", flush=True)
    heading(f"the step usage of {sizes.events:,} events in a process that has run it before; totals equal")
    ways: dict[str, Task] = {
        "alone": lambda: in_process("fixed_cost", "step", home),
        "in a Dagster run": lambda: in_process("fixed_cost", "dagster", home),
    }
    both = in_turns(ways, rounds)
    for name, results in both.items():
        print(f"  {name:<34}{seconds_of(results):9.2f} s{peak_of(results):8,} MB", flush=True)
    overhead = seconds_of(both["in a Dagster run"]) - seconds_of(both["alone"])
    print(f"  {'a Dagster run costs':<34}{overhead:9.2f} s", flush=True)


def _make_folder(home: Path, events: int) -> None:
    """A working folder as a user would have it, all of it up to date."""
    pipeline = pipeline_of(Settings(home))
    write_catalog(pipeline)
    declare_source(pipeline)
    subscriptions = "".join(
        f"  - {{subscription_id: sub_{number}, company_id: company_{number}, plan_id: payg}}\n"
        for number in range(_COMPANIES)
    )
    pipeline.home.customers.mkdir()
    (pipeline.home.customers / "customers.yaml").write_text(f"subscriptions:\n{subscriptions}")
    source = home / "events.ndjson"
    write_moesif(source, events, _COMPANIES)
    monetize(home, "ingest", "--source", "api", str(source))
    monetize(home, "run", MONTH)


def _work_step(watch: Watch, home: str) -> Totals:
    pipeline = pipeline_of(Settings(Path(home)))

    def step() -> None:
        build(pipeline, Known.now(pipeline), USAGE, [MONTH])

    step()
    with watch.part("step"):
        step()
    return usage_totals(pipeline)


def _work_dagster(watch: Watch, home: str) -> Totals:
    # Only this piece of work has to load Dagster.
    from monetization_pipeline.automation.in_process import InProcess, opened_instance
    from monetization_pipeline.automation.jobs import BILLING_PERIODS
    from monetization_pipeline.definitions import build_definitions
    from monetization_pipeline.settings import Settings, pipeline_of

    pipeline = pipeline_of(Settings(Path(home)))
    with opened_instance(pipeline.home.dagster) as instance:
        dagster = InProcess(build_definitions(Settings(home=pipeline.home.root)), instance)
        dagster.run(BILLING_PERIODS, [USAGE.name], [MONTH])
        with watch.part("run"):
            dagster.run(BILLING_PERIODS, [USAGE.name], [MONTH])
    return usage_totals(pipeline)


WORK: dict[str, Work] = {"step": _work_step, "dagster": _work_dagster}
