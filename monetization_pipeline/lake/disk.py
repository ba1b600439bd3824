"""What the lake does with its files themselves. They lie on this machine, and this is where that is taken for granted.

Beside them a table has its log and what is remembered of it (`lake.remembered`), in its folder on this machine too.
"""

# Arrow's stubs leave unknown what else its functions for Parquet files may be given.
# pyright: reportUnknownMemberType=false

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from monetization_pipeline.engines.address import Address
from monetization_pipeline.errors import MonetizeError


class UnreadableFileError(MonetizeError):
    """A file that was committed and cannot be read."""


def folder(path: Path) -> Address:
    """The address of a folder, which is made where it is not there."""
    path.mkdir(parents=True, exist_ok=True)
    return Address.of(path)


def place(path: Path, name: str) -> Address:
    """The address of a file in a folder, which is made where it is not there."""
    folder(path)
    return within(path, name)


def within(root: Path, name: str) -> Address:
    """The address of a file by its path from a table's folder on, as the log names it."""
    return Address(f"{root}/{name}")


def below(address: Address, root: Path) -> str:
    """A file's path from a table's folder on, as the log names it."""
    return str(address.local.relative_to(root))


def move(address: Address, target: Address) -> None:
    """Rename a file; both lie on one disk."""
    address.local.rename(target.local)


def remove(address: Address) -> None:
    """Remove a file that was not committed."""
    address.local.unlink()


def is_last_commit(root: Path, version: int) -> bool:
    """Whether a commit is there in the log of the table in a folder, and none after it."""
    log = root / "_delta_log"
    return not (log / f"{version + 1:020}.json").exists() and (log / f"{version:020}.json").exists()


def sync(address: Address) -> None:
    """Return once a file is on the disk."""
    descriptor = os.open(address.local, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def size_of(address: Address) -> int:
    """Bytes."""
    return address.local.stat().st_size


def footer(address: Address) -> tuple[pa.Schema, int]:
    """The columns of a Parquet file, and how many rows it has. Raises UnreadableFileError where it is none, or gone."""
    try:
        metadata = pq.read_metadata(address.local)
    except FileNotFoundError:
        raise UnreadableFileError("the file is gone") from None
    except (OSError, pa.ArrowException) as error:
        raise UnreadableFileError(f"the file cannot be read: {error}") from error
    return metadata.schema.to_arrow_schema(), metadata.num_rows


def rows_in(address: Address) -> int:
    """How many rows a Parquet file has."""
    return pq.read_metadata(address.local).num_rows


def schema_of(address: Address) -> pa.Schema:
    """The columns of a Parquet file."""
    return pq.read_schema(address.local)


def read(address: Address, columns: list[str] | None = None) -> pa.Table:
    """The rows of a Parquet file; of all columns, or of some."""
    return pq.ParquetFile(address.local).read(columns)


def write(table: pa.Table, address: Address) -> None:
    """A table as one Parquet file (zstd), which is there whole or not at all."""
    path = address.local
    temporary = path.with_suffix(".tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.rename(path)
