"""Records of companies, users and subscriptions out of the bytes of a file in `customers/`: YAML or CSV.

A YAML file has the keys `companies`, `users` and `subscriptions`, each a list of records. A CSV file is named
`companies*.csv`, `users*.csv` or `subscriptions*.csv`, separated by commas; a column `metadata.tier` is the field
`tier` of `metadata`, an empty value is absent. Every scalar stays text as it is written, never a float. A field that
is not known is refused, since a misspelt `end_at` would bill for ever.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePath

from monetization_pipeline.customers.changes import change_of
from monetization_pipeline.customers.csv_records import read_csv
from monetization_pipeline.customers.models import EntityChange
from monetization_pipeline.customers.records import CustomersFileError, FileRecord, FileRefusal
from monetization_pipeline.customers.values import RecordError
from monetization_pipeline.customers.yaml_records import read_yaml
from monetization_pipeline.errors import Place

#: How the names of files in `customers/` end that are read.
SUFFIXES = (".yaml", ".yml", ".csv")


def load_records(file: str, data: bytes) -> list[FileRecord | FileRefusal]:
    """The records of one file, in its order; `file` is the name that the user gave it, with any folders before.

    What a record means is not checked yet, only its shape. Raises CustomersFileError for a file that cannot be
    read as a whole: then nothing of it is taken.
    """
    suffix = PurePath(file).suffix.lower()
    if suffix not in SUFFIXES:
        raise CustomersFileError(Place(file), f"is of no known kind; its name must end in {', '.join(SUFFIXES)}")
    return read_csv(file, data) if suffix == ".csv" else read_yaml(file, data)


def load_changes(
    file: str, data: bytes, *, received_at: datetime, source: str, landing_file: str | None = None
) -> Iterator[EntityChange | FileRefusal]:
    """The changes that one file makes, and what of it is refused, one or the other for each record.

    `landing_file` is the name that the changes carry, `file` where it is None. Raises CustomersFileError, before
    the first change.
    """
    for record in load_records(file, data):
        if isinstance(record, FileRefusal):
            yield record
            continue
        try:
            yield change_of(
                record.kind,
                record.fields,
                received_at=received_at,
                source=source,
                file=landing_file or file,
                line=record.line,
                record=record.record,
            )
        except RecordError as error:
            yield FileRefusal(record.line, record.record, str(error), record.text)
