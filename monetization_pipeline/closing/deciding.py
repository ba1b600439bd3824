"""What publishing does with an invoice now, and why: decided here alone, for the listing, the dry run and the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monetization_pipeline.closing.states import InvoiceState
from monetization_pipeline.ids import instant_text
from monetization_pipeline.invoicing.models import Invoice


class Cause(StrEnum):
    """Why an invoice is left to somebody."""

    GATE = "gate"
    DIFFERS = "differs"
    UNCLEAR = "unclear"
    CHARGED = "charged"
    NOT_TAKEN = "not taken"
    BEFORE_SWITCH = "booked before the switch"


class Does(StrEnum):
    """What publishing does with an invoice."""

    ISSUE = "issue"
    BOOK_ONLY = "book only"
    NOTHING = "nothing"
    WAIT = "wait"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Decided:
    """An invoice and what publishing does with it: issue it, book it only, nothing more, wait until it is final, or
    leave it to somebody, as `why` says.
    """

    state: InvoiceState
    does: Does
    why: str
    cause: Cause | None = None

    @property
    def goes(self) -> bool:
        """Whether it is booked, if it is not yet, and handed to the publisher."""
        return self.does not in (Does.WAIT, Does.LEAVE)

    @property
    def invoice(self) -> Invoice:
        """What is handed on: what is booked, where it is, for that never changes (rule 15)."""
        return self.state.invoice if self.state.booked is None else self.state.booked.invoice


def decide(state: InvoiceState, now: datetime, *, issue_zero: bool, refused: str = "") -> Decided:
    """What publishing does with one invoice of a billing period whose gate is open.

    `refused` says why the provider cannot take it, empty where it can.
    """
    if (left := _left(state)) is not None:
        return left
    if state.booked is None and now < state.final_from:
        return Decided(state, Does.WAIT, f"final from {instant_text(state.final_from)} on")
    if state.issued_here:
        return Decided(state, Does.NOTHING, "it is issued")
    found = Decided(state, Does.ISSUE, f"as it was booked; it is {state.status}" if state.differs else "")
    if found.invoice.total == 0 and not issue_zero:
        does = Does.BOOK_ONLY if state.booked is None else Does.NOTHING
        return Decided(state, does, "there is nothing to pay")
    return Decided(state, Does.LEAVE, f"it cannot be issued: {refused}", Cause.NOT_TAKEN) if refused else found


def closed(state: InvoiceState, problems: Sequence[str]) -> Decided:
    """What publishing does with one invoice of a billing period whose gate is closed."""
    return Decided(state, Does.LEAVE, problems[0], Cause.GATE)


def _left(state: InvoiceState) -> Decided | None:
    if state.differs and (state.issued or state.booked is None or state.booked.invoice.total == 0):
        return Decided(state, Does.LEAVE, f"it is {state.status}; what is booked never changes", Cause.DIFFERS)
    if state.waits_for:
        months = ", ".join(state.waits_for)
        why = (
            f"booked invoices of {months} may charge for the same, and {months} is out of date; "
            f"run `monetize run {state.waits_for[0]}`"
        )
        return Decided(state, Does.LEAVE, why, Cause.UNCLEAR)
    if state.booked is None and state.held and not state.invoice.lines:
        return Decided(state, Does.LEAVE, f"everything on it is charged in {_named(state)} already", Cause.CHARGED)
    return None


def _named(state: InvoiceState) -> str:
    invoices: Sequence[str] = sorted({each.charged_in for each in state.held})
    return f"invoice {invoices[0]}" if len(invoices) == 1 else f"invoices {', '.join(invoices)}"
