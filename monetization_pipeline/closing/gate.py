"""Whether a billing period may be published: where each invoice stands, and all that forbids it."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from monetization_pipeline.closing.booked_groups import as_booked
from monetization_pipeline.datasets.invoice_fields import FORM
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.invoicing.comparing import same_as_booked
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.invoicing.status import Booked, invoice_status, is_final
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.records import BookedInvoice, PublicationState
from monetization_pipeline.standing.counts import count_period
from monetization_pipeline.standing.out_of_date import reasons
from monetization_pipeline.standing.verdicts import schema_problems
from monetization_pipeline.steps.invoices import read_invoices
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline


class PublishRefusedError(MonetizeError):
    """The gate is closed: nothing was booked and nothing was sent."""


@dataclass(frozen=True, slots=True)
class InvoiceState:
    """An invoice and where it stands: as computed now; as booked, where that is the same.

    One that is booked but no longer computed has no lines.
    """

    invoice: Invoice
    status: str
    booked: BookedInvoice | None

    @property
    def form(self) -> int:
        """The form in which the invoice is shown: the booked one, where it is shown as booked."""
        return FORM if self.booked is None or self.differs else self.booked.form

    @property
    def differs(self) -> bool:
        """Whether it is booked, and does not charge the same now."""
        return self.booked is not None and not same_as_booked(self.invoice, self.booked.invoice, self.booked.form)


def invoice_states(
    pipeline: Pipeline, ledger: Ledger, month: str, now: datetime, *, inputs_complete: bool
) -> list[InvoiceState]:
    """Every invoice of a billing period, computed or booked, with its status as of `now`."""
    booked = {entry.invoice.invoice_id: entry for entry in ledger.booked_in(month, pipeline.as_of)}
    issued = {
        publication.intent.invoice_id
        for publication in ledger.publications(month, pipeline.as_of)
        if publication.state is PublicationState.ISSUED
    }
    computed = as_booked(pipeline, month, read_invoices(pipeline, month), booked)
    known = {invoice.invoice_id for invoice in computed}
    gone = [_emptied(entry.invoice) for invoice_id, entry in booked.items() if invoice_id not in known]
    states: list[InvoiceState] = []
    for invoice in sorted([*computed, *gone], key=lambda each: (each.company_id, each.currency, each.bill_at)):
        entry = booked.get(invoice.invoice_id)
        booking = entry and Booked(entry.invoice, entry.form, invoice.invoice_id in issued)
        status = invoice_status(invoice, booking, now, pipeline.seller.grace, inputs_complete=inputs_complete)
        state = InvoiceState(invoice, status, entry)
        states.append(state if entry is None or state.differs else replace(state, invoice=entry.invoice))
    return states


def gate_problems(pipeline: Pipeline, known: Known, month: str) -> list[str]:
    """Everything that forbids to publish a billing period; the same verdicts that the asset checks show."""
    problems = [f"{reason}; run `monetize run {month}`" for reason in reasons(pipeline, known, month)]
    return problems or [*count_period(pipeline, month).problems, *schema_problems(pipeline)]


def publishable(
    pipeline: Pipeline, known: Known, ledger: Ledger, month: str, now: datetime
) -> tuple[list[InvoiceState], list[InvoiceState], list[InvoiceState]]:
    """The invoices that can be published now, those to be left alone, and those that are not final.

    To be left alone is what is booked and differs, and what would charge again what another invoice charges: a
    subscription whose start moved after its fee in advance was booked has that fee under new ids.
    Raises PublishRefusedError where the gate is closed.
    """
    if pipeline.as_of is not None:
        raise PublishRefusedError(
            f"{month} as of {pipeline.as_of:%Y-%m-%dT%H:%M:%SZ} is a look back; nothing is published of it"
        )
    problems = gate_problems(pipeline, known, month)
    if problems:
        raise PublishRefusedError(f"{month} cannot be published, nothing was sent:\n" + "\n".join(problems))
    final: list[InvoiceState] = []
    differing: list[InvoiceState] = []
    not_final: list[InvoiceState] = []
    states = invoice_states(pipeline, ledger, month, now, inputs_complete=True)
    charged = ledger.overlapping([state.invoice for state in states if state.booked is None])
    for state in states:
        if state.differs:
            differing.append(state)
        elif state.booked is None and not is_final(
            state.invoice.bill_at, now, pipeline.seller.grace, inputs_complete=True
        ):
            not_final.append(state)
        elif other := charged.get(state.invoice.invoice_id):
            differing.append(replace(state, status=f"charged already in invoice {other}"))
        else:
            final.append(state)
    return final, differing, not_final


def _emptied(invoice: Invoice) -> Invoice:
    return replace(invoice, lines=(), total=Decimal(0))
