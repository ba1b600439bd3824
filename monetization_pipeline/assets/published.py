"""Dagster's face of publishing to a provider: its own group, job and pool. Nothing but a person ever starts it, and
nothing is booked or sent unless its config says so: else it reads back what was published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg
from pydantic import Field

from monetization_pipeline.assets.faces import LIMIT, Metadata, dataset_asset, rows_metadata, rows_of, table
from monetization_pipeline.assets.pictures import amounts_of_periods
from monetization_pipeline.assets.summaries import ranked
from monetization_pipeline.clock import Clock
from monetization_pipeline.datasets import COMPANIES, INVOICES, DatasetSpec
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.lake.state import code_version
from monetization_pipeline.partitions import Grids
from monetization_pipeline.publishing.registry import Registered
from monetization_pipeline.resources.account import AccountResource
from monetization_pipeline.resources.failures import run_step
from monetization_pipeline.resources.pipeline import PipelineResource
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.publications import PUBLISHED

if TYPE_CHECKING:
    from monetization_pipeline.closing.gate import Decision
    from monetization_pipeline.closing.publish import PublishedPeriod, Ready
    from monetization_pipeline.ledger.records import Place

GROUP = "publishing"

#: What is counted in every materialization, so that each of them is plotted.
_COUNTED = (
    "booked now",
    "issued now",
    "issued before",
    "invoices of nothing",
    "to be booked",
    "to be issued",
    "not final",
    "set aside",
    "differing",
    "charged already",
    "not taken",
    "booked before the switch",
    "failed",
)


class PublishConfig(dg.Config):
    """What has to be said for anything to be booked or sent."""

    publish: bool = Field(
        default=False, description="Book and issue. Without it, it is shown what would be, and nobody is asked."
    )
    periods: int = Field(default=1, description="Over how many billing periods the run is to publish.")
    switch_account: bool = Field(
        default=False, description="Publish from now on to the account that the settings name, another than so far."
    )
    booked_before: int = Field(
        default=0,
        description="How many invoices that were booked before the last switch of accounts are to be issued as well.",
    )
    held: bool = Field(
        default=False, description="Publish billing periods that lie before anything was received as well."
    )
    without_refused: bool = Field(
        default=False, description="Publish although records of customers/ are refused, which may be anybody's."
    )


def published_asset(provider: Registered, grids: Grids, clock: Clock) -> dg.AssetsDefinition:
    """A provider's invoices by billing period: books the final ones and issues them, each once, where that is said."""
    spec = provider.invoices

    @dataset_asset(
        spec,
        GROUP,
        provider.name,
        code_version(spec.name, PUBLISHED),
        partitions_def=grids.billing_periods,
        # All periods in one run, so that it is one config that says of how many there are.
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[INVOICES.name, COMPANIES.name],
        pool=provider.name,
    )
    def published(
        context: dg.AssetExecutionContext,
        config: PublishConfig,
        pipeline: PipelineResource,
        account: AccountResource,
    ) -> dg.MaterializeResult:
        work = _Work(pipeline.pipeline(), spec, account, clock)
        months = context.partition_keys
        if not config.publish:
            for month in months:
                context.add_asset_metadata(run_step(partial(work.read_back, month)), partition_key=month)
            return dg.MaterializeResult()
        _check_periods(months, config)
        by = f"Dagster run {context.run.run_id}"
        return _ended(context, spec, {month: work.publish(month, config, by) for month in months})

    return published


class _Outcome(NamedTuple):
    """What is shown of a billing period that was to be published, and what is wrong with it, empty where nothing is."""

    metadata: Metadata
    problem: str


@dataclass(frozen=True, slots=True)
class _Work:
    """What a run works with. The ledger takes long to import, and nothing else needs it."""

    pipeline: Pipeline
    spec: DatasetSpec
    account: AccountResource
    clock: Clock

    def read_back(self, month: str) -> Metadata:
        from monetization_pipeline.closing.publish import read_back

        found = read_back(self.pipeline, self.account.account, month, self.clock())
        ready = found.ready
        counts = {} if ready is None else _to_do(ready)
        return {
            **_metadata(self.pipeline, self.spec, month, found.place, counts),
            **_left_alone(None if ready is None else ready.decision),
            "done": "read back; nothing was booked or sent",
            "cannot be published": found.refused or "no reason",
        }

    def publish(self, month: str, config: PublishConfig, by: str) -> _Outcome:
        from monetization_pipeline.closing.publish import publish_to
        from monetization_pipeline.closing.wishes import Wish

        wish = Wish(config.switch_account, config.booked_before, config.held, config.without_refused)
        work = partial(publish_to, self.pipeline, self.account.account, month, clock=self.clock, by=by, wish=wish)
        try:
            done = run_step(work)
        except dg.Failure as failure:
            return _Outcome(dict(failure.metadata), failure.description or "")
        self.account.told.published.append(done)
        metadata = _published_metadata(self.pipeline, self.spec, done, month)
        return _Outcome(metadata, "" if done.complete else _incomplete(done))


def _check_periods(months: Sequence[str], config: PublishConfig) -> None:
    if len(months) != config.periods:
        raise dg.Failure(
            f"this run is over {len(months)} billing periods, {months[0]} to {months[-1]}, and its config says "
            f"`periods: {config.periods}`; nothing was booked or sent. To publish them all, say "
            f"`periods: {len(months)}` beside `publish: true`",
            allow_retries=False,
        )


def _ended(
    context: dg.AssetExecutionContext, spec: DatasetSpec, outcomes: Mapping[str, _Outcome]
) -> dg.MaterializeResult:
    """What a run made; raises dagster's Failure with what is wrong with any period, the others being shown as made."""
    wrong = [outcome for outcome in outcomes.values() if outcome.problem]
    for month, outcome in outcomes.items():
        if not wrong:
            context.add_asset_metadata(outcome.metadata, partition_key=month)
        elif not outcome.problem:
            context.log_event(dg.AssetMaterialization(spec.name, partition=month, metadata=outcome.metadata))
    if wrong:
        text = "\n".join(outcome.problem for outcome in wrong)
        raise dg.Failure(text, metadata=wrong[0].metadata, allow_retries=False)
    return dg.MaterializeResult()


def _to_do(ready: "Ready") -> dict[str, int]:
    from monetization_pipeline.closing.deciding import Does

    decision = ready.decision
    return {
        "to be booked": sum(each.state.booked is None for each in decision.going),
        "to be issued": len(decision.that(Does.ISSUE)),
        "issued before": sum(each.state.issued_here for each in decision.going),
        "invoices of nothing": sum(
            each.does is not Does.ISSUE and not each.state.issued_here for each in decision.going
        ),
        **_left(decision),
    }


def _published_metadata(pipeline: Pipeline, spec: DatasetSpec, done: "PublishedPeriod", month: str) -> Metadata:
    report = done.report
    counts = {
        "booked now": len(done.booked),
        "issued now": len(report.issued),
        "issued before": len(report.already_issued),
        "invoices of nothing": len(report.zero),
        "to be issued": len(report.failed) + len(report.not_tried),
        **_left(done.decision),
        "failed": len(report.failed) + len(report.not_tried),
    }
    left = _left_alone(done.decision)
    return _metadata(pipeline, spec, month, done.place, counts) | left | {"done": "published"}


def _left_alone(decision: "Decision | None") -> Metadata:
    from monetization_pipeline.closing.deciding import Does

    rows: list[tuple[str, str, str]] = []
    if decision is not None:
        rows += [(each.company_id, each.invoice_id, "; ".join(each.reasons)) for each in decision.set_aside]
        rows += [
            (each.invoice.company_id, each.invoice.invoice_id, each.why)
            for each in decision.invoices
            if each.does is Does.LEAVE or each.state.differs
        ]
    return {"left alone": table(("company", "invoice", "why"), rows)}


def _left(decision: "Decision") -> dict[str, int]:
    from monetization_pipeline.closing.deciding import Cause, Does

    return {
        "not final": len(decision.that(Does.WAIT)),
        "set aside": len(decision.set_aside),
        "differing": sum(each.state.differs for each in decision.invoices),
        "charged already": len(decision.because(Cause.CHARGED)) + len(decision.because(Cause.UNCLEAR)),
        "not taken": len(decision.because(Cause.NOT_TAKEN)),
        "booked before the switch": len(decision.because(Cause.BEFORE_SWITCH)),
    }


def _metadata(pipeline: Pipeline, spec: DatasetSpec, month: str, place: "Place", counts: Mapping[str, int]) -> Metadata:
    """What a materialization of a provider's invoices shows; amounts are those of one place, where they are issued."""
    here = f"mode = {text_literal(place.mode)} AND account = {text_literal(place.account)}"
    companies = ranked(pipeline, spec, [month], ["company_id", "currency", "mode", "state"], "sum(total)")
    return {
        **rows_metadata(rows_of(pipeline, spec, month)),
        **amounts_of_periods(pipeline, spec, month, "amount", f"coalesce(sum(total) FILTER ({here}), 0)"),
        "mode": place.mode,
        "account": place.account or "none yet",
        **dict.fromkeys(_COUNTED, 0),
        **counts,
        "largest companies": table(("company", "currency", "mode", "state", "total"), companies.get(month, ())),
    }


def _incomplete(published: "PublishedPeriod") -> str:
    report = published.report
    lines = [f"invoice {failure.invoice_id} was not issued: {failure.error}" for failure in report.failed]
    lines += [f"invoice {invoice_id} was not tried: the provider kept failing" for invoice_id in report.not_tried]
    lines += [f"invoice {each.invoice.invoice_id} was left alone: {each.why}" for each in published.left_alone]
    lines += [
        f"invoice {each.invoice_id} is set aside: {'; '.join(each.reasons)}" for each in published.decision.set_aside
    ]
    more = [f"… and {len(lines) - LIMIT} more"] if len(lines) > LIMIT else []
    return "\n".join([*lines[:LIMIT], *more])
