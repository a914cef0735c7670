"""Every leaf's events against the rows that they commit to, and every row against the log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from compliance.audit.cold.place import cold_store
from compliance.audit.cold.verification import ColdEvents
from compliance.audit.events import SERVE
from compliance.audit.log.commitment import SaltRefused, commit
from compliance.audit.verification.delay import overdue

AT_ONCE: Final = 2_000

Faults = Iterator[str]

_EVENTS: Final = """
SELECT e.event_id, e.leaf, e.kind, e.digest, s.salt, s.body, a.salt, a.body, a.kind
FROM audit_logentry e
LEFT JOIN audit_serverecord s ON s.id = e.event_id
LEFT JOIN audit_auditevent a ON a.id = e.event_id
ORDER BY e.leaf, e.place
"""


def events(now: datetime) -> Faults:
    """Name every event that is not what was committed to, or is in no leaf; and what the cold tier lacks."""
    cold = ColdEvents(cold_store())
    with connection.chunked_cursor() as cursor:
        cursor.execute(_EVENTS)
        while found := cursor.fetchmany(AT_ONCE):
            for row in found:
                yield from _event(cold, *row)
    yield from cold.rest()
    yield from _unlogged("audit_serverecord", "serve record", now)
    yield from _unlogged("audit_auditevent", "audit event", now)
    yield from _queue()


def _event(cold: ColdEvents, event_id: UUID, leaf: int, kind: str, expected: bytes, *rows: Any) -> Faults:
    what = f"event {event_id} of leaf {leaf}"
    serve, other, other_kind = rows[:2], rows[2:4], rows[4]
    if serve[1] is not None and other[1] is not None:
        yield f"{what} is two things: a serve record and an audit event bear its id"
        return
    salt, body = serve if serve[1] is not None else other
    if body is None:
        yield from cold.gone(event_id, leaf, kind, bytes(expected))
        return
    if kind != (SERVE if serve[1] is not None else other_kind):
        yield f"{what} is in the log as {kind!r}, but on record as something else"
    try:
        same = commit(event_id, bytes(salt), bytes(body)) == bytes(expected)
    except SaltRefused:
        same = False
    if not same:
        yield f"{what} is not what was committed to: its bytes or its salt were changed"


def _unlogged(table: str, what: str, now: datetime) -> Faults:
    """Rows that no leaf commits to: waiting for longer than promised, or kept from the log altogether."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.id, q.id IS NOT NULL FROM {table} r "  # noqa: S608 - our own table names
            "LEFT JOIN audit_logentry e ON e.event_id = r.id LEFT JOIN audit_logqueue q ON q.id = r.id "
            "WHERE e.event_id IS NULL"
        )
        rows = cursor.fetchall()
    for row_id, waits in rows:
        if not waits:
            yield f"{what} {row_id} is neither in the log nor waiting for it: its commitment was removed"
        elif overdue(row_id, now):
            yield f"{what} {row_id} waits for the log for longer than promised"


def _queue() -> Faults:
    """Waiting rows that stand for nothing, or for what has its leaf already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT q.id, e.event_id IS NOT NULL FROM audit_logqueue q LEFT JOIN audit_logentry e ON e.event_id = q.id "
            "LEFT JOIN audit_serverecord s ON s.id = q.id LEFT JOIN audit_auditevent a ON a.id = q.id "
            "WHERE e.event_id IS NOT NULL OR (s.id IS NULL AND a.id IS NULL)"
        )
        for row_id, logged in cursor.fetchall():
            why = "has its leaf already" if logged else "is on record nowhere"
            yield f"event {row_id} waits for the log, but {why}: the row was put there by hand"
