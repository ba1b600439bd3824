"""Records of companies, users and subscriptions out of the bytes of a file in `customers/`: YAML or CSV.

A YAML file has the keys `companies`, `users` and `subscriptions`, each a list of records. A CSV file is named
`companies*.csv`, `users*.csv` or `subscriptions*.csv`, separated by commas; a column `metadata.tier` is the field
`tier` of `metadata`, an empty value is absent, blanks around one do not count. Every scalar stays text as it is
written, never a float. A field that is not known is refused, since a misspelt `end_at` would bill for ever.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePath

from monetization_pipeline.customers.changes import change_of
from monetization_pipeline.customers.csv_records import read_csv
from monetization_pipeline.customers.models import EntityChange
from monetization_pipeline.customers.records import CustomersFileError, FileRecord, FileRefusal
from monetization_pipeline.customers.unsupported import refused_of_file
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
    file: str,
    data: bytes,
    *,
    received_at: datetime,
    source: str,
    landing_file: str | None = None,
    landed: tuple[int, int] | None = None,
) -> Iterator[EntityChange | FileRefusal]:
    """The changes that one file makes, and what of it is refused, one or the other for each record, in its order.

    `landing_file` is the name that the changes carry, `file` where it is None; `landed` its place in the order of
    landing. A file without one came before rule 20 spoke of versions: each of its records is taken by itself. Raises
    CustomersFileError, before the first change.
    """
    found: list[EntityChange | FileRefusal] = []
    texts: dict[tuple[int, int], str] = {}
    for record in load_records(file, data):
        if isinstance(record, FileRefusal):
            found.append(record)
            continue
        texts[record.line, record.record] = record.text
        try:
            change = change_of(
                record.kind,
                record.fields,
                received_at=received_at,
                source=source,
                file=landing_file or file,
                line=record.line,
                record=record.record,
                landed=landed,
                written_in=file,
            )
        except RecordError as error:
            found.append(FileRefusal(record.line, record.record, str(error), record.text))
        else:
            found.append(change)
    changes = [each for each in found if isinstance(each, EntityChange)]
    reasons = refused_of_file(changes if landed else [])
    for each in found:
        place = each.line, each.record
        if isinstance(each, EntityChange) and place in reasons:
            yield FileRefusal(*place, reasons[place], texts[place])
        else:
            yield each
