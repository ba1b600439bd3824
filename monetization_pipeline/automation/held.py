"""The billing periods that are held, as a warning that lasts."""

from monetization_pipeline.standing.interest import WHY_HELD, held_months
from monetization_pipeline.standing.warned import Warned
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline


def held_warnings(pipeline: Pipeline, known: Known) -> list[Warned]:
    """One warning of all of them. The ledger takes long to import, and is asked only where there may be some."""
    if not held_months(pipeline, known):
        return []
    from monetization_pipeline.closing.books import Books
    from monetization_pipeline.closing.held_periods import still_held
    from monetization_pipeline.closing.opening import opened_ledger

    with opened_ledger(pipeline) as ledger:
        months = still_held(Books(pipeline, known, ledger))
    if not months:
        return []
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
    return [Warned(f"billing period {span}", WHY_HELD)]
