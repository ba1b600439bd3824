"""Small tables over what lies in the lake, for people to look at: the largest companies, refusals by reason."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from monetization_pipeline.assets.faces import LIMIT
from monetization_pipeline.datasets import DAILY_USAGE, DatasetSpec
from monetization_pipeline.engines.address import Address
from monetization_pipeline.metering.merge import per_meter_sql
from monetization_pipeline.steps.pipeline import Pipeline

Ranking = Mapping[str, list[tuple[Any, ...]]]


def ranking(
    pipeline: Pipeline, spec: DatasetSpec, files: Sequence[Address], groups: Sequence[str], value: str
) -> Ranking:
    """By partition: the at most LIMIT groups with the greatest `value` (an SQL aggregate), each as (*groups, value)."""
    if not files:
        return {}
    labels = ", ".join(f'"{name}"' for name in groups)
    sql = f"""
        SELECT * FROM (
            SELECT CAST("{spec.partition_column}" AS VARCHAR) AS "partition", {labels}, {value} AS ranked
            FROM {_rows(spec, "ranked_rows")} GROUP BY ALL)
        QUALIFY row_number() OVER (PARTITION BY "partition" ORDER BY ranked DESC, {labels}) <= {LIMIT}
        ORDER BY "partition", ranked DESC, {labels}"""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with pipeline.engine.session() as session:
        session.view("ranked_rows", spec.schema, files)
        for partition, *row in session.rows(sql):
            found.setdefault(partition, []).append(tuple(row))
    return found


def sums(
    pipeline: Pipeline, spec: DatasetSpec, partitions: Collection[str], groups: Sequence[str], value: str
) -> Ranking:
    """By partition: `value` (an SQL aggregate) of every group, each as (*groups, value); for groups that are few."""
    if not partitions:
        return {}
    columns = ", ".join(f'"{name}"' for name in (spec.partition_column, *groups))
    found: dict[str, list[tuple[Any, ...]]] = {}
    with pipeline.engine.session() as session:
        session.view("summed", spec.schema, pipeline.lake.table(spec).files(partitions))
        for partition, *row in session.rows(
            f"SELECT {columns}, {value} FROM {_rows(spec, 'summed')} GROUP BY ALL ORDER BY ALL"
        ):
            found.setdefault(str(partition), []).append(tuple(row))
    return found


def ranked(
    pipeline: Pipeline, spec: DatasetSpec, partitions: Collection[str], groups: Sequence[str], value: str
) -> Ranking:
    """`ranking` over some partitions of a dataset."""
    return ranking(pipeline, spec, pipeline.lake.table(spec).files(partitions), groups, value) if partitions else {}


def totals(pipeline: Pipeline, spec: DatasetSpec, partition: str, value: str) -> dict[str, Decimal]:
    """By currency: an SQL aggregate over one partition."""
    files = pipeline.lake.table(spec).files([partition])
    with pipeline.engine.session() as session:
        session.view("totalled", spec.schema, files)
        return dict(session.rows(f"SELECT currency, {value} FROM totalled GROUP BY currency ORDER BY currency"))


def _rows(spec: DatasetSpec, view: str) -> str:
    """A view of a dataset's files as rows of one meter each, where it has meters."""
    return f"({per_meter_sql(view)})" if spec is DAILY_USAGE else view
