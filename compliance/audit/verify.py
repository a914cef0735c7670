"""Is everything on record in the log, unchanged, and is the log whole? Every fault is named in a sentence.

The order is from the outside in: signed checkpoints, tiles, the database's copy of the leaves, and the events that the
leaves commit to. Blobs hash to their addresses. Replays (`compliance.serving.replay`) go further, to scores and order.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import connection

from compliance.audit.canonical import digest
from compliance.audit.log.commitment import commit
from compliance.audit.log.note import NoteRefused
from compliance.audit.log.reading import LogDamaged
from compliance.audit.models import AuditEvent, Blob, LogCheckpoint, LogQueue, ServeRecord
from compliance.audit.packing import unpack_bytes
from compliance.audit.sequencer import CHECKPOINT, LogForked, LogPlace, leaves, published

MERGE_DELAY: Final = timedelta(seconds=60)
"""The published maximum between an event and its place under a signed checkpoint."""
LAG: Final = timedelta(seconds=5)
"""Between a checkpoint in the database and its file: the sequencer writes the one right after the other."""
AT_ONCE: Final = 2_000

Faults = Iterator[str]


def verify(place: LogPlace, *, now: datetime) -> Faults:
    """Yield every fault found; nothing when all is as it was recorded."""
    yield from checkpoints(place, now)
    head = LogCheckpoint.objects.order_by("-size").first()
    if head is not None:
        yield from place.tiles.check(head.size, bytes(head.root))
        yield from _leaves(place, head.size)
    yield from events(now)
    yield from blobs()


def checkpoints(place: LogPlace, now: datetime) -> Faults:
    """Signatures of all checkpoints, and whether the published files are what the database holds."""
    # Files first: the sequencer writes them after the database, so that what they sign must be known there by now.
    texts = [(folder / CHECKPOINT, published(folder)) for folder in place.folders]
    known: dict[int, LogCheckpoint] = {}
    for kept in LogCheckpoint.objects.order_by("size").iterator():
        known[kept.size] = kept
        try:
            head = place.head(kept.note)
        except NoteRefused as error:
            yield f"checkpoint {kept.size} in the database: {error}"
            continue
        if (head.size, head.root) != (kept.size, bytes(kept.root)):
            yield f"checkpoint {kept.size} in the database: its columns are not what was signed"
    for path, text in texts:
        yield from _file(place, path, text, known, now)


def _file(place: LogPlace, path: Path, text: str | None, known: dict[int, LogCheckpoint], now: datetime) -> Faults:
    """One published checkpoint; it may lag behind the database by as long as a round may take, not longer."""
    if text is None:
        if late := _since(known, 0, now):
            yield f"{path} is missing, but {late} leaves were signed"
        return
    try:
        head = place.head(text)
    except NoteRefused as error:
        yield f"{path}: {error}"
        return
    if head.size not in known:
        yield f"{path} signs {head.size} leaves, of which the database knows nothing"
    elif bytes(known[head.size].root) != head.root:
        yield f"{path} signs another root for {head.size} leaves than the database holds"
    elif late := _since(known, head.size, now):
        yield f"{path} signs {head.size} leaves, but {late} were signed since"


def _since(known: dict[int, LogCheckpoint], size: int, now: datetime) -> int:
    """The largest size that was signed after `size` and longer ago than a file may lag; 0 for none."""
    late = [other for other, kept in known.items() if other > size and now - kept.made_at > LAG]
    return max(late, default=0)


def _leaves(place: LogPlace, size: int) -> Faults:
    """The database's leaves against the tiles' entries."""
    try:
        found = leaves(0, size)
    except LogForked as error:
        yield str(error)
        return
    if len(found) < size:
        yield f"leaves {len(found)} to {size - 1} are missing from the database"
    for index, entry in enumerate(found):
        try:
            same = place.tiles.entry(index, size) == entry
        except (LogDamaged, OSError):
            continue  # a broken bundle, which the check of the tiles has named
        if not same:
            yield f"leaf {index} in the database is not the one in the tiles"


_EVENTS: Final = """
SELECT e.event_id, e.leaf, e.digest, s.salt, s.body, a.salt, a.body
FROM audit_logentry e
LEFT JOIN audit_serverecord s ON s.id = e.event_id
LEFT JOIN audit_auditevent a ON a.id = e.event_id
ORDER BY e.leaf, e.place
"""


def events(now: datetime) -> Faults:
    """Every leaf's events against the rows they commit to, and every row against the log."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_EVENTS)
        while found := cursor.fetchmany(AT_ONCE):
            for event_id, leaf, expected, *rows in found:
                yield from _event(event_id, leaf, bytes(expected), rows)
    yield from _unlogged(ServeRecord, "serve record", now)
    yield from _unlogged(AuditEvent, "audit event", now)
    for row in ServeRecord.objects.only("id", "body", "body_sha256").iterator(chunk_size=AT_ONCE):
        if digest(bytes(row.body)) != row.body_sha256:
            yield f"serve record {row.id}: its body does not hash to its body_sha256"


def _event(event_id: UUID, leaf: int, expected: bytes, rows: list[Any]) -> Faults:
    salt, body = rows[:2] if rows[1] is not None else rows[2:]
    if body is None:
        yield f"event {event_id} of leaf {leaf} is gone from the database"
    elif commit(event_id, bytes(salt), bytes(body)) != expected:
        yield f"event {event_id} of leaf {leaf} is not what was committed to: its bytes or its salt were changed"


def _unlogged(model: Any, what: str, now: datetime) -> Faults:
    """Rows that no leaf commits to: waiting for longer than promised, or kept from the log altogether."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.id, q.id IS NOT NULL FROM {model._meta.db_table} r "  # noqa: S608 - our own table names
            "LEFT JOIN audit_logentry e ON e.event_id = r.id LEFT JOIN audit_logqueue q ON q.id = r.id "
            "WHERE e.event_id IS NULL"
        )
        for row_id, waits in cursor.fetchall():
            age = now - moment(row_id)
            if not waits:
                yield f"{what} {row_id} is neither in the log nor waiting for it: its commitment was removed"
            elif age > MERGE_DELAY:
                yield f"{what} {row_id} has waited {age.total_seconds():.0f} s for the log, longer than promised"


def moment(event_id: UUID) -> datetime:
    """When an event's id was made: the first 48 bits of a UUIDv7 (RFC 9562, section 5.7)."""
    return datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC)


def blobs() -> Faults:
    """Content-addressed bytes against their addresses, and every record's snapshot and policy pack."""
    held = set[str]()
    for blob in Blob.objects.iterator(chunk_size=200):
        held.add(blob.sha256)
        if digest(unpack_bytes(bytes(blob.content))) != blob.sha256:
            yield f"blob {blob.sha256} does not hash to its address"
    for row_id, snapshot in ServeRecord.objects.values_list("id", "snapshot_sha256").iterator(chunk_size=AT_ONCE):
        if snapshot not in held:
            yield f"serve record {row_id}: its feature snapshot {snapshot} is missing"


def waiting() -> int:
    """How many events wait for the sequencer."""
    return LogQueue.objects.count()
