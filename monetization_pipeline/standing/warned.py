"""A warning that lasts until somebody mends what it names."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Warned:
    """What is amiss: `about` names it, `why` goes on from there. `urgent`: it is worth a line of every run."""

    about: str
    why: str
    urgent: bool = True

    def __str__(self) -> str:
        return f"{self.about} {self.why}"
