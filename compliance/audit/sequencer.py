"""The sequencer: gives waiting commitments their places in the log, writes tiles, and signs what it wrote.

Two steps, each safe to repeat after a crash. `assign` moves rows from the queue to the log in one transaction, so that
none is lost or taken twice, whatever order they were committed in. `publish` writes the tiles of all leaves that no
checkpoint covers yet, and the checkpoint last (C2SP tlog-tiles; DESIGN §4).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from compliance.audit.heads import LogForked, LogPlace, newest, refuse_fork, refuse_larger, write_checkpoint
from compliance.audit.locks import held
from compliance.audit.log.batch import entry_of
from compliance.audit.log.note import Checkpoint, SigningKey, sign_note
from compliance.audit.models import LogCheckpoint

LOCK: Final = 0x636C6572_6C6F6731
"""PostgreSQL's advisory lock for the one process that writes the log."""

AT_ONCE: Final = 10_000


class NotAlone(Exception):
    """Another process is writing the log."""


def alone() -> AbstractContextManager[None]:
    """Hold the sequencer's lock. Raises NotAlone where another process holds it."""
    words = "Another sequencer is writing this log: stop it first, or leave the work to it."
    return held([LOCK], busy=NotAlone(words))


_MOVE: Final = """
WITH taken AS (
    DELETE FROM audit_logqueue WHERE id IN (
        SELECT id FROM audit_logqueue ORDER BY id LIMIT %(events)s
    ) RETURNING id, kind, digest, queued_at
), numbered AS (
    SELECT id, kind, digest, queued_at, row_number() OVER (ORDER BY id) - 1 AS number FROM taken
), next AS (
    SELECT coalesce(max(leaf) + 1, 0) AS leaf FROM audit_logentry
)
INSERT INTO audit_logentry (leaf, place, event_id, kind, digest, queued_at)
SELECT next.leaf + number / %(batch)s, number %% %(batch)s, id, kind, digest, queued_at FROM numbered, next
"""


def assign(*, events: int = 65_536, batch: int = 1) -> int:
    """Give up to so many waiting events their leaves, `batch` events in each; return how many were taken."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MOVE, {"events": events, "batch": batch})
        moved: int = cursor.rowcount
    return moved


def publish(place: LogPlace, key: SigningKey, *, now: datetime | None = None) -> Checkpoint | None:
    """Write and sign what was assigned since the last checkpoint; None where nothing was.

    Raises LogForked where that would contradict anything that was signed, LogDamaged where tiles do not hold what was,
    FileConflict where tiles of a lost round are in the way, OSError when a disk refuses.
    """
    last = newest(place)
    head = None if last is None else last[0]
    refuse_fork(place, head)
    if last is not None:
        write_checkpoint(place, last[1])  # a crash may have come between the database and the file
    size, root = (0, None) if head is None else (head.size, head.root)
    entries = leaves(size)
    if not entries:
        return None
    whole = place.tiles.append(entries, size=size, root=root)
    after = Checkpoint(origin=key.name, size=size + len(entries), root=whole)
    note = sign_note(after.text(), key)
    _keep(after, note, now or timezone.now())
    write_checkpoint(place, note)
    return after


def _keep(head: Checkpoint, note: str, made_at: datetime) -> None:
    number = (LogCheckpoint.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    LogCheckpoint.objects.create(size=head.size, number=number, root=head.root, note=note, made_at=made_at)


def rebuild(place: LogPlace) -> list[str]:
    """Write the signed log's files anew from the database; return the files that were moved aside.

    Raises LogForked where anything was published that the database does not know, LogDamaged where its leaves do not
    hash to the signed root: nothing is touched then.
    """
    last = newest(place)
    if last is None:
        return []
    head, note = last
    refuse_larger(place, head)
    aside = place.folder.with_name(f"{place.folder.name}.aside")
    moved = place.tiles.rebuild(leaves(0, head.size), root=head.root, aside=aside)
    refuse_fork(place, head)
    write_checkpoint(place, note)
    return moved


def leaves(start: int, stop: int | None = None) -> list[bytes]:
    """`each_leaf`, all at once."""
    return list(each_leaf(start, stop))


def each_leaf(start: int, stop: int | None = None) -> Iterator[bytes]:
    """Leaf entries from `start` on, as they go into the tree. Raises LogForked where one has a gap, BatchRefused."""
    number = start
    batch: list[bytes] = []
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            "SELECT leaf, place, digest FROM audit_logentry WHERE leaf >= %s AND (%s::bigint IS NULL OR leaf < %s) "
            "ORDER BY leaf, place",
            [start, stop, stop],
        )
        while rows := cursor.fetchmany(AT_ONCE):
            for leaf, place, digest in rows:
                if batch and leaf != number:
                    yield entry_of(batch)
                    number, batch = number + 1, []
                if leaf != number:
                    raise LogForked(f"Leaf {number} is missing from the database: restore it before signing on.")
                if place != len(batch):
                    raise LogForked(f"Leaf {number} has an event at {place}, where that of {len(batch)} must come.")
                batch.append(bytes(digest))
    if batch:
        yield entry_of(batch)
