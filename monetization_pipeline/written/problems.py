"""What can be wrong with a file as a whole, and one thing to mend in it."""

from dataclasses import dataclass

from monetization_pipeline.errors import MonetizeError, Place


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend, and where."""

    place: Place
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class WrittenError(MonetizeError):
    """A file of which nothing can be taken. `said` is what Python or the YAML parser said of it."""

    def __init__(self, place: Place, reason: str, said: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason
        self.said = said


class UnreadableError(WrittenError):
    """A file that the system does not let be read."""


class NotUtf8Error(WrittenError):
    """Bytes that are not UTF-8, the first wrong one at offset `byte`."""

    def __init__(self, place: Place, byte: int, said: str) -> None:
        super().__init__(place, "is not UTF-8 text; save it as UTF-8", said)
        self.byte = byte


class NotYamlError(WrittenError):
    """Text that is not YAML."""

    def __init__(self, place: Place, said: str, context: str | None = None) -> None:
        super().__init__(place, f"is not valid YAML: {said if context is None else f'{context}: {said}'}", said)


class ControlCharacterError(NotYamlError):
    """Text with a character that no YAML may hold, such as NUL."""
