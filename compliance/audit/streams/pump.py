"""From the log to a sink: events in the log's order, and how far each stream has got, in PostgreSQL."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from compliance.audit.cold.schema import ACTS, RECORDS
from compliance.audit.cold.selectors import cold_ids
from compliance.audit.events import SERVE
from compliance.audit.models import LogCheckpoint, StreamOffset
from compliance.audit.streams.types import EventSink, EventSource, Position, StreamEvent

SEALED: Final = b"\x02"
"""The first byte of bytes that are sealed under a person's key."""

_OF_PERSONS: Final = frozenset({SERVE, "consent", "control"})
"""Kinds that describe a person, and were recorded in the clear before release 0.2.0."""

_EVENTS: Final = """
SELECT e.leaf, e.place, e.event_id, e.kind, e.digest, coalesce(s.pseudonym, a.pseudonym), coalesce(s.body, a.body)
FROM audit_logentry e
LEFT JOIN audit_serverecord s ON s.id = e.event_id
LEFT JOIN audit_auditevent a ON a.id = e.event_id
WHERE (e.leaf, e.place) > (%s, %s) AND e.leaf < %s
ORDER BY e.leaf, e.place LIMIT %s
"""


class StreamBusy(Exception):
    """Another process sends this stream."""


class LogSource:
    """The signed log's events, from PostgreSQL and, where they left it, from the cold tier."""

    def after(self, position: Position, limit: int) -> list[StreamEvent]:
        """Events after a position that a checkpoint covers. Raises ColdDamaged."""
        size = LogCheckpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
        with connection.cursor() as cursor:
            cursor.execute(_EVENTS, [position.leaf, position.place, size, limit])
            rows = cursor.fetchall()
        cold = _cold({row[2]: row[3] for row in rows if row[6] is None})
        return [_event(*(row if row[6] is not None else (*row[:5], *cold.get(row[2], (None, None))))) for row in rows]


def pump(*, name: str, source: EventSource, sink: EventSink, limit: int = 1_000) -> int:
    """Deliver what comes next and move the stream's offset after it; return how many events that were.

    At least once: a crash between the two delivers again. Raises SinkAway, StreamBusy.
    """
    StreamOffset.objects.get_or_create(name=name)
    with transaction.atomic():
        try:
            with transaction.atomic():
                offset = StreamOffset.objects.select_for_update(nowait=True).get(name=name)
        except DatabaseError as error:
            raise StreamBusy(f"Another process sends the stream {name!r}: leave it to it.") from error
        events = source.after(Position(leaf=offset.leaf, place=offset.place), limit)
        if events:
            sink.deliver(events)
            last = events[-1].position
            StreamOffset.objects.filter(name=name).update(leaf=last.leaf, place=last.place, moved_at=timezone.now())
    return len(events)


def _cold(kinds: dict[UUID, str]) -> dict[UUID, tuple[UUID | None, bytes]]:
    """Pseudonym and body of events that lie in the cold tier."""
    found: dict[UUID, tuple[UUID | None, bytes]] = {}
    for table, wanted in (
        (RECORDS, [each for each, kind in kinds.items() if kind == SERVE]),
        (ACTS, [each for each, kind in kinds.items() if kind != SERVE]),
    ):
        for row in cold_ids(table, wanted):
            pseudonym = None if row["pseudonym"] is None else UUID(row["pseudonym"])
            found[UUID(row["id"])] = (pseudonym, bytes(row["body"]))
    return found


def _event(
    leaf: int, place: int, event_id: UUID, kind: str, digest: Any, pseudonym: UUID | None, body: Any
) -> StreamEvent:
    return StreamEvent(
        position=Position(leaf=leaf, place=place),
        id=event_id,
        kind=kind,
        digest=bytes(digest),
        pseudonym=pseudonym,
        body=_handed_on(kind, pseudonym, None if body is None else bytes(body)),
    )


def _handed_on(kind: str, pseudonym: UUID | None, body: bytes | None) -> bytes | None:
    """Sealed bytes, and those of no person. What was recorded in the clear about somebody stays here."""
    if body is None or body[:1] == SEALED:
        return body
    return None if pseudonym is not None or kind in _OF_PERSONS else body
