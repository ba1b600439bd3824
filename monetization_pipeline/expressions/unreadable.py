"""What is there and cannot be read, through the pieces of an expression: only what is evaluated counts (rule 8)."""

from collections.abc import Sequence

from monetization_pipeline.expressions.model import Unreadable


def lost(sql: str, before: str, said: str) -> Unreadable:
    """A value (SQL) that is NULL though what it is made of (SQL) is not; `said` is SQL of that as text."""
    return Unreadable(f"(({sql}) IS NULL AND ({before}) IS NOT NULL)", said)


def either(*pieces: Unreadable | None) -> Unreadable | None:
    """Where any of them is unreadable: of a value that is NULL then."""
    found = [piece for piece in pieces if piece is not None]
    if len(found) <= 1:
        return found[0] if found else None
    *others, last = found
    said = "".join(f" WHEN {piece.when} THEN {piece.said}" for piece in others)
    return Unreadable(f"({' OR '.join(piece.when for piece in found)})", f"CASE{said} ELSE {last.said} END")


def where(condition: str, piece: Unreadable | None) -> Unreadable | None:
    """What is unreadable, where a condition (SQL, never NULL) holds besides."""
    return piece and Unreadable(f"({condition} AND {piece.when})", piece.said)


def undecided_and(sql: str, parts: Sequence[tuple[str, Unreadable | None]]) -> Unreadable | None:
    """Where it cannot be told whether all of some conditions hold: none of the others fails, nor is it absent."""
    held = (f"coalesce({part}, false)" + (f" OR {doubt.when}" if doubt else "") for part, doubt in parts)
    every = " AND ".join(f"({each})" for each in held)
    return _but_for(f"(NOT coalesce({sql}, false) AND {every})", [doubt for _, doubt in parts])


def undecided_or(sql: str, parts: Sequence[tuple[str, Unreadable | None]]) -> Unreadable | None:
    """Where it cannot be told whether any of some conditions holds: none of the others does."""
    found = either(*(doubt for _, doubt in parts))
    return where(f"NOT coalesce({sql}, false)", found)


def _but_for(when: str, doubts: Sequence[Unreadable | None]) -> Unreadable | None:
    found = either(*doubts)
    return found and Unreadable(when, found.said)
