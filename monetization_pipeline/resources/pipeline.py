"""The working folder as a Dagster resource."""

from dataclasses import replace

import dagster as dg
from pydantic import PrivateAttr

from monetization_pipeline.resources.process import PROCESS_TAG, this_process
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline


class PipelineResource(dg.ConfigurableResource):
    """One working folder. What a run or a tick reads of it, it reads once: customers and catalog are as they were then.

    `origin` is handed in whole, being no configuration: it says where the folder is and how the seller sells.
    """

    origin: dg.ResourceDependency[Pipeline]
    _pipeline: Pipeline | None = PrivateAttr(None)
    _known: Known | None = PrivateAttr(None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Note on a run which process executes it; see `automation.in_process.end_orphans`."""
        self._pipeline = self._known = None
        if context.run is not None and context.instance is not None:
            context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: this_process()})

    def pipeline(self) -> Pipeline:
        """What every step works with; nothing of it is shared with another run."""
        if self._pipeline is None:
            self._pipeline = replace(self.origin)
        return self._pipeline

    def known(self) -> Known:
        """Customers and catalog. Raises CatalogError once a catalog that is broken is needed."""
        if self._known is None:
            self._known = Known.now(self.pipeline())
        return self._known
