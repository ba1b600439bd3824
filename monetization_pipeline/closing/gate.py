"""Whether a billing period may be published: all that forbids it, and what becomes of each invoice otherwise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monetization_pipeline.closing.books import Books
from monetization_pipeline.closing.deciding import Cause, Decided, Does, decide
from monetization_pipeline.closing.held_periods import why_held
from monetization_pipeline.closing.states import invoice_states
from monetization_pipeline.closing.wishes import AS_BEFORE, Wish
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.records import BookedLines, ChargedFor, Place
from monetization_pipeline.standing.verdicts import NOTHING_REFUSED, problems_of_the_whole
from monetization_pipeline.steps.invoices import SetAside
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline


class PublishRefusedError(MonetizeError):
    """The gate is closed: nothing was booked and nothing was sent."""


#: Of invoices that are not issued yet, those that the provider cannot take: invoice_id → the reason.
NotTaken = Callable[[Sequence[Invoice]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Decision:
    """What publishing does with every invoice of a billing period, and what goes into the ledger with them."""

    invoices: tuple[Decided, ...]
    set_aside: tuple[SetAside, ...]
    charged_for: ChargedFor
    seen: BookedLines | None

    def that(self, does: Does) -> list[Decided]:
        """The invoices that publishing does one thing with."""
        return [each for each in self.invoices if each.does is does]

    def because(self, cause: Cause) -> list[Decided]:
        """The invoices that are left to somebody for one reason."""
        return [each for each in self.invoices if each.cause is cause]

    @property
    def going(self) -> list[Decided]:
        """The invoices that are booked, if they are not yet, and handed to the publisher."""
        return [each for each in self.invoices if each.goes]


def gate_problems(pipeline: Pipeline, known: Known, month: str, *, wish: Wish = AS_BEFORE) -> list[str]:
    """Everything in the lake that forbids to publish a billing period; the same verdicts that the asset checks show."""
    return problems_of_the_whole(pipeline, known, month, but=[NOTHING_REFUSED] if wish.without_refused else [])


def problems_of(books: Books, month: str, *, wish: Wish = AS_BEFORE) -> list[str]:
    """Everything that forbids to publish a billing period; where nothing in the lake does, why it is held, if it is."""
    if problems := gate_problems(books.pipeline, books.known, month, wish=wish):
        return problems
    held = "" if wish.held else why_held(books, month)
    return [held] if held else []


def decide_period(
    books: Books, month: str, now: datetime, *, place: Place, not_taken: NotTaken, wish: Wish = AS_BEFORE
) -> Decision:
    """What publishing a billing period at a place does now, up to the transaction that books it.

    Before anything is booked, `not_taken` is asked. Raises PublishRefusedError where the gate is closed.
    """
    pipeline = books.pipeline
    if pipeline.as_of is not None:
        raise PublishRefusedError(
            f"{month} as of {pipeline.as_of:%Y-%m-%dT%H:%M:%SZ} is a look back; nothing is published of it"
        )
    problems = problems_of(books, month, wish=wish)
    if problems:
        raise PublishRefusedError(f"{month} cannot be published, nothing was sent:\n" + "\n".join(problems))
    found = invoice_states(books, month, now, inputs_complete=True, place=place)
    refused = not_taken([state.invoice for state in found.states if not state.issued_here])
    decided = tuple(
        decide(
            state,
            now,
            issue_zero=pipeline.seller.issue_zero,
            refused=refused.get(state.invoice.invoice_id, ""),
        )
        for state in found.states
    )
    return Decision(decided, tuple(found.set_aside), found.charged_for, found.seen)
