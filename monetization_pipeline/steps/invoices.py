"""rated_lines → invoices and invoice_lines: draft invoices of a billing period."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from monetization_pipeline.datasets import INVOICE_LINES, INVOICES, RATED_LINES, SUM
from monetization_pipeline.invoicing.build import LINE_ORDER, BilledLine, BuiltInvoices, build_invoices
from monetization_pipeline.invoicing.models import Invoice, InvoiceLine, content_hash, null_or_json_text
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import ConcurrentCommitError, NewFile
from monetization_pipeline.rating.ids import instant_text, json_text
from monetization_pipeline.steps.columns import decimals, plain_texts, table_of, values
from monetization_pipeline.steps.pipeline import CODE_VERSION, Pipeline
from monetization_pipeline.steps.tables import fingerprint_of, read_rows, read_table, write_table


def expected_state(pipeline: Pipeline, month: str) -> PartitionState:
    """What `invoices` of a billing period would be made from now."""
    rated = pipeline.lake.table(RATED_LINES).state(month)
    return PartitionState("", 0, inputs={"rated_lines": rated.fingerprint if rated else ""}, code_version=CODE_VERSION)


def build(pipeline: Pipeline, month: str) -> PartitionState:
    """Make `invoice_lines`, then `invoices` of a billing period. Raises ConcurrentCommitError."""
    lines_table, invoices_table = (pipeline.lake.table(spec) for spec in (INVOICE_LINES, INVOICES))
    lines_claim, claim = lines_table.claim([month]), invoices_table.claim([month])
    expected = expected_state(pipeline, month)
    rated = read_table(RATED_LINES, pipeline.lake.table(RATED_LINES).files([month]))
    lines, invoices = invoices_of(rated, month)
    lines_path, path = lines_table.new_path(month), invoices_table.new_path(month)
    write_table(INVOICE_LINES, lines, lines_path)
    write_table(INVOICES, invoices, path)
    with pipeline.engine.session() as session:
        # Each invoice's content_hash is one of all that its lines say.
        fingerprint = fingerprint_of(session, INVOICES, [path])
    state = replace(expected, fingerprint=fingerprint, rows=invoices.num_rows)
    lines_state = replace(state, rows=lines.num_rows)
    lines_table.replace(lines_claim, [NewFile(lines_path, month, lines.num_rows)], {month: lines_state})
    invoices_table.replace(claim, [NewFile(path, month, invoices.num_rows)], {month: state})
    return state


def read_invoices(pipeline: Pipeline, month: str) -> list[Invoice]:
    """The invoices of a billing period as they are in the lake, in their order.

    Raises ConcurrentCommitError where invoices and lines are not of one run: one was cut short, or is at work.
    """
    lines, invoices = (read_rows(pipeline.lake.table(spec).files([month])) for spec in (INVOICE_LINES, INVOICES))
    found = put_together(lines, invoices)
    if found is None:
        raise ConcurrentCommitError(
            f"invoices of {month}: their lines are of another run, which was cut short or is at work; "
            f"run `monetize run {month}`"
        )
    return found


def put_together(lines: Iterable[Mapping[str, Any]], invoices: Iterable[Mapping[str, Any]]) -> list[Invoice] | None:
    """Rows of `invoice_lines` and `invoices` as invoices; None where they do not belong together."""
    held: dict[str, list[InvoiceLine]] = {}
    for row in lines:
        line = InvoiceLine(**{name: row[name] for name in InvoiceLine.__slots__})
        held.setdefault(row["invoice_id"], []).append(line)
    names = [name for name in Invoice.__slots__ if name != "lines"]
    found: list[Invoice] = []
    for row in invoices:
        own = tuple(held.pop(row["invoice_id"], ()))
        found.append(Invoice(**{name: row[name] for name in names}, lines=own))
        if content_hash(found[-1]) != row["content_hash"]:
            return None
    return None if held else found


def invoices_of(rated: pa.Table, month: str) -> tuple[pa.Table, pa.Table]:
    """Rows of `rated_lines`, in any order, as rows of `invoice_lines` and of `invoices`."""
    rated = rated.sort_by([(name, "ascending") for name in LINE_ORDER])
    _check_once(rated)
    built = build_invoices(_billed(rated))
    counted = zip(built.invoice_ids, built.counts, strict=True)
    of_line = [invoice_id for invoice_id, count in counted for _ in range(count)]
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        name: rated[name] for name in INVOICE_LINES.schema.names if name in rated.column_names
    }
    columns |= {
        "invoice_id": pa.array(of_line, pa.string()),
        "amount": pa.array(built.amounts, SUM),
        "exact_amount": rated["amount"],
    }
    return table_of(INVOICE_LINES, columns, month), _invoice_table(built, month)


def _billed(rated: pa.Table) -> Iterator[BilledLine]:
    keys = zip(values(rated["company_id"]), values(rated["currency"]), values(rated["bill_at"]), strict=True)
    shown = zip(
        values(rated["description"], json_text),
        plain_texts(rated["amount"]),
        rated["line_id"].to_pylist(),
        values(rated["meter_id"], null_or_json_text),
        values(rated["period_end"], instant_text),
        values(rated["period_start"], instant_text),
        values(rated["price_id"], json_text),
        plain_texts(rated["quantity"]),
        values(rated["subscription_id"], json_text),
        strict=True,
    )
    return zip(keys, values(rated["subscription_id"]), decimals(rated["amount"]), shown, strict=True)


def _check_once(rated: pa.Table) -> None:
    """A line that came twice would be charged twice."""
    ids = rated["line_id"].to_pylist()
    if len(set(ids)) < len(ids):
        twice, _ = Counter(ids).most_common(1)[0]
        row = rated.slice(ids.index(twice), 1).to_pylist()[0]
        raise ValueError(f"line {twice} (price {row['price_id']} of {row['subscription_id']}) comes twice")


def _invoice_table(built: BuiltInvoices, month: str) -> pa.Table:
    companies, currencies, bill_at = zip(*built.keys, strict=True) if built.keys else ((), (), ())
    columns: dict[str, Sequence[object]] = {
        "invoice_id": built.invoice_ids,
        "company_id": companies,
        "subscription_id": built.subscription_ids,
        "currency": currencies,
        "bill_at": bill_at,
        "total": built.totals,
        "lines": built.counts,
        "content_hash": built.content_hashes,
    }
    return table_of(
        INVOICES,
        {name: pa.array(column, INVOICES.schema.field(name).type) for name, column in columns.items()},
        month,
    )
