"""What a commit says of each partition that it wrote: the ground on which `out of date` is decided."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

#: Key of our part of a Delta commit's metadata.
METADATA_KEY = "monetization"


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One partition as last committed.

    `inputs` maps a name (`events/2023-07-10`) to the fingerprint that was read; `digests` maps a name to the digest of
    a piece of catalog or settings; `counts` are the buckets of rule 6; `facts` tell a later step which inputs matter to
    it; `notes` are for people and decide nothing.
    """

    fingerprint: str
    rows: int
    inputs: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    code_version: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, object] = field(default_factory=dict)

    def made_from(self, other: "PartitionState") -> bool:
        """Whether both say the same of their inputs, whatever came out."""
        return (self.inputs, self.digests, self.code_version) == (other.inputs, other.digests, other.code_version)


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
    """The inverse of `encode`."""
    return {partition: PartitionState(**fields) for partition, fields in json.loads(text).items()}
