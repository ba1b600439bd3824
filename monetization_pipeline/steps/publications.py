"""The ledger → a provider's invoices: what was published, read back."""

from collections.abc import Mapping

from monetization_pipeline.datasets import DatasetSpec
from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.lake.rows import fingerprint_of, write_rows
from monetization_pipeline.lake.state import PartitionState, code_version
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.records import Publication
from monetization_pipeline.steps.pipeline import Pipeline

#: Version of this step, the same for every provider.
PUBLISHED = 1


def record_publications(
    pipeline: Pipeline, ledger: Ledger, provider: str, spec: DatasetSpec, month: str
) -> PartitionState:
    """Make a billing period of the dataset of what was published to one provider, from the ledger."""
    table = pipeline.lake.table(spec)
    claim = table.claim([month])
    booked = {entry.invoice.invoice_id: entry.invoice for entry in ledger.booked_in(month)}
    published = [each for each in ledger.publications(month) if each.intent.provider == provider]
    rows = [_publication_row(publication, booked, month) for publication in published]
    path = table.new_path(month)
    write_rows(spec, rows, path)
    with pipeline.engine.session() as session:
        fingerprint = fingerprint_of(session, spec, [path])
    state = PartitionState(fingerprint, len(rows), code_version=code_version(spec.name, PUBLISHED))
    table.replace(claim, [NewFile(path, month, len(rows))], {month: state})
    return state


def _publication_row(publication: Publication, booked: Mapping[str, Invoice], month: str) -> dict[str, object]:
    intent = publication.intent
    return {
        "publication_id": publication.publication_id,
        "invoice_id": intent.invoice_id,
        "company_id": booked[intent.invoice_id].company_id,
        "currency": intent.currency,
        "total": intent.total,
        "account": intent.account,
        "mode": intent.mode,
        "state": publication.state.value,
        "provider_invoice_id": publication.provider_invoice_id,
        "number": publication.number,
        "billing_period": month,
    }
