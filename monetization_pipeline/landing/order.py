"""The order in which files landed: a number for each batch of files that enter together, counted up for ever."""

import fcntl
import os
from pathlib import Path

#: Holds the number of the newest batch, in the folder of all sources.
_COUNTER = ".batch"


def next_batch(root: Path) -> int:
    """The number of a new batch, from 1; nobody else has it. `root` is the folder of landing."""
    counter = os.open(root / _COUNTER, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(counter, fcntl.LOCK_EX)
        newest = os.pread(counter, 64, 0).strip()
        number = (int(newest) if newest.isdigit() else 0) + 1
        # In place, and never shorter than before: a process that is killed here leaves the one number or the other.
        os.pwrite(counter, b"%d\n" % number, 0)
        return number
    finally:
        os.close(counter)
