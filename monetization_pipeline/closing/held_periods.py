"""Billing periods that lie before anything was received: held, until somebody says that they are billed here (rule 23).

What is booked under one says so as well: somebody published it.
"""

from monetization_pipeline.closing.books import Books
from monetization_pipeline.standing.interest import WHY_HELD, held_months, is_before_all


def why_held(books: Books, month: str) -> str:
    """Why nothing of a billing period is published; empty where it is not held."""
    if not is_before_all(books.pipeline, books.known, month) or books.ledger.booked_in(month):
        return ""
    return f"{month} {WHY_HELD}"


def still_held(books: Books) -> list[str]:
    """All billing periods that are held."""
    months = held_months(books.pipeline, books.known)
    return [month for month in months if not books.ledger.booked_in(month)]
