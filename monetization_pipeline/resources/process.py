"""Which process a run is executed by, so that a run whose process is gone can be told from one at work."""

import os
import socket
from pathlib import Path

PROCESS_TAG = "monetize/process"

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def this_process() -> str:
    """This process as text: host, id, and where the system tells them boot and start."""
    return ":".join((socket.gethostname(), str(os.getpid()), _started(os.getpid())))


def is_gone(process: str) -> bool:
    """Whether a process of this host has ended. Of another host's nobody here can tell."""
    host, number, started = (*process.split(":"), "", "")[:3]
    if host != socket.gethostname() or not number.isdigit():
        return False
    # A process with the same id that was started at another time is another one.
    return not _is_alive(int(number)) or (started != "" and _started(int(number)) != started)


def _started(process: int) -> str:
    try:
        # The name of a process may hold anything; what follows it are numbers.
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return f"{_BOOT.read_text().strip()}-{after_name[19]}"
    except (OSError, IndexError):
        return ""


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
