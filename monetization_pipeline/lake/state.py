"""What a commit says of each partition that it wrote: the ground on which `out of date` is decided."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Key of our part of a Delta commit's metadata.
METADATA_KEY = "monetization"

#: What every state of the last program said that had one version for all of its steps: each one's first.
_LAST_COMMON_VERSION, _FIRST = "2", "1"


def _nothing() -> dict[str, Any]:
    # There are states by the thousand: to make a `dict[str, str]` takes six times as long.
    return {}


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One partition as last committed.

    `inputs` maps a name (`events/2023-07-10`) to the fingerprint that was read; `digests` maps a name to the digest of
    a piece of catalog or settings; `code_version` is that of the step that made it; `counts` are the buckets of rule 6;
    `facts` tell a later step which inputs matter to it; `notes` are for people and decide nothing.
    """

    fingerprint: str
    rows: int
    inputs: Mapping[str, str] = field(default_factory=_nothing)
    digests: Mapping[str, str] = field(default_factory=_nothing)
    code_version: str = ""
    counts: Mapping[str, int] = field(default_factory=_nothing)
    facts: Mapping[str, int] = field(default_factory=_nothing)
    notes: Mapping[str, object] = field(default_factory=_nothing)

    def made_from(self, other: "PartitionState") -> bool:
        """Whether two states name the same inputs and digests and the same version of the step, whatever came out."""
        versions = _number(self.code_version), _number(other.code_version)
        return versions[0] == versions[1] and (self.inputs, self.digests) == (other.inputs, other.digests)


def code_version(dataset: str, number: int) -> str:
    """What a state says of the step that made it: `usage 3`. Counted up when figures change for the same inputs."""
    return f"{dataset} {number}"


def _number(version: str) -> str:
    dataset, _, number = version.rpartition(" ")
    if dataset:
        return number
    # Of earlier common versions none is as good as a step's own.
    return _FIRST if version == _LAST_COMMON_VERSION else f"before {version}"


def encode(states: Mapping[str, PartitionState]) -> str:
    """States by partition as JSON text for a commit's metadata."""
    return json.dumps(
        {
            partition: {name: getattr(state, name) for name in PartitionState.__slots__}
            for partition, state in states.items()
        },
        sort_keys=True,
    )


def decode(text: str) -> dict[str, PartitionState]:
    """States by partition, out of the JSON text in a commit's metadata."""
    return {partition: PartitionState(**fields) for partition, fields in json.loads(text).items()}
