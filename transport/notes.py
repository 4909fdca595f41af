"""The notes of an error (`add_note`): they travel beside it, whatever its type, in the headers."""

from __future__ import annotations

from ..actors.process import Headers
from .values import encodable

LIMIT = 16
"""The most notes of an error that travel, the first ones."""


def notes_of(error: object) -> Headers | None:
    """Any thread. The headers of an error's answer; None where it has no notes."""
    notes: object = getattr(error, "__notes__", None)
    if not isinstance(notes, list):
        return None
    found = [encodable(note) for note in notes[:LIMIT] if isinstance(note, str)]
    return {"notes": found} if found else None


def put_notes(error: Exception, headers: Headers | None) -> None:
    """Owner only. Give an error that has come the notes that came with it."""
    for note in (headers or {}).get("notes", ()):
        error.add_note(note)


def are_notes(found: object) -> bool:
    """Whether these can be the notes of an error."""
    return (
        isinstance(found, list)
        and len(found) <= LIMIT
        and all(isinstance(note, str) for note in found)
    )
