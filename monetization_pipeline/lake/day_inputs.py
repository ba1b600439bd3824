"""What each event day is made from, out of the rows of `landing_files`: summed as columns, looked into day by day."""

# Arrow's stubs leave unknown what lists and structs hold.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import numpy as np
import pyarrow as pa

from monetization_pipeline.datasets.arrow import ArrowArray, listed
from monetization_pipeline.lake.columns import dictionary_encoded
from monetization_pipeline.lake.fingerprints import fingerprint

_HEX_DIGITS = 16
_DIGIT = np.zeros(256, np.uint64)
for _value, _sign in enumerate(b"0123456789abcdef"):
    _DIGIT[_sign] = _value


@dataclass(frozen=True, slots=True)
class DayInput:
    """What an event day is made from: `batches` hold its rows, `copy_days` may hold copies of its ids."""

    fingerprint: str
    rows: int
    batches: frozenset[str] = frozenset()
    copy_days: frozenset[date] = frozenset()
    received_days: frozenset[date] = frozenset()


NO_INPUT = DayInput(fingerprint(0, 0), 0)


def day_inputs(log: pa.Table) -> Mapping[date, DayInput]:
    """What each event day is made from, by day, out of rows of `landing_files`."""
    return _DayInputs(log)


class _DayInputs(Mapping[date, DayInput]):
    """Touched days sorted by day; a day's sets are made when somebody asks for it."""

    def __init__(self, log: pa.Table) -> None:
        lists = cast("pa.ListArray[Any]", log["days"].combine_chunks())
        touched = cast("pa.StructArray", lists.flatten())
        days = touched.field("occurred_on").cast(pa.int32()).to_numpy(zero_copy_only=False)
        order = np.argsort(days, kind="stable")
        self._files = lists.value_parent_indices().to_numpy(zero_copy_only=False)[order]
        self._rows = touched.field("rows").to_numpy(zero_copy_only=False)[order]
        self._copy_days = cast("pa.ListArray[Any]", touched.field("copy_days").take(pa.array(order, pa.int64())))
        hashes = _hash_sums(touched.field("fingerprint"))[order]
        keys, starts = np.unique(days[order], return_index=True)
        self._bounds = np.append(starts, len(days))
        self._row_sums = np.add.reduceat(self._rows, starts) if len(keys) else self._rows
        self._hash_sums = np.add.reduceat(hashes, starts) if len(keys) else hashes
        self._position = {day: number for number, day in enumerate(_dates(keys))}
        batches = dictionary_encoded(log["batch_id"])
        self._batch_names = listed(batches.dictionary)
        self._batches = batches.indices.to_numpy(zero_copy_only=False)
        self._received_on = log["received_on"].cast(pa.int32()).to_numpy()
        self._made: dict[date, DayInput] = {}

    def __getitem__(self, day: date) -> DayInput:
        if day not in self._made:
            self._made[day] = self._make(self._position[day])
        return self._made[day]

    def __iter__(self) -> Iterator[date]:
        return iter(self._position)

    def __len__(self) -> int:
        return len(self._position)

    def _make(self, position: int) -> DayInput:
        part = slice(self._bounds[position], self._bounds[position + 1])
        files = self._files[part][self._rows[part] > 0]
        rows = int(self._row_sums[position])
        return DayInput(
            fingerprint(rows, int(self._hash_sums[position])),
            rows,
            frozenset(self._batch_names[number] for number in np.unique(self._batches[files])),
            frozenset(listed(self._copy_days[part].flatten().unique())),
            frozenset(_dates(np.unique(self._received_on[files]))),
        )


def _dates(days: np.ndarray) -> list[date]:
    """Days since 1970 as dates."""
    return listed(pa.array(days, pa.int32()).cast(pa.date32()))


def _hash_sums(fingerprints: ArrowArray) -> np.ndarray:
    """The sums of hashes in fingerprints, modulo 2^64: their last 16 characters, read as hexadecimal numbers."""
    _, offsets, text = fingerprints.buffers()
    values = np.zeros(len(fingerprints), np.uint64)
    if len(fingerprints):
        ends = _numbers(offsets, np.int32)[fingerprints.offset + 1 : fingerprints.offset + len(fingerprints) + 1]
        signs = _numbers(text, np.uint8)
        for position in range(_HEX_DIGITS):
            values = (values << np.uint64(4)) | _DIGIT[signs[ends - _HEX_DIGITS + position]]
    return values


def _numbers(buffer: pa.Buffer | None, kind: type[np.generic]) -> np.ndarray:
    # To the stubs, a buffer of Arrow's is none of Python's.
    return np.frombuffer(cast("memoryview", buffer), kind)
