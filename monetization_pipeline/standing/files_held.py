"""Whether the files of a dataset are what was committed: there, with the declared columns and so many rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa

from monetization_pipeline.datasets import WHOLE, DatasetSpec
from monetization_pipeline.datasets.arrow import named_types
from monetization_pipeline.lake import disk
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.table import CommittedFile
from monetization_pipeline.lake.visible import visible_committed


def file_problems(lake: Lake, spec: DatasetSpec, keys: Sequence[str]) -> list[str]:
    """What is wrong with the files of some partitions of a dataset; of all of them where it is one partition.

    Of what grows by batches, the rows are those that `landing_files` lists; else those of the partition's state.
    """
    wanted = [WHOLE] if spec.partition_column is None else list(keys)
    problems: list[str] = []
    found: Counter[str] = Counter(dict.fromkeys(wanted, 0))
    for file in sorted(_files(lake, spec, wanted), key=lambda file: file.address):
        try:
            columns, rows = disk.footer(file.address)
        except disk.UnreadableFileError as error:
            # How many rows it held is not to be known: what is committed of its partition is not asked.
            found.pop(file.partition, None)
            problems.append(f"{spec.name}: {file.address.name}: {error}")
            continue
        problems += [f"{spec.name}: {file.address.name}: {each}" for each in _differences(spec, columns)]
        if file.partition in found:
            found[file.partition] += rows
    return problems + _row_problems(lake, spec, found)


def _files(lake: Lake, spec: DatasetSpec, keys: Sequence[str]) -> Sequence[CommittedFile]:
    if spec.by_batch:
        return visible_committed(lake, spec, read_log(lake).batches, keys)
    return lake.table(spec).committed(keys)


def _row_problems(lake: Lake, spec: DatasetSpec, found: Mapping[str, int]) -> list[str]:
    if spec.by_batch:
        log = read_log(lake)
        listed = {key: log.received_on([date.fromisoformat(key)]).total(spec.name) for key in found}
        return [
            f"received day {key}: landing_files lists {listed[key]} {spec.name}, but there are {rows}"
            for key, rows in found.items()
            # In a look back, what was received later lies in the same files.
            if rows < listed[key] or (rows > listed[key] and lake.as_of is None)
        ]
    states = lake.table(spec).states()
    committed = {key: states[key].rows if key in states else 0 for key in found}
    return [
        f"{'' if key == WHOLE else f'{key}: '}{spec.name} was committed with {committed[key]} rows, "
        f"but its files hold {rows}"
        for key, rows in found.items()
        if rows != committed[key]
    ]


def _differences(spec: DatasetSpec, found: pa.Schema) -> list[str]:
    known = {*found.names, *spec.added}
    missing = [f"column {name} is missing" for name in spec.schema.names if name not in known]
    unknown = [f"column {name} is not one of {spec.name}" for name in found.names if name not in spec.schema.names]
    types = dict(named_types(found))
    wrong = [
        f"column {name} is {types[name]}, not {kind}"
        for name, kind in named_types(spec.schema)
        if name in types and not _same(types[name], kind)
    ]
    return [*missing, *unknown, *wrong]


def _same(found: pa.DataType, expected: pa.DataType) -> bool:
    # What a writer calls the elements of a list means nothing.
    if pa.types.is_list(found) and pa.types.is_list(expected):
        return _same(found.value_type, expected.value_type)
    if pa.types.is_struct(found) and pa.types.is_struct(expected):
        pairs = zip(named_types(found), named_types(expected), strict=False)
        return found.num_fields == expected.num_fields and all(
            name == other and _same(kind, wanted) for (name, kind), (other, wanted) in pairs
        )
    return found == expected
