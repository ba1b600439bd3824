"""Where a file lies, as the lake and the engines name it to each other."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A file or folder by its address. Today each is a path of this machine; `s3://…` would be another kind.

    `Address.of(path)` and `address.local` are the only ways between the two: what asks for `local` can work on this
    machine alone.
    """

    text: str

    @classmethod
    def of(cls, path: Path) -> "Address":
        """The address of a file or folder on this machine."""
        return cls(str(path))

    @property
    def name(self) -> str:
        """The last part."""
        return self.text.rpartition("/")[2]

    @property
    def local(self) -> Path:
        """The path of what lies on this machine. Raises ValueError where it lies elsewhere."""
        if "://" in self.text:
            raise ValueError(f"{self.text} does not lie on this machine")
        return Path(self.text)

    def __str__(self) -> str:
        return self.text
