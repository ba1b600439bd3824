"""A working folder for tests: write sources, catalog and customers, let files enter, run the real steps, read rows."""

import gzip
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import WHOLE, DatasetSpec
from monetization_pipeline.lake.ingest_log import IngestedFile
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.rows import read_rows
from monetization_pipeline.lake.visible import visible_files
from monetization_pipeline.landing import customer_files
from monetization_pipeline.landing.store import LandingFile
from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.standing.making import bring_up_to_date, making_here
from monetization_pipeline.standing.out_of_date import Reason, event_days, reasons, stale_alone
from monetization_pipeline.steps import raw_events
from monetization_pipeline.steps.known import Known, read_catalog
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.road import Grid, row_of, rows_on

RECEIVED = datetime(2023, 8, 2, 12, tzinfo=UTC)

#: A source whose records say in plain words what an event is.
PLAIN_MAPPING = {
    "event_id": "id",
    "event_type": "coalesce(type, 'api_call')",
    "action_name": "action",
    "occurred_at": "at",
    "company_id": "company",
    "user_id": "user",
    "subscription_id": "subscription",
    "verb": "verb",
    "uri": "uri",
    "status": "status",
    "weight": "weight",
    "blocked_by": "blocked_by",
    "session_token": "session",
    "metadata": "m",
}

#: The same, with directions and with corrections among the records.
CORRECTING_MAPPING = PLAIN_MAPPING | {
    "direction": "direction",
    "correction": "correction",
    "target_event_id": "target",
    "target_source": "target_source",
    "reason": "why",
}

NO_METERS: Mapping[str, object] = {"meters": [], "plans": []}


@dataclass
class Workshop:
    """One working folder. `place` lets bytes enter landing; nothing is read before `ingest`."""

    root: Path
    first_month: str = "2020-01"
    first_invoice_at: date | None = None
    pipeline: Pipeline = field(init=False)

    def __post_init__(self) -> None:
        for name in ("catalog", "customers", "sources"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.pipeline = pipeline_of(
            Settings(self.root, first_month=self.first_month, first_invoice_at=self.first_invoice_at)
        )

    def reopened(self) -> "Workshop":
        """The same folder, nothing remembered in memory."""
        return Workshop(self.root, self.first_month, self.first_invoice_at)

    def bill_from(self, day: date) -> None:
        """Set the day from which this folder bills."""
        self.first_invoice_at = day
        self.pipeline = self.reopened().pipeline

    def source(self, name: str, **declaration: object) -> None:
        declared = {"format": "ndjson", "mapping": PLAIN_MAPPING} | declaration
        (self.root / "sources" / f"{name}.yaml").write_text(yaml.safe_dump(declared))

    def catalog(self, content: Mapping[str, object]) -> None:
        (self.root / "catalog" / "catalog.yaml").write_text(yaml.safe_dump(dict(content)))

    def customers(self, content: Mapping[str, object], received_at: datetime = RECEIVED) -> None:
        (self.root / "customers" / "customers.yaml").write_text(yaml.safe_dump(dict(content)))
        customer_files.land_files(self.pipeline.landing, self.pipeline.home.customers, received_at)

    def place(
        self, source: str, content: bytes, received_at: datetime = RECEIVED, name: str = "part.ndjson"
    ) -> LandingFile:
        return self.pipeline.landing.place(source, name, io.BytesIO(content), received_at)

    def ingest_day(self, day: date) -> tuple[IngestedFile, ...]:
        return raw_events.ingest(self.pipeline, day).ingested

    def ingest(self) -> tuple[IngestedFile, ...]:
        return raw_events.ingest(self.pipeline).ingested

    def take(self, content: bytes, *, source: str = "logs", received_at: datetime = RECEIVED) -> IngestedFile:
        """Place one file and ingest it."""
        self.place(source, content, received_at)
        (file,) = self.ingest()
        return file

    def run(self, *months: str) -> Catalog:
        """Everything from landing to invoices, in the order of a run; only what is out of date."""
        catalog = read_catalog(self.pipeline)
        bring_up_to_date(self.pipeline, catalog, months, making_here(self.pipeline, lambda *_: None))
        return catalog

    def merge(self) -> None:
        """Companies, users and subscriptions, of what was ingested."""
        for row in rows_on(Grid.WHOLE):
            row.build(self.pipeline, self.known(), [WHOLE])

    def known(self) -> Known:
        """Customers and catalog as they are now."""
        return Known.now(self.pipeline)

    def reasons(self, month: str) -> list[Reason]:
        """What keeps a billing period from being up to date."""
        return reasons(self.pipeline, self.known(), month)

    def stale_days(self, spec: DatasetSpec, month: str) -> list[date]:
        """Event days of a billing period whose rows of a dataset are out of date."""
        known = self.known()
        stale = stale_alone(self.pipeline, known, row_of(spec.name), event_days(known, month))
        return [date.fromisoformat(day) for day in stale]

    def rows(self, spec: DatasetSpec, partitions: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Rows of a dataset as its readers see them."""
        if spec.by_batch:
            return read_rows(visible_files(self.pipeline.lake, spec, read_log(self.pipeline.lake).batches))
        return read_rows(self.pipeline.lake.table(spec).files(partitions))


def lines(records: Iterable[Mapping[str, object] | str]) -> bytes:
    """Records as newline-delimited JSON; text stands as it is."""
    return "".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in records).encode()


def event(number: int, **fields: object) -> dict[str, object]:
    """A plain event of company acme at noon."""
    return {"id": f"e{number}", "at": "2023-07-10T12:00:00Z", "company": "acme"} | fields


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def zstandard(content: bytes) -> bytes:
    target = pa.BufferOutputStream()
    with pa.CompressedOutputStream(target, "zstd") as stream:
        stream.write(content)
    return target.getvalue().to_pybytes()
