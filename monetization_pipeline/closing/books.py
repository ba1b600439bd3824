"""What closing a billing period works with."""

from dataclasses import dataclass

from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Books:
    """A working folder, what is known of customers and catalog there, and its ledger."""

    pipeline: Pipeline
    known: Known
    ledger: Ledger
