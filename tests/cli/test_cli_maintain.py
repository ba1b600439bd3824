"""`monetize maintain`: what it says, in a dry run and when it does it."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from command_line import Monetize


def left_behind(home: Path) -> Path:
    """A file that a process was copying into landing when it was killed, two days ago."""
    path = home / ".monetization" / "landing" / "api" / ".staging" / "half"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"12345")
    then = time.time() - 2 * 86_400
    os.utime(path, (then, then))
    return path


def test_what_is_tidied_up_is_said_and_a_dry_run_does_nothing(folder: Callable[..., Monetize]) -> None:
    monetize = folder(None)
    path = left_behind(monetize.home)
    said = "landing/api/.staging: 1 file (5 bytes) left by a process that was killed, removed\n"
    dry = monetize.ok("maintain", "--dry-run")
    assert dry.out == said + "This was a dry run: nothing was changed or removed.\n"
    assert path.exists()
    assert monetize.ok("maintain").out == said
    assert not path.exists()
    assert monetize.ok("maintain").out == "There is nothing to tidy up.\n"


def test_a_retention_of_no_days_is_refused(folder: Callable[..., Monetize]) -> None:
    ended = folder(None, MONETIZATION_LANDING_DAYS="0")("maintain")
    assert ended.code == 1
    assert "MONETIZATION_LANDING_DAYS: '0' is not a whole number of days between 1 and 36500" in ended.err
