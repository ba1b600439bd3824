"""A working folder with a source of plain events."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from workshop import Workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """Declared sources: `logs` (NDJSON), `document` (JSON with Records), `table` (CSV), `requests`."""
    made = Workshop(tmp_path)
    made.source("logs")
    made.source("document", format="json", records="Records")
    made.source("table", format="csv")
    made.source("requests", format="requests", mapping={})
    return made
