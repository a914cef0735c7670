"""What a stream carries, and what both of its ends must do."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from compliance.audit.canonical import canonical

VERSION: Final = 1


class SinkAway(Exception):
    """A sink did not take events. They stay where they are and are sent again, also those that it may have taken."""


@dataclass(frozen=True, kw_only=True, order=True)
class Position:
    """An event's place in the log: its leaf, and its place in the leaf's batch."""

    leaf: int
    place: int


START: Final = Position(leaf=-1, place=0)
"""Before the first event."""


@dataclass(frozen=True, kw_only=True)
class StreamEvent:
    """One event as others get it: sealed under the person's key, or of no person.

    `digest` is the commitment in the log. `body` is None where nothing may be handed on: the row is past its
    retention, or is from before bodies were sealed and would outlive the person's erasure elsewhere.
    """

    position: Position
    id: UUID
    kind: str
    digest: bytes
    pseudonym: UUID | None
    body: bytes | None


class EventSource(Protocol):
    """Where events come from."""

    def after(self, position: Position, limit: int) -> list[StreamEvent]:
        """Up to `limit` events after a position, in order; none where there are no more yet."""
        ...


class EventSink(Protocol):
    """Where events go."""

    def deliver(self, events: Sequence[StreamEvent]) -> None:
        """Take events, and return when they are durable there. May be given some again. Raises SinkAway."""
        ...


def envelope(event: StreamEvent) -> bytes:
    """An event as canonical JSON: bytes in base64, the digest in hexadecimal."""
    return canonical(
        {
            "version": VERSION,
            "id": str(event.id),
            "kind": event.kind,
            "leaf": event.position.leaf,
            "place": event.position.place,
            "digest": event.digest.hex(),
            "pseudonym": None if event.pseudonym is None else str(event.pseudonym),
            "body": None if event.body is None else base64.b64encode(event.body).decode("ascii"),
        }
    )
