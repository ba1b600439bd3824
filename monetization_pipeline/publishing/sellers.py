"""Who sells: the id in the file `seller.id` of a working folder, which every publish key names.

It lies outside the ledger, so that a ledger that was lost finds again what it published. A copy of a folder has the
same id and is the same seller. A folder that published before sellers had ids has an empty file: its seller is ''
for ever.
"""

import os
import re
import secrets
import tempfile
from base64 import b32encode
from pathlib import Path

from monetization_pipeline.errors import MonetizeError

_ID = re.compile(r"(?:seller_[a-z2-7]{26})?")


class SellerFileError(MonetizeError):
    """A seller.id that holds something else than an id."""


def new_seller_id() -> str:
    """`seller_` and 26 characters of chance, in lowercase base32."""
    return f"seller_{b32encode(secrets.token_bytes(17)).decode().lower()[:26]}"


def read_seller(file: Path) -> str | None:
    """The id in a seller's file, None where there is no file. Raises SellerFileError."""
    try:
        text = file.read_text("utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SellerFileError(f"{file} cannot be read: {error}") from None
    if not _ID.fullmatch(text):
        raise SellerFileError(
            f"{file} holds {text[:60]!r}, which is no seller's id: `seller_` and 26 letters and digits, or nothing for "
            "a folder that published before there were any. Bring back what it held"
        )
    return text


def write_seller(file: Path, seller_id: str) -> str:
    """Write a seller's file where there is none; the id that it holds then. Whole or not at all, also when killed."""
    descriptor, name = tempfile.mkstemp(prefix=".seller.id-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            written.write(f"{seller_id}\n" if seller_id else "")
            written.flush()
            os.fsync(written.fileno())
        Path(name).chmod(0o644)
        try:
            os.link(name, file)
        except FileExistsError:
            return read_seller(file) or ""
    finally:
        Path(name).unlink()
    return seller_id
