"""Where the oracle and the workshop are found."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from workshop import Workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A working folder with the source `logs` of plain events."""
    made = Workshop(tmp_path)
    made.source("logs")
    return made
