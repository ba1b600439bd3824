"""The log as columns says what a loop over its files would say; what is remembered is what would be read anew."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monetization_pipeline.lake import ingest_log, listing
from monetization_pipeline.lake.day_inputs import DayInput
from monetization_pipeline.lake.ingest_log import IngestedFile, IngestLog, TouchedDay
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.listing import add_to_log, read_log

_RECEIVED = datetime(2023, 8, 1, tzinfo=UTC)
_DAYS = st.dates(date(2023, 7, 30), date(2023, 8, 2))
_TOUCHED = st.builds(
    lambda day, rows, hashes, copies: TouchedDay(day, rows, f"{rows}-{hashes:016x}", tuple(sorted(copies))),
    _DAYS,
    st.integers(0, 3),
    st.sampled_from((0, 1, 2**63, 2**64 - 1, 0xABCDEF0123456789)),
    st.sets(_DAYS, max_size=2),
)


@st.composite
def _files(draw: st.DrawFn) -> list[list[IngestedFile]]:
    """Files of several ingests, each of some batches."""
    number = 0
    ingests: list[list[IngestedFile]] = []
    for _ in range(draw(st.integers(0, 4))):
        ingests.append([])
        for _ in range(draw(st.integers(1, 4))):
            number += 1
            received_at = _RECEIVED + timedelta(hours=draw(st.integers(0, 60)))
            counted = [draw(st.integers(0, 2)) for _ in range(5)]
            days = tuple(draw(st.lists(_TOUCHED, max_size=3)))
            source, batch = draw(st.sampled_from("ab")), f"b{draw(st.integers(1, 3))}"
            file = IngestedFile(source, f"{number:064x}", f"f{number}", received_at, batch, *counted, days)
            ingests[-1].append(file)
    return ingests


def _plain_days(files: Iterable[IngestedFile]) -> dict[date, DayInput]:
    """What each day is made from, told by a loop."""
    found: dict[date, DayInput] = {}
    parts = [(file, day) for file in files for day in file.days]
    for on in {day.occurred_on for _, day in parts}:
        here = [(file, day) for file, day in parts if day.occurred_on == on]
        rows = sum(day.rows for _, day in here)
        hashes = sum(int(day.fingerprint.split("-")[1], 16) for _, day in here) % 2**64
        found[on] = DayInput(
            f"{rows}-{hashes:016x}",
            rows,
            frozenset(file.batch_id for file, day in here if day.rows),
            frozenset(copy for _, day in here for copy in day.copy_days),
            frozenset(file.received_on for file, day in here if day.rows),
        )
    return found


def _check(log: IngestLog, files: Sequence[IngestedFile]) -> None:
    assert list(log.files) == sorted(files, key=lambda file: (file.received_at, file.source, file.sha256))
    assert dict(log.days) == _plain_days(files)
    assert log.identities == {(file.source, file.sha256) for file in files}
    assert log.batches == {file.batch_id for file in files}
    assert log.sources == {file.source for file in files}
    assert log.correction_batches == {file.batch_id for file in files if file.corrections}
    received = sorted(file.received_at for file in files)
    assert log.receipts == ((received[0], received[-1]) if files else None)
    assert log.total("records") == sum(file.records for file in files)
    wanted = [_RECEIVED.date(), date(2023, 8, 3)]
    assert set(log.received_on(wanted).files) == {file for file in files if file.received_on in wanted}
    known = {(file.source, file.sha256) for file in files[::2]}
    assert set(log.beyond(known).files) == set(files[1::2])
    assert set(log.bringing("refusals").files) == {file for file in files if file.refusals}


@given(_files(), st.integers(1, 3))
def test_columns_say_what_a_loop_would_say(
    tmp_path_factory: pytest.TempPathFactory, ingests: list[list[IngestedFile]], many: int
) -> None:
    """Looked at after each ingest by who ingests, by who looks on, and by who comes anew; compacted now and then."""
    root = tmp_path_factory.mktemp("lake")
    lake, other = Lake(root), Lake(root)
    listed: list[IngestedFile] = []
    with pytest.MonkeyPatch.context() as patch:
        for module in (ingest_log, listing):
            patch.setattr(module, "MANY_FILES", many)
        for files in ingests:
            add_to_log(lake, read_log(lake), files)
            listed += files
            for looking in (lake, other, Lake(root)):
                _check(read_log(looking), listed)
    _check(read_log(Lake(root)), listed)


def test_a_log_that_did_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)
    add_to_log(lake, read_log(lake), [IngestedFile("a", "1", "f", _RECEIVED, "b")])
    first = read_log(lake)
    read: list[object] = []
    monkeypatch.setattr(listing, "parse_files", lambda files: read.append(list(files)))
    assert read_log(lake) is first
    assert read == []
