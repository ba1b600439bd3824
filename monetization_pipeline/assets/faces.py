"""What all assets have in common: how a dataset presents itself, and how its figures are shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import dagster as dg

from monetization_pipeline.datasets.spec import DatasetSpec, describe
from monetization_pipeline.money import plain
from monetization_pipeline.steps.pipeline import Pipeline

OWNERS = ("team:billing",)
#: Rows that a table in Dagster's UI has at most: the event log keeps every one of them.
LIMIT = 10
_CELL = 160

#: What a materialization shows, by name: what Dagster takes for metadata.
Metadata = dict[str, Any]


def dataset_asset(
    spec: DatasetSpec, group: str, kind: str, code_version: str, beside: Sequence[DatasetSpec] = (), **options: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """`dg.asset` for a dataset, which decides name, description and columns; `options` are further arguments of it.

    Datasets `beside` it are committed with it and have no asset of their own.
    """
    texts = [f"{spec.doc[0].upper()}{spec.doc[1:]}.", f"Key: {', '.join(spec.key)}."]
    if beside:
        texts += ["Committed with it:", "\n".join(f"- `{each.name}`: {each.doc}" for each in beside)]
    decorator = dg.asset(
        name=spec.name,
        description="\n\n".join(texts),
        group_name=group,
        kinds={"deltalake", kind},
        owners=OWNERS,
        code_version=code_version,
        metadata={"dagster/column_schema": column_schema(spec), "dagster/table_name": spec.name},
        **options,
    )
    return cast("Callable[[Callable[..., Any]], dg.AssetsDefinition]", decorator)


def column_schema(spec: DatasetSpec) -> dg.TableSchema:
    """A dataset's columns as Dagster shows them; the key's columns are said to be so."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                field.name,
                str(field.type),
                describe(field),
                constraints=dg.TableColumnConstraints(other=["key"] if field.name in spec.key else []),
            )
            for field in spec.schema
        ]
    )


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MarkdownMetadataValue:
    """A small Markdown table: the first LIMIT rows, and how many more there are.

    Cells are text as it is: nothing in them is taken for Markdown.
    """
    given = [*rows]
    shown = [headers, ["---"] * len(headers), *([_cell(value) for value in row] for row in given[:LIMIT])]
    if (more := len(given) - LIMIT) > 0:
        shown.append([f"… and {more} more", *[""] * (len(headers) - 1)])
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(row)} |" for row in shown) if given else "none")


def rows_of(pipeline: Pipeline, spec: DatasetSpec, key: str) -> int:
    """How many rows a partition of a dataset has."""
    state = pipeline.lake.table(spec).state(key)
    return 0 if state is None else state.rows


def rows_metadata(rows: int) -> Metadata:
    """How many rows a partition has, where Dagster looks for it."""
    return {"dagster/partition_row_count": rows}


def amounts_metadata(name: str, amounts: Mapping[str, Decimal]) -> Metadata:
    """Amounts by currency: exact as text; a float beside it is for the plot alone."""
    text = ", ".join(f"{plain(amount)} {currency}" for currency, amount in sorted(amounts.items()))
    plots = {f"{name} {currency} (plot)": float(amount) for currency, amount in sorted(amounts.items())}
    return {name: dg.MetadataValue.text(text or "none"), **plots}


def _cell(value: object) -> str:
    text = plain(value) if isinstance(value, Decimal) else "" if value is None else str(value)
    text = text if len(text) <= _CELL else text[:_CELL] + "…"
    text = " ".join(text.split()).replace("\\", "\\\\").replace("<", "&lt;")
    for sign in "|`*_[]":
        text = text.replace(sign, "\\" + sign)
    return text
