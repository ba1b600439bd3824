"""Signals are noticed whatever becomes of them."""

import os
import signal
import threading
from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner

from monetization_pipeline.cli.terminal import Quiet
from monetization_pipeline.resources.interrupts import interrupts_noticed


@pytest.fixture(autouse=True)
def handled() -> Iterator[None]:
    """Somebody takes the signals, and does nothing."""
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    before = [signal.signal(number, lambda *_: None) for number in asked]
    yield
    for number, handler in zip(asked, before, strict=True):
        signal.signal(number, handler)


def kill(*numbers: signal.Signals) -> None:
    for number in numbers:
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_asked_to_end_notices_it_and_goes_on_noticing(number: signal.Signals) -> None:
    with interrupts_noticed() as noticed:
        assert not noticed()
        kill(number)
        assert noticed()
        assert noticed()
    with interrupts_noticed() as noticed:
        assert not noticed()


def test_other_signals_do_not_ask_to_end() -> None:
    with interrupts_noticed() as noticed:
        kill(signal.SIGUSR1)
        assert not noticed()


def test_what_an_inner_block_notices_the_outer_one_does_as_well() -> None:
    with interrupts_noticed() as outer:
        with interrupts_noticed() as inner:
            kill(signal.SIGUSR1, signal.SIGINT)
            assert inner()
        assert outer()


def test_who_listened_before_listens_again() -> None:
    before = signal.set_wakeup_fd(-1)
    try:
        with interrupts_noticed():
            pass
        assert signal.set_wakeup_fd(-1) == -1
    finally:
        signal.set_wakeup_fd(before)


def test_in_another_thread_nothing_is_noticed() -> None:
    found: list[bool] = []

    def look() -> None:
        with interrupts_noticed() as noticed:
            kill(signal.SIGINT)
            found.append(noticed())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [False]


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (lambda: kill(signal.SIGINT), "Aborted!"),
        (lambda: kill(signal.SIGUSR1), "internal error: Query interrupted"),
    ],
)
def test_a_command_that_fails_because_it_was_interrupted_says_so(work: Callable[[], None], says: str) -> None:
    @click.group(cls=Quiet)
    def program() -> None: ...

    @program.command()
    def query() -> None:
        work()
        raise RuntimeError("Query interrupted")

    result = CliRunner().invoke(program, ["query"])
    assert (result.exit_code, result.output.strip().splitlines()[0]) == (1, says)
