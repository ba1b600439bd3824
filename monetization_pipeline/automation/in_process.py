"""One Dagster run in this process: quiet, and with the error of a step as our own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import dagster as dg

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.partitions import range_tags
from monetization_pipeline.resources.interrupts import interrupts_noticed
from monetization_pipeline.resources.process import PROCESS_TAG, is_gone, this_process

# Whoever runs this in a terminal sees progress and errors of ours; the event log has all of Dagster's.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

_INTERRUPTS = (KeyboardInterrupt.__name__, dg.DagsterExecutionInterruptedError.__name__)


class RunFailedError(MonetizeError):
    """A step said what is wrong, or a check failed; the text is theirs."""


class CheckFailedError(RunFailedError):
    """A check failed, whatever else is wrong."""


class StepCrashedError(Exception):
    """A step ended with an error that is nobody's but the program's; its stack trace is a note."""


@dataclass(frozen=True, slots=True)
class InProcess:
    """Where runs are executed and recorded."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance

    def run(
        self,
        job: str,
        assets: Sequence[str],
        keys: Sequence[str] = (),
        config: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
    ) -> str:
        """Materialize assets of a job for consecutive partition keys, or without partitions; the run's id.

        `config` is what the run says to assets, by their names.
        Raises RunFailedError, StepCrashedError, and KeyboardInterrupt where it was interrupted.
        """
        selected = [dg.AssetKey(name) for name in assets]
        with interrupts_noticed() as interrupted:
            try:
                result = self.definitions.resolve_job_def(job).execute_in_process(
                    instance=self.instance,
                    asset_selection=selected,
                    partition_key=keys[0] if len(keys) == 1 else None,
                    tags={PROCESS_TAG: this_process(), **range_tags(keys)},
                    run_config=_QUIET | {"ops": {name: {"config": dict(said)} for name, said in config.items()}},
                    raise_on_error=False,
                )
            except dg.DagsterExecutionInterruptedError:
                raise KeyboardInterrupt from None
            if interrupted():
                raise KeyboardInterrupt
        if not result.success:
            raise _error_of(result)
        return result.run_id


@contextmanager
def opened_instance(folder: Path) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance kept in a folder, the one that the UI shows."""
    folder.mkdir(parents=True, exist_ok=True)
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        end_orphans(instance)
        yield instance


def end_orphans(instance: dg.DagsterInstance) -> None:
    """Runs of this machine whose process was killed are failed: nobody else would ever say that they ended."""
    running = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    for run in instance.get_runs(running):
        if is_gone(run.tags.get(PROCESS_TAG, "")):
            instance.report_run_failed(run, "The process that ran this was ended from outside; run it again.")


def _error_of(result: dg.ExecuteInProcessResult) -> BaseException:
    texts: list[str] = []
    kind = RunFailedError
    for evaluation in result.get_asset_check_evaluations():
        if not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR:
            check = f"{evaluation.asset_key.to_user_string()}: check {evaluation.check_name} failed"
            texts.append(f"{check}: {evaluation.description}" if evaluation.description else check)
            kind = CheckFailedError
    for event in result.filter_events(lambda event: event.is_step_failure):
        data = event.step_failure_data
        failure = data.user_failure_data
        if failure is not None and failure.description:
            texts.append(failure.description)
        elif data.error is not None and not texts:
            error = data.error
            while error.cause is not None:
                error = error.cause
            if error.cls_name in _INTERRUPTS:
                return KeyboardInterrupt()
            crashed = StepCrashedError(f"step {event.step_key} failed: {error.message.strip()}")
            crashed.add_note(f"Dagster run {result.run_id}\n{data.error.to_string()}")
            return crashed
    return kind("\n".join(dict.fromkeys(texts)) or f"Dagster run {result.run_id} failed")
