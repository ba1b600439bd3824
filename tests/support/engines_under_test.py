"""Every engine that the suites of `tests/engines` hold to one behaviour: by name, what makes it in a scratch folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

from monetization_pipeline.engines.base import Engine
from monetization_pipeline.engines.duckdb import DuckDBEngine

ENGINES: Mapping[str, Callable[[Path], Engine]] = {
    "duckdb": lambda spill: DuckDBEngine(spill, "800MB"),
    "duckdb with one thread and little memory": lambda spill: DuckDBEngine(spill, "300MB", threads=1),
}
