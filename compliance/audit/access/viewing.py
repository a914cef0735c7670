"""Every view by an auditor is an act of its own: on record before anything is shown (DESIGN §6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from compliance.audit.canonical import NotCanonical
from compliance.audit.events import note

SCOPES: Final = ("records", "proofs", "replays", "parameters", "samples", "sealed", "acts")
"""What a key may be for. `sealed` and `acts` open nothing by themselves: they lift refusals in what the others show."""
READING: Final = frozenset(SCOPES) - {"sealed", "acts"}
"""What a signed-in regulator may read. Trade secrets and who did what take a key, which two people give out."""
MOST_WHY: Final = 500


class ViewNotRecorded(Exception):
    """A view could not be put on record, so nothing may be shown."""

    def __init__(self) -> None:
        super().__init__(
            "This view could not be put on record, so nothing is shown (every view by an auditor is logged first). "
            "Try again in a few seconds."
        )


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who asks: the holder of a key, or a signed-in regulator, by a name that is no secret."""

    name: str
    by: str  # "key" or "account"
    scopes: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class View:
    """What is about to be shown: an address, and the record in it where there is one."""

    scope: str
    path: str
    query: str
    record: UUID | None
    why: str


def note_view(reader: Reader, view: View) -> UUID:
    """Put a view on record; its event's id. Raises ViewNotRecorded."""
    what = {
        "by": {"name": reader.name, "by": reader.by},
        "scope": view.scope,
        "path": view.path,
        "query": view.query,
        "record": None if view.record is None else str(view.record),
        "why": view.why,
    }
    try:
        return note(kind="auditor_view", happened_at=timezone.now(), what=what)
    except (DatabaseError, InterfaceError, NotCanonical, OSError) as error:
        raise ViewNotRecorded from error
