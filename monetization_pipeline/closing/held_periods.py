"""Billing periods that lie before anything was received: held, until somebody says that they are billed here (rule 23).

What is booked under one says so as well: somebody published it.
"""

from monetization_pipeline.closing.books import Books
from monetization_pipeline.closing.opening import opened_ledger
from monetization_pipeline.standing.interest import held_months
from monetization_pipeline.standing.warned import Warned
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

_WHY = "before anything was received: what was there before may have billed it"
_WAYS = (
    "MONETIZATION_FIRST_INVOICE_AT says from which day on you bill here, and `monetize publish PERIOD --held` "
    "publishes one all the same"
)


def why_held(books: Books, month: str) -> str:
    """Why nothing of a billing period is published; empty where it is not held."""
    if month not in held_months(books.pipeline, books.known) or books.ledger.booked_in(month):
        return ""
    return f"{month} is held, as it lies {_WHY}. {_WAYS}"


def held_warnings(pipeline: Pipeline, known: Known) -> list[Warned]:
    """The billing periods that are held, as one warning."""
    months = held_months(pipeline, known)
    if months:
        with opened_ledger(pipeline) as ledger:
            months = [month for month in months if not ledger.booked_in(month)]
    if not months:
        return []
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
    return [Warned(f"billing period {span}", f"is held, as it lies {_WHY}. {_WAYS}")]
