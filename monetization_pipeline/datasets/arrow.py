"""Arrow's types as annotations name them, and what its stubs say of them too little.

The stubs (`pyarrow-stubs`) give Arrow's classes parameters that the classes themselves do not take: hence the quotes.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias, cast

import pyarrow as pa

#: Values of one type, whichever.
ArrowArray: TypeAlias = "pa.Array[Any]"

#: A column of a table.
ArrowColumn: TypeAlias = "pa.ChunkedArray[Any]"

#: What a column can be made of.
ArrowValues: TypeAlias = "pa.Array[Any] | pa.ChunkedArray[Any]"


def named_types(holder: pa.Schema | pa.StructType) -> list[tuple[str, pa.DataType]]:
    """Name and type of each column of a schema, or of each field of a struct, in order."""
    # To the stubs, the type of such a field is unknown.
    return [(field.name, field.type) for field in cast("Iterable[pa.Field[Any]]", holder)]


def listed(column: ArrowValues) -> list[Any]:
    """A column as a list of Python's own values."""
    # To the stubs any of them may be absent; which may, the data says.
    return column.to_pylist()
