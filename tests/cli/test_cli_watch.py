"""`monetize ingest --watch` as a process: from its start, over bad files and a broken declaration, to its end."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Monetize, environment_for
from workshop import PLAIN_MAPPING, Workshop, event, lines

from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS

_PATIENCE = 90


class Watching:
    """The process, and what it has said so far."""

    def __init__(self, home: Path, log: Path) -> None:
        self._log = log
        arguments = [Monetize.program, "ingest", "--source", "logs", "--watch", "drop"]
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                arguments, cwd=home, env=environment_for({}), stdout=said, stderr=subprocess.STDOUT
            )

    def until_it_says(self, text: str, times: int = 1) -> None:
        end = time.monotonic() + _PATIENCE
        while self.said.count(text) < times:
            assert time.monotonic() < end, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.1)

    @property
    def said(self) -> str:
        return self._log.read_text()


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    made = Workshop(tmp_path / "home")
    made.source("logs")
    (made.root / "drop").mkdir()
    return made


@pytest.fixture
def watching(shop: Workshop, tmp_path: Path) -> Iterator[Watching]:
    (shop.root / "drop" / "before.ndjson").write_bytes(lines([event(1)]))
    started = Watching(shop.root, tmp_path / "said")
    yield started
    if started.process.poll() is None:
        started.process.kill()
    started.process.wait()


@pytest.mark.slow
def test_what_appears_is_ingested_until_it_is_interrupted(shop: Workshop, watching: Watching) -> None:
    drop = shop.root / "drop"
    watching.until_it_says("1 files, 1 records")

    with (drop / "slow.ndjson").open("wb") as slow:
        for number in range(2, 6):
            slow.write(lines([event(number)]))
            slow.flush()
            time.sleep(0.3)
    (drop / "bad.ndjson").write_bytes(b"nonsense\n")
    watching.until_it_says("records were refused")

    (shop.root / "sources" / "logs.yaml").write_text("format: [")
    (drop / "later.ndjson").write_bytes(lines([event(6)]))
    watching.until_it_says("logs.yaml")
    shop.source("logs", mapping=PLAIN_MAPPING)
    (drop / "last.ndjson").write_bytes(lines([event(7)]))
    end = time.monotonic() + _PATIENCE
    while len(shop.reopened().rows(RAW_EVENTS)) < 7:
        assert time.monotonic() < end, watching.said
        time.sleep(0.2)

    watching.process.send_signal(signal.SIGTERM)
    assert watching.process.wait(_PATIENCE) == 0
    assert watching.said.endswith("stopped\n")
    assert "Traceback" not in watching.said
    rows = shop.reopened().rows(RAW_EVENTS)
    assert sorted(row["event_id"] for row in rows) == [f"e{number}" for number in range(1, 8)]
    assert len({row["file"] for row in rows}) == 4
    assert len(shop.reopened().rows(REFUSALS)) == 1


@pytest.mark.slow
def test_interrupted_at_any_moment_it_ends_well_and_the_next_one_goes_on(shop: Workshop, watching: Watching) -> None:
    watching.until_it_says("watching drop")
    time.sleep(2.5)
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(_PATIENCE) == 0, watching.said
    assert watching.said.endswith("stopped\n")
    Monetize(shop.root).ok("ingest", "--source", "logs", "drop")
    assert [row["event_id"] for row in shop.reopened().rows(RAW_EVENTS)] == ["e1"]


def test_it_receives_files_as_they_come(shop: Workshop) -> None:
    arguments = ("ingest", "--source", "logs", "--watch", "--received-at", "2023-07-10", "drop")
    assert "--received-at" in Monetize(shop.root).refused(*arguments, code=2)
    assert "is not a folder" in Monetize(shop.root).refused("ingest", "--source", "logs", "--watch", "nowhere")
    assert list((shop.root / "drop").iterdir()) == []
