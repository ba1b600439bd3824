"""Run the sandbox of Stripe in a thread of this process."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from monetization_pipeline.errors import MonetizeError

if TYPE_CHECKING:
    import uvicorn

_START_SECONDS = 10.0
_HOST = "127.0.0.1"


class SandboxError(MonetizeError):
    """The sandbox does not start."""


@contextmanager
def start_stripe_sandbox(state_path: Path, *, port: int = 0) -> Generator[str, None, None]:
    """The Stripe sandbox with its state in `state_path`, at the address yielded, while the block runs.

    Port 0 takes a free one. Raises SandboxError where the port is taken or the server does not come up.
    """
    import uvicorn

    from monetization_pipeline.publishing.sandbox.store import Store
    from monetization_pipeline.publishing.sandbox.stripe_app import stripe_app

    with closing(_listen(port)) as listening, closing(Store(state_path)) as store:
        config = uvicorn.Config(
            stripe_app(store),
            http="h11",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listening]}, name="stripe-sandbox", daemon=True
        )
        thread.start()
        try:
            _wait_until(server, thread)
            yield f"http://{_HOST}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        raise SandboxError(
            f"the sandbox cannot listen on {_HOST}:{port}: {error.strerror}; give another port"
        ) from None


def _wait_until(server: "uvicorn.Server", thread: threading.Thread) -> None:
    end = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise SandboxError(
                f"the sandbox did not come up: it ended, or {_START_SECONDS:.0f} seconds were not enough; run it again"
            )
        time.sleep(0.005)
