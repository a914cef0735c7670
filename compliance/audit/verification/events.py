"""Leaves without an event, events that are two things, and waiting rows that stand for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from compliance.audit.cold.place import cold_store
from compliance.audit.cold.verification import ColdEvents
from compliance.audit.delay import overdue
from compliance.audit.log.commitment import SaltRefused, commit
from compliance.audit.verification.rows import Leaf
from compliance.audit.verification.tally import Tally

Faults = Iterator[str]

_GONE: Final = """
SELECT e.event_id, e.leaf, e.kind, e.digest FROM audit_logentry e
WHERE NOT EXISTS (SELECT FROM audit_serverecord s WHERE s.id = e.event_id)
  AND NOT EXISTS (SELECT FROM audit_auditevent a WHERE a.id = e.event_id)
ORDER BY e.leaf, e.place
"""
_TWICE: Final = "SELECT s.id FROM audit_serverecord s JOIN audit_auditevent a ON a.id = s.id ORDER BY s.id"
_QUEUE: Final = """
SELECT q.id, e.event_id IS NOT NULL FROM audit_logqueue q LEFT JOIN audit_logentry e ON e.event_id = q.id
WHERE e.event_id IS NOT NULL OR (
    NOT EXISTS (SELECT FROM audit_serverecord s WHERE s.id = q.id)
    AND NOT EXISTS (SELECT FROM audit_auditevent a WHERE a.id = q.id)
)
"""


def events(tally: Tally) -> Faults:
    """Name every leaf and waiting row whose event is not there once, and once only; and what the cold tier lacks."""
    cold = ColdEvents(cold_store())
    for event_id, leaf, kind, expected in _rows(_GONE):
        for fault in cold.gone(event_id, leaf, kind, bytes(expected)):
            tally.lost += 1
            yield fault
    yield from cold.rest()
    for (event_id,) in _rows(_TWICE):
        tally.duplicated += 1
        yield f"event {event_id} is two things: a serve record and an audit event bear its id"
    for row_id, logged in _rows(_QUEUE):
        tally.duplicated += logged
        why = "has its leaf already" if logged else "is on record nowhere"
        yield f"event {row_id} waits for the log, but {why}: the row was put there by hand"


def as_logged(leaf: Leaf, event_id: UUID, kind: str, salt: bytes, body: bytes) -> bool:
    """Whether a row is what its leaf commits to."""
    try:
        return leaf.kind == kind and commit(event_id, salt, body) == leaf.digest
    except SaltRefused:
        return False


def unlogged(what: str, leaf: Leaf, event_id: UUID, kind: str, now: datetime, tally: Tally, *, late: bool) -> Faults:
    """Name what is wrong with a row that is not `as_logged`: nothing while it waits for its leaf.

    `late`: it may have come long after it happened, so that its age is not that of its id.
    """
    if leaf.number is not None:
        where = f"event {event_id} of leaf {leaf.number}"
        if kind != leaf.kind:
            yield f"{where} is in the log as {leaf.kind!r}, but on record as something else"
        else:
            yield f"{where} is not what was committed to: its bytes or its salt were changed"
    elif leaf.waits_since is None:
        tally.lost += 1
        yield f"{what} {event_id} is neither in the log nor waiting for it: its commitment was removed"
    elif overdue(event_id, now, came_at=leaf.waits_since if late else None):
        yield f"{what} {event_id} waits for the log for longer than promised"


def _rows(statement: str) -> Iterator[Any]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while found := cursor.fetchmany(2_000):
            yield from found
