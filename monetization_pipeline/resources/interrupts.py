"""Whether the process was asked to end, also where somebody took that for an error of their own, or kept it quiet."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

_ASKING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupts_noticed() -> Generator[Callable[[], bool], None, None]:
    """Tells, while the block runs, whether SIGINT or SIGTERM came since it began.

    A query that is interrupted fails with an error that names no interrupt, and between two steps Dagster takes the
    signal and goes on. Every signal that Python handles is noticed here whatever its handler does; those that end the
    process at once are not. Signals are the main thread's: in another one nothing is noticed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        seen = bytearray()

        def noticed() -> bool:
            with suppress(BlockingIOError):
                seen.extend(reading.recv(4096))
            return any(number in seen for number in _ASKING)

        outer = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield noticed
        finally:
            signal.set_wakeup_fd(outer, warn_on_full_buffer=False)
            if noticed() and outer != -1:
                with suppress(BlockingIOError):
                    os.write(outer, seen)
