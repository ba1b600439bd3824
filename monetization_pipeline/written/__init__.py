"""YAML files whose values know where they stand: file, line and field. The one reader of what users write.

Scalars stay text, so that no number ever becomes a float; `null`, `~` and nothing are None. What a file may say is not
known here: each room has its own sections, models and words.
"""

from monetization_pipeline.written.files import Entry, Written, decoded, entries, read, read_file, read_text
from monetization_pipeline.written.nodes import Fields, Loc, Pair, is_null, plain
from monetization_pipeline.written.problems import (
    ControlCharacterError,
    NotUtf8Error,
    NotYamlError,
    Problem,
    UnreadableError,
    WrittenError,
)
from monetization_pipeline.written.shape import Fault, Flaw, flaws, shape_problems

__all__ = [
    "ControlCharacterError",
    "Entry",
    "Fault",
    "Fields",
    "Flaw",
    "Loc",
    "NotUtf8Error",
    "NotYamlError",
    "Pair",
    "Problem",
    "UnreadableError",
    "Written",
    "WrittenError",
    "decoded",
    "entries",
    "flaws",
    "is_null",
    "plain",
    "read",
    "read_file",
    "read_text",
    "shape_problems",
]
