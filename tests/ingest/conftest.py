"""A working folder with one source of each format."""

from pathlib import Path

import pytest
from workshop import Workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """Sources `logs` (NDJSON), `document`, `nested` and `list` (JSON), `table` (CSV) and `requests`."""
    made = Workshop(tmp_path)
    made.source("logs")
    made.source("document", format="json", records="Records")
    made.source("nested", format="json", records="payload.items")
    made.source("list", format="json")
    made.source("table", format="csv")
    made.source("requests", format="requests", mapping={})
    return made
