"""Listings as pandas frames, to be looked at in a notebook: decimals stay exact, instants become instants."""

# pandas has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pyarrow as pa

from monetization_pipeline.datasets import INSTANT
from monetization_pipeline.reports.promised import DecimalText, InstantText

if TYPE_CHECKING:
    import pandas as pd

# The 26 whole digits of a sum (rule 8) and the 24 of an exact amount behind the point, with room to multiply.
_DECIMAL = pa.decimal256(52, 24)

_TYPES: Mapping[object, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    DecimalText: _DECIMAL,
    InstantText: INSTANT,
}


def to_pandas(rows: Sequence[Mapping[str, Any]], of: type) -> "pd.DataFrame":
    """The rows of a listing as a frame with the columns that `of`, one of `reports.promised`, promises.

    Columns are Arrow's: a decimal is a decimal with 24 digits after the point and is added up exactly, an instant has
    its time zone, and what is absent is absent. A column that holds lists or objects holds them as they are. There may
    be no rows.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, kind in get_type_hints(of).items():
        values = [row[name] for row in rows]
        arrow = _TYPES.get(_present(kind), pa.string() if _is_text(kind) else None)
        if arrow is None:
            columns[name] = pd.Series(values, dtype=object)
        else:
            column = pa.array(values, pa.string() if not pa.types.is_integer(arrow) else arrow).cast(arrow)
            columns[name] = pd.Series(pd.ArrowDtype(arrow).__from_arrow__(column))
    return pd.DataFrame(columns)


def _present(kind: Any) -> Any:
    """A type without `| None`."""
    inner = [each for each in get_args(kind) if each is not type(None)]
    return inner[0] if len(inner) == 1 and len(get_args(kind)) == 2 else kind


def _is_text(kind: Any) -> bool:
    return getattr(_present(kind), "__supertype__", None) is str
