"""Whether what is computed now is what was booked, and what sets them apart (rule 15): decided here alone.

They are compared in the form that was booked, which has no fields that came later, and in all of its fields that say
what is charged. Words are no difference, as only people read them, and neither is the order of the lines.
"""

from collections.abc import Iterator, Sequence

from monetization_pipeline.datasets.invoice_fields import (
    INVOICE_FIELDS,
    LINE_FIELDS,
    Field,
    Invoice,
    InvoiceLine,
    of_form,
)
from monetization_pipeline.invoicing.texts import text_column


def same_as_booked(computed: Invoice, booked: Invoice, form: int) -> bool:
    """Whether an invoice charges what was booked under its id, in form `form`."""
    return computed == booked or not differences(computed, booked, form)


def differences(computed: Invoice, booked: Invoice, form: int) -> list[str]:
    """What sets the computed invoice apart from the one booked in form `form`, a line of text for each difference."""
    name = f"invoice {computed.invoice_id} of company {computed.company_id}"
    found = [
        f"{name}: {field} is booked as {old!r}, computed as {new!r}"
        for field, old, new in _changes(INVOICE_FIELDS, booked, computed, form)
    ]
    before, after = ({line.line_id: line for line in invoice.lines} for invoice in (booked, computed))
    for line_id in sorted(before.keys() | after.keys()):
        old, new = before.get(line_id), after.get(line_id)
        if old is None or new is None:
            found.append(f"{name}: line {line_id} is only {'computed' if old is None else 'booked'}")
            continue
        changes = _changes(LINE_FIELDS, old, new, form)
        if texts := [f"{field} booked {was!r}, computed {now!r}" for field, was, now in changes]:
            found.append(f"{name}: line {line_id}: {', '.join(texts)}")
    return found


def _changes(
    fields: Sequence[Field], booked: Invoice | InvoiceLine, computed: Invoice | InvoiceLine, form: int
) -> Iterator[tuple[str, str | None, str | None]]:
    """Fields that differ, with the text of what is booked and of what is computed."""
    for field in of_form(fields, form):
        old, new = getattr(booked, field.name), getattr(computed, field.name)
        if field.charged and old != new:
            booked_text, computed_text = text_column(field, [old, new])
            yield field.name, booked_text, computed_text
